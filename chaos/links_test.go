package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// draw writes links as "1>2 2>1"; the clients are c.
func draw(links []Link) string {
	var words []string
	for _, l := range links {
		words = append(words, strings.ReplaceAll(fmt.Sprintf("%d>%d", l.From, l.To), "0", "c"))
	}
	return strings.Join(words, " ")
}

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   Fault
		targets []int
		nodes   int
		want    string
	}{
		{"isolate", Fault{Kind: Isolate}, []int{2}, 3, "1>2 2>1 2>3 3>2"},
		{"isolate two from each other too", Fault{Kind: Isolate}, []int{1, 2}, 3, "1>2 1>3 2>1 2>3 3>1 3>2"},
		{"isolate from clients", Fault{Kind: Isolate, Params: Params{Clients: true}}, []int{2}, 2, "c>2 1>2 2>c 2>1"},
		{"split", Fault{Kind: Split}, []int{1, 2}, 4, "1>3 1>4 2>3 2>4 3>1 3>2 4>1 4>2"},
		{"one-way in", Fault{Kind: OneWay, Params: Params{Direction: "in", Clients: true}}, []int{1}, 3, "c>1 2>1 3>1"},
		{"one-way out", Fault{Kind: OneWay, Params: Params{Direction: "out", Clients: true}}, []int{1}, 3, "1>c 1>2 1>3"},
		{"bridge of three", Fault{Kind: Bridge}, []int{2}, 3, "1>3 3>1"},
		{"bridge of five", Fault{Kind: Bridge}, []int{1}, 5, "2>4 2>5 3>4 3>5 4>2 4>3 5>2 5>3"},
		{"ring of four", Fault{Kind: Ring}, []int{1, 2, 3, 4}, 4, "1>3 2>4 3>1 4>2"},
		{"ring of five", Fault{Kind: Ring}, []int{1, 2, 3, 4, 5}, 5, "1>3 1>4 2>4 2>5 3>1 3>5 4>1 4>2 5>2 5>3"},
		{"not of the network", Fault{Kind: Crash}, []int{1}, 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := draw(Links(c.fault, c.targets, c.nodes)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestRingLeavesEveryNodeAMajorityOfItsOwn(t *testing.T) {
	for n := 4; n <= nodesMax; n++ {
		seen := map[string]bool{}
		cut := map[Link]bool{}
		for _, l := range Links(Fault{Kind: Ring}, nil, n) {
			cut[l] = true
		}
		for a := 1; a <= n; a++ {
			view := ""
			count := 0
			for b := 1; b <= n; b++ {
				if !cut[Link{a, b}] {
					view += fmt.Sprint(b)
					count++
				}
			}
			if count < n/2+1 || count == n {
				t.Errorf("of %d nodes, node %d sees %d", n, a, count)
			}
			if seen[view] {
				t.Errorf("of %d nodes, two see the same %s", n, view)
			}
			seen[view] = true
		}
	}
}

func TestDelaySample(t *testing.T) {
	mean := Duration(10 * time.Millisecond)
	for _, c := range []struct {
		delay Delay
		u, v  float64
		want  time.Duration
	}{
		{Delay{Distribution: "constant", Mean: mean}, 0.9, 0.9, 10 * time.Millisecond},
		{Delay{Distribution: "exponential", Mean: mean}, 0, 0, 0},
		{Delay{Distribution: "exponential", Mean: mean}, 1 - 1e-16, 0, 100 * time.Millisecond},
		{Delay{Distribution: "bimodal", Mean: mean, Slow: seconds(1), SlowShare: 0.1}, 0, 0.05, time.Second},
		{Delay{Distribution: "bimodal", Mean: mean, Slow: seconds(1), SlowShare: 0.1}, 0, 0.5, 10 * time.Millisecond},
	} {
		if got := c.delay.Sample(c.u, c.v); got != c.want {
			t.Errorf("%+v at %v, %v: %s, want %s", c.delay, c.u, c.v, got, c.want)
		}
	}
}
