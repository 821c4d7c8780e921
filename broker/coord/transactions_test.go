package coord_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
)

// Elected, ReplayPending and ReplayEnd make the counter one that counts what is committed in transactions.
func (c *counter) Elected(epoch int32) { c.elected = append(c.elected, epoch) }

func (c *counter) ReplayPending(producerID int64, r coord.Record) error {
	if c.pending == nil {
		c.pending = map[int64][]string{}
	}
	c.pending[producerID] = append(c.pending[producerID], string(r.Key))
	return nil
}

func (c *counter) ReplayEnd(producerID int64, committed bool) {
	for _, key := range c.pending[producerID] {
		if committed {
			c.counts[key]++
		}
	}
	delete(c.pending, producerID)
}

// write has the machine write a record in a producer's transaction.
func (h *house) write(key string, p coord.Producer) *asked {
	a := newAsked()
	h.runtime.Do("any", a, func(*counter, time.Time) coord.Effects {
		return coord.Effects{Records: []coord.Record{{Key: []byte(key)}}, Producer: &p, Replies: []coord.Reply{{To: a, Response: "written"}}}
	})
	return a
}

func (h *house) end(m coord.Marker) *asked {
	a := newAsked()
	h.runtime.EndTransaction(0, m, a)
	return a
}

// TestTransactionalRecords: records in a transaction count once its marker is there, whoever runs the machine by then; without a
// guard there is no transaction.
func TestTransactionalRecords(t *testing.T) {
	h := open(t, 1)
	h.want(h.end(coord.Marker{ProducerID: 7}), nil, kerr.NotCoordinator)
	h.lead(1, 0, 1)
	h.active()
	h.want(h.write("a", coord.Producer{ID: 7}), nil, kerr.InvalidTxnState)
	begin := func(id int64) coord.Producer {
		t.Helper()
		index, guard, needed, err := h.runtime.BeginVerification("any", id, 0)
		if err != nil || !needed || index != 0 {
			t.Fatalf("guard %d in partition %d, needed %v, %v", guard, index, needed, err)
		}
		return coord.Producer{ID: id, Guard: guard}
	}
	h.want(h.write("a", begin(7)), "written", nil)
	h.want(h.write("a", coord.Producer{ID: 7}), "written", nil)
	h.want(h.write("a", begin(8)), "written", nil)
	h.want(h.read("a"), 0, nil)
	h.lead(1, 3, 1) // another may have led: the log is read again
	h.active()
	h.want(h.read("a"), 0, nil)
	h.want(h.end(coord.Marker{ProducerID: 7, Committed: true, CoordinatorEpoch: 4}), nil, nil)
	h.want(h.end(coord.Marker{ProducerID: 8, CoordinatorEpoch: 4}), nil, nil)
	h.want(h.end(coord.Marker{ProducerID: 8, CoordinatorEpoch: 3}), nil, kerr.TransactionCoordinatorFenced)
	h.want(h.read("a"), 2, nil)
	h.want(h.count("a"), 3, nil) // the offsets are still those that the shard expects
	h.lead(1, 4, 1)
	h.lead(1, 6, 1)
	h.active()
	h.want(h.read("a"), 3, nil)
	elected := newAsked()
	h.runtime.Do("any", elected, func(m *counter, _ time.Time) coord.Effects {
		return coord.Effects{Prompt: []coord.Reply{{To: elected, Response: len(m.elected) == 1 && m.elected[0] == 6}}}
	})
	h.want(elected, true, nil)
}

func TestTimers(t *testing.T) {
	var timers coord.Timers
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	if !timers.First().IsZero() {
		t.Error("a timer before any was set")
	}
	timers.Push(at(3), "c")
	timers.Push(at(1), "b")
	timers.Push(at(1), "a")
	if first := timers.First(); first != at(1) {
		t.Errorf("the first fires at %v", first)
	}
	var order string
	for key, due := timers.Pop(at(2)); due; key, due = timers.Pop(at(2)) {
		order += key
	}
	if order != "ab" || timers.First() != at(3) {
		t.Errorf("order %s, then %v", order, timers.First())
	}
}
