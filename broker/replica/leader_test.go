package replica

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/broker/metadata"
)

var anybody eligibility = func(int32, int64) bool { return true }
var nobody eligibility = func(int32, int64) bool { return false }

// leading returns a leader 1 of replicas 1, 2, 3 whose epoch started at offset 10.
func leading(isr ...int32) *leaderState {
	reg := &metadata.Partition{Replicas: []int32{1, 2, 3}, ISR: isr, Leader: 1, LeaderEpoch: 4, PartitionEpoch: 7}
	return newLeaderState(1, reg, 10, 1, nil, time.Unix(1000, 0))
}

func TestHighWatermark(t *testing.T) {
	late := time.Unix(5000, 0)
	for _, test := range []struct {
		name     string
		isr      []int32
		minISR   int
		ends     map[int32]int64 // of followers that fetched, long ago
		now      time.Time
		eligible eligibility
		pending  int32
		want     int64
	}{
		{name: "nobody heard of yet", isr: []int32{1, 2, 3}, want: -1},
		{name: "least of the ISR", isr: []int32{1, 2, 3}, ends: map[int32]int64{2: 15, 3: 12}, want: 12},
		{name: "the leader's own end bounds", isr: []int32{1, 2, 3}, ends: map[int32]int64{2: 20, 3: 20}, want: 20},
		{name: "others don't count", isr: []int32{1, 2}, ends: map[int32]int64{2: 15, 3: 12}, now: late, want: 15},
		{name: "alone", isr: []int32{1}, now: late, want: 20},
		{name: "who keeps up and may join counts", isr: []int32{1, 2}, ends: map[int32]int64{2: 15, 3: 12}, now: time.Unix(1001, 0), want: 12},
		{name: "who keeps up and may not join doesn't", isr: []int32{1, 2}, ends: map[int32]int64{2: 15, 3: 12}, now: time.Unix(1001, 0), eligible: nobody, want: 15},
		{name: "a pending member counts", isr: []int32{1, 2}, ends: map[int32]int64{2: 15, 3: 12}, now: late, pending: 3, want: 12},
		{name: "ISR too small", isr: []int32{1}, minISR: 2, want: -1},
		{name: "ISR just large enough", isr: []int32{1, 2}, minISR: 2, ends: map[int32]int64{2: 15}, now: late, want: 15},
		{name: "no more is asked than there are replicas", isr: []int32{1, 2, 3}, minISR: 5, ends: map[int32]int64{2: 15, 3: 12}, want: 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := leading(test.isr...)
			l.minISR = max(test.minISR, 1)
			for id, end := range test.ends {
				l.follower(id).fetched(end, 0, end, 1, time.Unix(1000, 0))
			}
			if test.pending != 0 {
				l.propose(append(slices.Clone(test.isr), test.pending), test.pending)
			}
			if test.eligible == nil {
				test.eligible = anybody
			}
			if test.now.IsZero() {
				test.now = time.Unix(1001, 0)
			}
			if got := l.highWatermark(20, test.now, 30*time.Second, test.eligible); got != test.want {
				t.Errorf("high watermark %d, want %d", got, test.want)
			}
		})
	}
}

func TestProposeExpand(t *testing.T) {
	for _, test := range []struct {
		name     string
		end      int64
		mark     int64
		eligible eligibility
		isr      []int32
		pending  bool
		want     []int32
	}{
		{name: "has everything", end: 15, mark: 12, want: []int32{1, 2, 3}},
		{name: "less than the high watermark", end: 11, mark: 12},
		{name: "less than the leader began with", end: 9, mark: 5},
		{name: "not eligible", end: 15, mark: 12, eligible: nobody},
		{name: "a member already", end: 15, mark: 12, isr: []int32{1, 2, 3}},
		{name: "another change is pending", end: 15, mark: 12, pending: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.isr == nil {
				test.isr = []int32{1, 2}
			}
			if test.eligible == nil {
				test.eligible = anybody
			}
			l := leading(test.isr...)
			l.follower(3).fetched(test.end, 0, 15, 33, time.Unix(1000, 0))
			if test.pending {
				l.propose([]int32{1}, -1)
			}
			change := l.proposeExpand(l.follower(3), test.mark, test.eligible)
			if (change == nil) != (test.want == nil) {
				t.Fatalf("proposed %+v, want %v", change, test.want)
			}
			if change == nil {
				return
			}
			if !slices.Equal(change.isr, test.want) || !slices.Equal(change.brokerEpochs, []int64{-1, -1, 33}) {
				t.Errorf("proposed %v of %v", change.isr, change.brokerEpochs)
			}
			if change.leaderEpoch != 4 || change.partitionEpoch != 7 || l.isr.pending != change {
				t.Errorf("proposed %+v", *change)
			}
		})
	}
}

func TestProposeShrink(t *testing.T) {
	l := leading(1, 2, 3)
	began := time.Unix(1000, 0)
	l.follower(2).fetched(20, 0, 20, 1, began.Add(25*time.Second))
	if change := l.proposeShrink(30, began.Add(30*time.Second), 30*time.Second); change != nil {
		t.Fatalf("proposed %v before the time", change.isr)
	}
	change := l.proposeShrink(30, began.Add(31*time.Second), 30*time.Second)
	if change == nil || !slices.Equal(change.isr, []int32{1, 2}) || change.added != -1 {
		t.Fatalf("proposed %+v, want 1 and 2", change)
	}
	if again := l.proposeShrink(30, began.Add(time.Hour), 30*time.Second); again != nil {
		t.Errorf("a second change is proposed while one is pending")
	}
	if !l.isr.inMaximal(3) {
		t.Error("a member that is to leave no longer counts before it has left")
	}
}

