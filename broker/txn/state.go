package txn

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// State is where a transactional id is in the life of its transactions, numbered as in Kafka's records.
type State = kmsg.TransactionState

// The states. Dead and PrepareEpochFence are Kafka's own and not used here.
const (
	Empty          State = 0
	Ongoing        State = 1
	PrepareCommit  State = 2
	PrepareAbort   State = 3
	CompleteCommit State = 4
	CompleteAbort  State = 5
)

// bumping is the version of transactions in which the epoch is bumped at the end of each.
const bumping = 2

// epochExhausted is the epoch from which on a producer id is given up for a new one: one more is left, with which to fence.
const epochExhausted = math.MaxInt16 - 1

// none stands for an id or an epoch that is not there.
const none = -1

// Partition is one that a transaction has records in.
type Partition struct {
	Topic string
	Index int32
}

func comparePartitions(a, b Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
}

// transaction is what is known of a transactional id.
type transaction struct {
	id       string
	producer int64
	epoch    int16
	// lastEpoch is the epoch before the last bump for a producer that resumed, by which its request is known again; none without,
	// and after a reload.
	// lastEpochThen is what lastEpoch will be once the last decision is in the log: its record doesn't say.
	lastEpoch, lastEpochThen int16
	// previous is the producer id before this one, none without; next the one that takes its place when the transaction is over.
	previous, next int64
	timeoutMs      int32
	state          State
	// partitions. Invariant: empty but in Ongoing and the Prepare states.
	partitions map[Partition]bool
	startMs    int64 // of the transaction, none before the first
	updatedMs  int64
	// version is that of the client's transactions, as told by its last request that tells.
	version int16

	// wakes is the earliest timer set, zero when there is none.
	wakes time.Time
	// again is when to try again what is due, zero when there is nothing that failed.
	again time.Time
	// waiting are requests for the next transaction that came while this one was being ended.
	waiting []waiter
}

// waiter is a request that is decided again.
type waiter struct {
	to      coord.Caller
	until   time.Time
	again   func(now time.Time) coord.Effects
	refused func(err *kerr.Error) any // the answer
}

func newTransaction(id string) *transaction {
	return &transaction{
		id: id, producer: none, epoch: none, lastEpoch: none, lastEpochThen: none, previous: none, next: none, startMs: none,
		partitions: map[Partition]bool{},
	}
}

func (t *transaction) preparing() bool { return t.state == PrepareCommit || t.state == PrepareAbort }

func (t *transaction) exhausted() bool { return t.epoch >= epochExhausted }

// sorted are the partitions in order.
func (t *transaction) sorted() []Partition {
	return slices.SortedFunc(maps.Keys(t.partitions), comparePartitions)
}

// clone is a copy to decide a change on; what a transaction keeps in memory only is left out.
func (t *transaction) clone() *transaction {
	next := *t
	next.partitions = maps.Clone(t.partitions)
	next.wakes, next.again, next.waiting = time.Time{}, time.Time{}, nil
	return &next
}

// timesOut is when an ongoing transaction is aborted.
func (t *transaction) timesOut() time.Time {
	return time.UnixMilli(t.startMs).Add(time.Duration(t.timeoutMs) * time.Millisecond)
}

// due is when there is something to do, zero for never.
func (t *transaction) due() time.Time {
	first := t.again
	earlier := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if t.state == Ongoing && t.again.IsZero() {
		earlier(t.timesOut())
	}
	for _, w := range t.waiting {
		if t.preparing() {
			earlier(w.until)
		} else {
			earlier(time.UnixMilli(t.updatedMs))
		}
	}
	return first
}
