package share

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/share/state"
)

// remembers is a Persister that says yes to everything, and knows of nothing but a start.
type remembers struct{ start int64 }

func (r *remembers) Read(context.Context, state.Key, int32) (state.State, error) {
	return state.State{StartOffset: r.start}, nil
}

func (r *remembers) Write(context.Context, state.Key, state.State) error { return nil }

func newManagerOf(p Persister) *Manager {
	return NewManager(Config{NodeID: 1, Persister: p, Timeout: time.Second, Limits: func(string) Limits {
		return Limits{LockDuration: time.Second, DeliveriesMax: 5, InFlightMax: 100}
	}})
}

// entered is a share-partition that is ready, as a fetch that waits on ch has it.
func entered(t *testing.T, m *Manager, ch chan struct{}) *Partition {
	t.Helper()
	p, err := m.Enter(state.Key{Group: "g"}, 1, nil, ch)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return p
}

func woken(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// TestOneReadsAtATime: who finds another fetch reading is woken when it is done, and a fetch does not wake itself.
func TestOneReadsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManagerOf(&remembers{})
		defer m.Close()
		first, second := make(chan struct{}, 1), make(chan struct{}, 1)
		p := entered(t, m, first)
		entered(t, m, second)
		woken(first)
		if _, ok, _ := p.BeginRead(first); !ok {
			t.Fatal("nobody reads and one may not")
		}
		if _, ok, err := p.BeginRead(second); ok || err != nil {
			t.Fatalf("two read: %v", err)
		}
		p.EndRead("a", []Range{{0, 9}}, 5, true, -1)
		if woken(first) || !woken(second) {
			t.Error("the wrong fetch was woken")
		}
		if offset, ok, _ := p.BeginRead(second); offset != 5 || !ok {
			t.Errorf("the second reads at %d (%v), not at 5", offset, ok)
		}
		p.EndRead("b", nil, 5, true, -1)
		if woken(second) {
			t.Error("who found nothing wakes itself")
		}
		p.Acknowledge("a", []Ack{{Range{0, 4}, []int8{AckAccept}}}, func(*kerr.Error) {})
		if woken(second) {
			t.Error("an acceptance gives nobody anything")
		}
	})
}

// TestRetirementWaits: what nobody of the group fetches any more ends, and is begun anew; what somebody fetches meanwhile goes on.
func TestRetirementWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remembered := &remembers{start: 3}
		m := newManagerOf(remembered)
		defer m.Close()
		first, second := make(chan struct{}, 1), make(chan struct{}, 1)
		p := entered(t, m, first)
		m.EndGroup("g")
		if _, _, err := p.BeginRead(first); err != nil {
			t.Fatalf("a fetch under way is ended: %v", err)
		}
		p.EndRead("a", nil, 5, true, -1)
		if entered(t, m, second) != p {
			t.Fatal("another fetch does not go on with it")
		}
		p.Leave(first)
		p.Leave(second)
		if entered(t, m, first) != p {
			t.Fatal("it ended though its group came back")
		}
		m.EndGroup("g")
		remembered.start = 7
		p.Leave(first)
		again := entered(t, m, first)
		if again == p {
			t.Fatal("it did not end with its last fetch")
		}
		if offset, ok, _ := again.BeginRead(first); offset != 7 || !ok {
			t.Errorf("it begins at %d, not at what is remembered by now", offset)
		}
	})
}

// TestFencedIsNotTheLeader: members are told to look for the leader, which may be the same node, when what it remembers begins anew.
func TestFencedIsNotTheLeader(t *testing.T) {
	for given, want := range map[error]*kerr.Error{
		kerr.FencedStateEpoch: kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch: kerr.NotLeaderForPartition,
		kerr.UnknownTopicOrPartition: kerr.UnknownTopicOrPartition, context.DeadlineExceeded: kerr.CoordinatorNotAvailable,
	} {
		if got := errorOf(given); got != want {
			t.Errorf("%v is told as %v, not %v", given, got, want)
		}
	}
}

// TestReadsOnBehindAGap: a fetch that read over a gap in the window, and acquired nothing behind it, reads on at once.
func TestReadsOnBehindAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManagerOf(&remembers{})
		defer m.Close()
		ch := make(chan struct{}, 1)
		p := entered(t, m, ch)
		read := func(batches ...Range) ([]Acquired, bool) {
			t.Helper()
			if _, ok, err := p.BeginRead(ch); !ok || err != nil {
				t.Fatalf("may not read: %v", err)
			}
			return p.EndRead("a", batches, 100, true, -1)
		}
		given, _ := read(Range{0, 4}, Range{5, 9})
		p.Acknowledge("a", []Ack{{Range{5, 9}, []int8{AckAccept}}}, func(*kerr.Error) {})
		p.TakeBack("a", given)
		if given, again := read(Range{5, 9}); len(given) != 0 || !again {
			t.Errorf("given %v, again %v", given, again)
		}
		if offset, ok, _ := p.BeginRead(ch); offset != 10 || !ok {
			t.Errorf("reads at %d (%v)", offset, ok)
		}
		if given, again := p.EndRead("a", nil, 100, true, -1); len(given) != 0 || again {
			t.Errorf("given %v, again %v: it turns in circles", given, again)
		}
	})
}