func TestAnswersToProposals(t *testing.T) {
	l := leading(1, 2)
	change := l.propose([]int32{1, 2, 3}, 3)
	l.accepted(&isrChange{}, []int32{1}, 8)
	if len(l.isr.committed) != 2 {
		t.Error("an answer to another proposal counts")
	}
	l.accepted(change, []int32{1, 2, 3}, 6)
	if len(l.isr.committed) != 2 {
		t.Error("an answer with an older partition epoch counts")
	}
	l.accepted(change, []int32{1, 2, 3}, 8)
	if len(l.isr.committed) != 3 || l.partitionEpoch != 8 || l.isr.pending != nil {
		t.Errorf("after the answer: %+v", *l)
	}
	change = l.propose([]int32{1, 2}, -1)
	l.adopt(&metadata.Partition{Replicas: []int32{1, 2, 3}, ISR: []int32{1, 3}, PartitionEpoch: 9})
	l.rejected(change)
	l.accepted(change, []int32{1, 2}, 10)
	if !slices.Equal(l.isr.committed, []int32{1, 3}) {
		t.Errorf("an overtaken answer counts: %v", l.isr.committed)
	}
}

func TestReassignmentKeepsProgress(t *testing.T) {
	l := leading(1, 2, 3)
	l.follower(2).fetched(15, 0, 15, 1, time.Unix(1000, 0))
	l.adopt(&metadata.Partition{Replicas: []int32{2, 1, 4}, ISR: []int32{1, 2}, PartitionEpoch: 8})
	if f := l.follower(2); f == nil || f.logEndOffset != 15 {
		t.Error("what was known of a replica that stays is lost")
	}
	if l.follower(3) != nil || l.follower(4) == nil || l.follower(1) != nil {
		t.Error("followers are not the new assignment's")
	}
}

// Whatever happens, the high watermark is never past what a possible member of the ISR has, and at most one change is
// pending.
func TestLeaderInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := leading(1, 2, 3)
		l.minISR = rapid.IntRange(1, 3).Draw(t, "minISR")
		now, end, mark := time.Unix(1000, 0), int64(10), int64(0)
		lagMax := 30 * time.Second
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { end += rapid.Int64Range(1, 5).Draw(t, "n") },
			"wait":   func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "s")) * time.Second) },
			"fetch": func(t *rapid.T) {
				f := l.followers[rapid.IntRange(0, 1).Draw(t, "who")]
				f.fetched(rapid.Int64Range(max(f.logEndOffset, 0), end).Draw(t, "offset"), 0, end, 1, now)
			},
			"expand": func(t *rapid.T) { l.proposeExpand(l.followers[rapid.IntRange(0, 1).Draw(t, "who")], mark, anybody) },
			"shrink": func(t *rapid.T) { l.proposeShrink(end, now, lagMax) },
			"accept": func(t *rapid.T) {
				if c := l.isr.pending; c != nil {
					l.accepted(c, c.isr, c.partitionEpoch+1)
				}
			},
			"reject": func(t *rapid.T) {
				if c := l.isr.pending; c != nil {
					l.rejected(c)
				}
			},
			"": func(t *rapid.T) {
				next := l.highWatermark(end, now, lagMax, anybody)
				if next > end {
					t.Fatalf("high watermark %d past the end %d", next, end)
				}
				for _, f := range l.followers {
					if next > mark && l.isr.inMaximal(f.id) && next > f.logEndOffset {
						t.Fatalf("high watermark %d, follower %d has %d", next, f.id, f.logEndOffset)
					}
				}
				if next > mark && len(l.isr.committed) < l.minISR {
					t.Fatalf("high watermark moved with an ISR of %d", len(l.isr.committed))
				}
				mark = max(mark, next)
				for _, id := range l.isr.committed {
					if f := l.follower(id); f != nil && f.logEndOffset >= 0 && f.logEndOffset < mark && mark > 10 {
						t.Fatalf("member %d has %d, less than the high watermark %d", id, f.logEndOffset, mark)
					}
				}
				if !slices.Contains(l.isr.committed, 1) {
					t.Fatal("the leader left its ISR")
				}
			},
		})
	})
}

// Whom the controller takes out of the ISR may have lost what it had: what it fetched before says nothing.
func TestWhoWasTakenOutOfTheISRCountsAnew(t *testing.T) {
	now := time.Unix(1000, 0)
	before := leading(1, 2, 3)
	for id := range int32(2) {
		before.follower(id+2).fetched(10, 0, 10, 1, now)
	}
	reg := &metadata.Partition{Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2}, Leader: 1, LeaderEpoch: 5, PartitionEpoch: 8}
	after := newLeaderState(1, reg, 10, 1, before, now)
	if got := after.follower(2).logEndOffset; got != 10 {
		t.Errorf("who stayed has %d", got)
	}
	left := after.follower(3)
	if change := after.proposeExpand(left, 5, anybody); change != nil || left.logEndOffset != -1 {
		t.Fatalf("it has %d, and joins by %+v", left.logEndOffset, change)
	}
	left.fetched(4, 0, 10, 1, now)
	if after.proposeExpand(left, 5, anybody) != nil {
		t.Fatal("it joins with less than is committed")
	}
	left.fetched(10, 0, 10, 1, now)
	if after.proposeExpand(left, 5, anybody) == nil {
		t.Error("it can't join with all of it")
	}
}
