package group

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// txnWorld runs a machine whose log has records in transactions, and markers.
type txnWorld struct {
	*world
	t     *testing.T
	steps []func(m *Machine) error
	last  any
}

func newTxnWorld(t *testing.T) *txnWorld {
	w := &txnWorld{world: newWorld(), t: t}
	w.answered = func(_ string, response any) { w.last = response }
	return w
}

// log notes what happens to the log, and does it to the machine.
func (w *txnWorld) step(f func(m *Machine) error) {
	w.t.Helper()
	w.steps = append(w.steps, f)
	if err := f(w.machine); err != nil {
		w.t.Fatal(err)
	}
}

func (w *txnWorld) carryOut(e coord.Effects) any {
	w.t.Helper()
	for _, r := range e.Records {
		w.step(func(m *Machine) error {
			if e.Producer != nil {
				return m.ReplayPending(e.Producer.ID, r)
			}
			return m.Replay(r)
		})
	}
	for _, r := range append(e.Prompt, e.Replies...) {
		r.To.Answer(r.Response)
	}
	return w.last
}

func (w *txnWorld) end(producer int64, committed bool) {
	w.step(func(m *Machine) error {
		m.ReplayEnd(producer, committed)
		return nil
	})
}

func (w *txnWorld) commitInTransaction(producer int64, change func(*kmsg.TxnOffsetCommitRequest), at int64, partitions ...int32) int16 {
	w.t.Helper()
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.Group, req.Generation = "g", -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = "t"
	for _, index := range partitions {
		part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch = index, at, -1
		topic.Partitions = append(topic.Partitions, part)
	}
	req.Topics = append(req.Topics, topic)
	if change != nil {
		change(req)
	}
	resp := w.carryOut(w.machine.CommitInTransaction(caller{w.world, "a"}, req, coord.Producer{ID: producer}, w.now))
	return resp.(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

// offsets are those of partitions 0 and 1 as they are told, "?" where they are not stable.
func (w *txnWorld) offsets(stable bool) string {
	w.t.Helper()
	req := kmsg.NewOffsetFetchRequestGroup()
	req.Group, req.Topics = "g", []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0, 1}}}
	e := w.machine.Fetch(caller{w.world, "a"}, req)
	if stable {
		e = w.machine.FetchStable(caller{w.world, "a"}, req)
	}
	text := ""
	for _, part := range w.carryOut(e).(kmsg.OffsetFetchResponseGroup).Topics[0].Partitions {
		if part.ErrorCode == kerr.UnstableOffsetCommit.Code {
			text += "? "
		} else {
			text += fmt.Sprint(part.Offset, " ")
		}
	}
	return text
}

func (w *txnWorld) want(what, all, stable string) {
	w.t.Helper()
	if got := w.offsets(false); got != all+" " {
		w.t.Errorf("%s: offsets %s, want %s", what, got, all)
	}
	if got := w.offsets(true); got != stable+" " {
		w.t.Errorf("%s: stable offsets %s, want %s", what, got, stable)
	}
}

// reload has a machine that knows only the log go on.
func (w *txnWorld) reload() {
	w.machine = New(&w.cfg)
	for _, f := range w.steps {
		if err := f(w.machine); err != nil {
			w.t.Fatal(err)
		}
	}
	w.machine.Loaded(w.now)
}

// TestOffsetsInTransactions: they are seen once their transaction is committed, and never when it is not; a later commit of
// the same offset counts, also by somebody else.
func TestOffsetsInTransactions(t *testing.T) {
	w := newTxnWorld(t)
	plain := func(at int64) {
		req := commitOf(words{"group": "g", "offset": fmt.Sprint(at)})
		w.carryOut(w.machine.Commit(caller{w.world, "a"}, req, w.now))
	}
	plain(1)
	w.commitInTransaction(7, nil, 5, 0, 1)
	w.commitInTransaction(8, nil, 6, 1)
	w.want("both open", "1 -1", "? ?")
	w.reload()
	w.want("after a reload", "1 -1", "? ?")
	w.end(8, true)
	w.want("the second committed", "1 6", "? ?")
	w.end(7, true)
	w.want("an older commit of partition 1 ends later", "5 6", "5 6")
	w.commitInTransaction(7, nil, 9, 0)
	plain(2)
	w.want("committed by somebody else meanwhile", "2 6", "? 6")
	w.end(7, true)
	w.want("which is later", "2 6", "2 6")
	w.commitInTransaction(7, nil, 10, 0)
	w.end(7, false)
	w.want("aborted", "2 6", "2 6")
	w.reload()
	w.want("after another reload", "2 6", "2 6")
	if len(w.machine.pending.byProducer)+len(w.machine.pending.open)+len(w.machine.pending.groups) != 0 {
		t.Errorf("pending: %+v", w.machine.pending)
	}
}

// TestPendingOffsetsKeepTheirGroup: a group is not forgotten while an open transaction has offsets of it, but can be deleted, and
// then nothing of it comes back.
func TestPendingOffsetsKeepTheirGroup(t *testing.T) {
	w := newTxnWorld(t)
	w.commitInTransaction(7, nil, 5, 0)
	w.advance(3 * time.Hour)
	if w.machine.groups["g"] == nil {
		t.Fatal("the group is gone")
	}
	resp := w.carryOut(w.machine.Delete(caller{w.world, "a"}, "g")).(kmsg.DeleteGroupsResponseGroup)
	if resp.ErrorCode != 0 {
		t.Fatal(kerr.ErrorForCode(resp.ErrorCode))
	}
	w.end(7, true)
	w.want("deleted", "-1 -1", "-1 -1")
}

func TestWhoMayCommitInTransactions(t *testing.T) {
	w := newTxnWorld(t)
	of := func(member string, generation int32) func(*kmsg.TxnOffsetCommitRequest) {
		return func(req *kmsg.TxnOffsetCommitRequest) { req.MemberID, req.Generation = member, generation }
	}
	check := func(what string, got int16, want *kerr.Error) {
		t.Helper()
		if got != want.Code {
			t.Errorf("%s: %v, want %v", what, kerr.ErrorForCode(got), want)
		}
	}
	check("a generation of no group", w.commitInTransaction(7, of("a", 3), 1, 0), kerr.IllegalGeneration)
	w.carryOut(w.machine.Join(caller{w.world, "a"}, Client{}, joinOf(words{"group": "g"}), w.now))
	member := w.machine.groups["g"].members[0].id
	ok := &kerr.Error{}
	check("before the assignment", w.commitInTransaction(7, of(member, 1), 1, 0), ok)
	check("an old generation", w.commitInTransaction(7, of(member, 0), 1, 0), kerr.IllegalGeneration)
	check("an unknown member", w.commitInTransaction(7, of("who", 1), 1, 0), kerr.UnknownMemberID)
	check("nobody in particular", w.commitInTransaction(7, nil, 1, 0), ok)
	long := "longer than the limit"
	check("too much metadata", w.commitInTransaction(7, func(req *kmsg.TxnOffsetCommitRequest) {
		req.Topics[0].Partitions[0].Metadata = &long
	}, 1, 0), kerr.OffsetMetadataTooLarge)
}
