package vectors

import (
	"context"
	"flag"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/brokertest"
)

// drawAs fixes what rapid draws, and how much, for one test.
func drawAs(t *testing.T, checks string) {
	for name, value := range map[string]string{"rapid.seed": "7", "rapid.checks": checks, "rapid.nofailfile": "true", "moves": "6"} {
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}

// inMemory is a cluster of one of ours, prepared.
func inMemory(t *testing.T) (*brokertest.Cluster, Dialer) {
	c := brokertest.Start(t, brokertest.InMemory())
	dial := func(ctx context.Context) (net.Conn, error) { return c.Dial(ctx, "tcp", c.Bootstrap()[0]) }
	if err := Prepare(t.Context(), dial); err != nil {
		t.Fatal(err)
	}
	return c, dial
}

// TestOursIsAsOurs: a broker differs in nothing from another that is the same. What is drawn, and when it was, is all excepted.
func TestOursIsAsOurs(t *testing.T) {
	drawAs(t, "12")
	_, a := inMemory(t)
	_, b := inMemory(t)
	s := sides{a, b}
	versions, err := s.versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found := s.find(t, versions, "same"); found.what != "" {
		t.Errorf("%s\n%v", found.what, found.moves)
	}
}

// TestPlantedDifferenceIsFound: one broker has another answer for who leaves a group. Of all that was drawn, that one request is left, in its
// plainest form.
func TestPlantedDifferenceIsFound(t *testing.T) {
	drawAs(t, "200")
	_, a := inMemory(t)
	planted, b := inMemory(t)
	planted.Inject(brokertest.Fault{Key: kmsg.LeaveGroup, Error: kerr.IllegalGeneration})
	s := sides{a, b}
	versions, err := s.versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := s.find(t, versions, "planted")
	if len(found.moves) != 1 || found.moves[0].String() != "leave (g0, current, none)" || found.moves[0].Version != 0 {
		t.Errorf("shrunken to %v", found.moves)
	}
	if !strings.Contains(found.what, "LeaveGroup.ErrorCode is 25, the reference has 22") {
		t.Errorf("told as %q", found.what)
	}
}

// TestDrawnVersionsAreShared: what one of two brokers does not serve is not asked.
func TestDrawnVersionsAreShared(t *testing.T) {
	both := bothServe(
		map[kmsg.Key][2]int16{kmsg.Produce: {0, 13}, kmsg.Fetch: {4, 18}, kmsg.ListOffsets: {1, 3}, kmsg.Metadata: {0, 13}},
		map[kmsg.Key][2]int16{kmsg.Produce: {0, 12}, kmsg.Fetch: {6, 20}, kmsg.ListOffsets: {4, 11}})
	if len(both) != 2 || both[kmsg.Produce] != [2]int16{3, 12} || both[kmsg.Fetch] != [2]int16{6, 18} {
		t.Errorf("%v", both)
	}
}
