package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/record"
)

func (c *cluster) await(appends func(done func(AppendResult)) *PendingAppend) *answer {
	a := &answer{}
	a.pending = appends(func(r AppendResult) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.result = &r
	})
	return a
}

// transact appends a batch of one record in a producer's transaction.
func (c *cluster) transact(leader int32, producer int64, sequence int32) *answer {
	c.t.Helper()
	p := c.partition(leader)
	guard, _, err := p.BeginVerification(producer, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	b := record.NewBuilder()
	b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = producer, 0, sequence, true
	b.Append(record.Record{Timestamp: time.Now().UnixMilli(), Value: fmt.Appendf(nil, "%d-%d", producer, sequence)})
	built, err := b.Build()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.await(func(done func(AppendResult)) *PendingAppend { return p.AppendVerified(built, -1, guard, done) })
}

func (c *cluster) end(leader int32, producer int64, kind record.ControlType, coordinatorEpoch int32) *answer {
	c.t.Helper()
	marker, err := record.MarkerBatch(record.Marker{Type: kind, CoordinatorEpoch: coordinatorEpoch}, producer, 0, time.Now().UnixMilli())
	if err != nil {
		c.t.Fatal(err)
	}
	p := c.partition(leader)
	return c.await(func(done func(AppendResult)) *PendingAppend { return p.AppendMarker(marker, false, done) })
}

// committed is what a reader of committed records is given from offset on.
func (c *cluster) committed(id int32, from int64) FetchResult {
	c.t.Helper()
	r := c.partition(id).Fetch(FetchRequest{
		Offset: from, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, MaxBytes: 1 << 20, AtLeastOne: true, Isolation: Committed, ReplicaID: -1,
		AllowFollower: true,
	})
	if r.Slice != nil {
		r.Slice.Release()
	}
	return r
}

// TestTransactionsOverReplicas: readers of committed records get none of an open transaction, and are told of aborted ones, also by
// a node that learned of them as a follower.
func TestTransactionsOverReplicas(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.create(topicID, 1, 2, 3)
		c.transact(1, 7, 0).want(t, nil)      // 0
		c.transact(1, 8, 0).want(t, nil)      // 1
		c.produce(1, -1, "x", 1).want(t, nil) // 2
		c.transact(1, 7, 1).want(t, nil)      // 3
		c.produce(1, -1, "y", 1).want(t, nil) // 4
		if r := c.committed(1, 0); r.LastStableOffset != 0 || r.Slice != nil || r.HighWatermark != 5 {
			t.Fatalf("%+v while the first transaction is open", r)
		}
		c.end(1, 7, record.ControlAbort, 3).want(t, nil) // 5
		aborted := []commitlog.AbortedTxn{{ProducerID: 7, FirstOffset: 0, LastOffset: 5, LastStableOffset: 1}}
		if r := c.committed(1, 0); r.LastStableOffset != 1 || !slices.Equal(r.AbortedTxns, aborted) {
			t.Fatalf("%+v while the second transaction is open", r)
		}
		c.end(1, 8, record.ControlCommit, 3).want(t, nil)                               // 6
		c.end(1, 8, record.ControlCommit, 2).want(t, kerr.TransactionCoordinatorFenced) // an older coordinator
		stray := c.await(func(done func(AppendResult)) *PendingAppend { return c.partition(1).Append(batch("z", 1), -1, done) })
		stray.want(t, nil) // 7
		c.elect(2, 1, 2, 3)
		c.produce(2, -1, "next", 1).want(t, nil) // 8
		for _, id := range []int32{2, 3} {
			time.Sleep(time.Second)
			r := c.committed(id, 2)
			if r.LastStableOffset != 9 || !slices.Equal(r.AbortedTxns, aborted) {
				t.Errorf("node %d: %+v after the end of both", id, r)
			}
			if r := c.committed(id, 6); len(r.AbortedTxns) != 0 {
				t.Errorf("node %d tells of %+v, of which nothing is left to read", id, r.AbortedTxns)
			}
		}
		if r, err := c.partition(2).ListOffset(-1, Committed, TimestampLatest); err != nil || r.Offset != 9 {
			t.Errorf("latest stable offset %+v, %v", r, err)
		}
		known, err := c.partition(2).Producers()
		if err != nil || len(known) != 2 || known[0].ID != 7 || known[0].TxnStartOffset != -1 || known[0].CoordinatorEpoch != 3 || known[0].LastSequence != 1 {
			t.Errorf("producers %+v, %v", known, err)
		}
		if _, err := c.partition(3).Producers(); err != error(kerr.NotLeaderForPartition) {
			t.Errorf("a follower describes producers: %v", err)
		}
		c.wantSame(1, 2, 3)
	})
}
