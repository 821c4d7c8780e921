package bench

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTroubles(t *testing.T) {
	if len(Troubles()) < 5 {
		t.Fatalf("troubles: %v", Troubles())
	}
	for _, name := range Troubles() {
		trouble, err := NamedTrouble(name)
		if err != nil || trouble.Name != name {
			t.Errorf("%s: %q, %v", name, trouble.Name, err)
		}
		w, err := Preset(trouble.Workload)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := trouble.suits(w.withDefaults()); err != nil {
			t.Errorf("%s does not suit its own workload: %v", name, err)
		}
	}
	if _, err := NamedTrouble("nothing"); err == nil || !strings.Contains(err.Error(), "leader-kill") {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestBadTroubles(t *testing.T) {
	for _, text := range []string{
		"", "{}", `{"after": "1s"}`, `{"moves": [{"at": "1s"}]}`, `{"moves": [{"at": "0s"}], "after": "1s"}`, `{"movs": [], "after": "1s"}`,
		`{"members": [{"at": "1s"}], "after": "1s"}`, `{"schedule": [{"at": "1s", "for": "1s", "kind": "bit-rot", "target": "all"}], "after": "1s"}`,
		`{"schedule": [{"at": "1s", "kind": "crash", "target": "all"}], "after": "1s"}`,
	} {
		if _, err := ParseTrouble([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	good, members := Workload{Rate: 10, Read: "beside", RecordBytes: 100}, &Trouble{Members: []Member{{1, 1}}}
	for name, change := range map[string]func(*Workload){
		"no rate": func(w *Workload) { w.Rate = 0 }, "read after": func(w *Workload) { w.Read = "after" }, "acks": func(w *Workload) { w.Acks = "1" },
		"small": func(w *Workload) { w.RecordBytes = 5 }, "two groups": func(w *Workload) { w.Groups = 2 }, "batches": func(w *Workload) { w.Client = "batches" },
	} {
		w := good
		change(&w)
		if err := new(Trouble).suits(w.withDefaults()); err == nil {
			t.Errorf("%s suits", name)
		}
	}
	if err := members.suits(good.withDefaults()); err == nil {
		t.Error("a member joins no group")
	}
}

// A record counts by when it was to be sent, a gap by when it ended, and what is read twice once.
func TestPhases(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(100, 0).Add(time.Duration(ms) * time.Millisecond) }
	p := newPhases(at(0))
	send := func(partition int32, intended, acked int) { p.written(partition, at(intended), at(acked)) }
	send(0, 10, 15)
	send(1, 10, 16)
	send(0, 90, 100)
	p.begin(at(110))
	p.begin(at(120)) // a second fault
	send(1, 105, 300)
	send(0, 130, 900)
	p.strike(blow{"crash node 1", at(110), at(950)})
	p.end(at(1000), time.Second)
	send(0, 990, 1010)
	send(0, 1005, 1030)
	for sequence, want := range map[uint64]bool{0: true, 200: true} {
		if got := p.read(0, sequence, at(20), at(40)); got != want {
			t.Errorf("record %d is fresh: %v", sequence, got)
		}
	}
	if p.read(0, 200, at(20), at(60)) || p.repeated != 1 {
		t.Error("a record is counted twice")
	}
	if p.over(at(1999)) || !p.over(at(2000)) {
		t.Error("writing does not end a second after the last fault")
	}
	all, struck := p.result(at(-50))
	if !reflect.DeepEqual(struck, []Struck{{"crash node 1", 0.16, 1}}) {
		t.Errorf("struck: %v", struck)
	}
	for i, want := range []Phase{
		{Name: "before", Seconds: 0.11, Written: 3, Read: 2, WriteGapMs: 85, Produce: Percentiles{Max: 195, Count: 4}, EndToEnd: Percentiles{Count: 2}},
		{Name: "during", Seconds: 0.89, Written: 2, WriteGapMs: 800, Produce: Percentiles{Max: 770, Count: 2}},
		{Name: "after", Seconds: 0.03, Written: 2, WriteGapMs: 110, Produce: Percentiles{Max: 25, Count: 1}},
	} {
		got := all[i]
		near := func(a, b float64) bool { return a > b*0.99 && a < b*1.01 || a == b }
		if got.Name != want.Name || !near(got.Seconds, want.Seconds) || got.Written != want.Written || got.Read != want.Read || !near(got.WriteGapMs, want.WriteGapMs) ||
			!near(got.Produce.Max, want.Produce.Max) || got.Produce.Count != want.Produce.Count || got.EndToEnd.Count != want.EndToEnd.Count {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if !(*phases)(nil).read(0, 1, at(0), at(1)) {
		t.Error("without phases a record counts")
	}
}

func TestFollowing(t *testing.T) {
	if got := following([]int32{5, 1}, []int32{1, 3, 5}); !slices.Equal(got, []int32{1, 3}) {
		t.Error(got)
	}
}

// A control command is asked in words, whosever it is.
func TestControl(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "control")
	text := "#!/bin/sh\necho \"$@\" >>" + dir + "/asked\ncase $1 in status) echo 'node 1 pid 4711 rss_kB 5'; echo 'node 2 down';; start) [ $2 = 2 ] || { echo 'no such node' >&2; exit 1; };; esac\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	c, ctx := Control("sh "+script), context.Background()
	if pids, err := c.PIDs(ctx); err != nil || !reflect.DeepEqual(pids, map[int]int{1: 4711}) {
		t.Errorf("%v, %v", pids, err)
	}
	if err := c.Start(ctx, 2); err != nil {
		t.Error(err)
	}
	if err := c.Start(ctx, 3); err == nil || !strings.Contains(err.Error(), "no such node") {
		t.Errorf("a node that is not there: %v", err)
	}
	if err := c.disk(ctx, 2, disk{Factor: 50}); err != nil {
		t.Error(err)
	}
	asked, err := os.ReadFile(dir + "/asked")
	if want := "status\nstart 2\nstart 3\ndisk 2 {\"factor\":50}\n"; err != nil || string(asked) != want {
		t.Errorf("%q, %v", asked, err)
	}
	for _, bad := range []string{"ready", "node 1 pid x", "node 1 pid 0", "node x pid 5"} {
		if _, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
