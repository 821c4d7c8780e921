package commitlog

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/record"
)

func TestIdempotentSequences(t *testing.T) {
	type send struct {
		epoch int16
		seq   int32
		n     int
		want  string // offsets, "duplicate" and offsets, or an error
	}
	tests := []struct {
		name  string
		sends []send
	}{
		{"in order", []send{{0, 0, 2, "0-1"}, {0, 2, 3, "2-4"}, {0, 5, 1, "5-5"}}},
		{"gap", []send{{0, 0, 2, "0-1"}, {0, 3, 1, "out of order"}, {0, 2, 1, "2-2"}}},
		{"retry", []send{{0, 0, 2, "0-1"}, {0, 2, 2, "2-3"}, {0, 0, 2, "duplicate 0-1"}, {0, 2, 2, "duplicate 2-3"}, {0, 4, 1, "4-4"}}},
		{"retry of the fifth last, not of the sixth", []send{
			{0, 0, 1, "0-0"}, {0, 1, 1, "1-1"}, {0, 2, 1, "2-2"}, {0, 3, 1, "3-3"}, {0, 4, 1, "4-4"}, {0, 5, 1, "5-5"},
			{0, 1, 1, "duplicate 1-1"}, {0, 0, 1, "out of order"}}},
		{"retry with other bounds", []send{{0, 0, 4, "0-3"}, {0, 0, 2, "out of order"}, {0, 2, 2, "out of order"}}},
		{"unknown producer may start anywhere", []send{{3, 17, 2, "0-1"}, {3, 19, 1, "2-2"}}},
		{"new epoch starts at 0", []send{{0, 0, 1, "0-0"}, {1, 1, 1, "out of order"}, {1, 0, 1, "1-1"}, {1, 1, 1, "2-2"}}},
		{"old epoch", []send{{4, 0, 1, "0-0"}, {3, 0, 1, "old epoch"}, {3, 1, 1, "old epoch"}}},
		{"retry of an old epoch's batch", []send{{0, 0, 1, "0-0"}, {1, 0, 1, "1-1"}, {0, 0, 1, "old epoch"}}},
		{"sequences wrap", []send{{0, math.MaxInt32 - 1, 2, "0-1"}, {0, 0, 2, "2-3"}, {0, math.MaxInt32 - 1, 2, "duplicate 0-1"}}},
		{"a batch wraps", []send{{0, math.MaxInt32, 3, "0-2"}, {0, 2, 1, "3-3"}, {0, math.MaxInt32, 3, "duplicate 0-2"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, _ := newLog(t, nil)
			for i, s := range test.sends {
				info, err := l.AppendLeader(batchOf(t, s.n, idempotent(7, s.epoch, s.seq)), 0)
				got := ""
				switch {
				case err == nil && info.Duplicate:
					got = fmt.Sprintf("duplicate %d-%d", info.FirstOffset, info.LastOffset)
				case err == nil:
					got = fmt.Sprintf("%d-%d", info.FirstOffset, info.LastOffset)
				case s.want == "out of order":
					wantErr(t, err, ErrOutOfOrderSequence)
					got = s.want
				case s.want == "old epoch":
					wantErr(t, err, ErrInvalidProducerEpoch)
					got = s.want
				default:
					t.Fatalf("send %d: %v", i, err)
				}
				if got != s.want {
					t.Fatalf("send %d: %s, want %s", i, got, s.want)
				}
			}
		})
	}
}

func TestSeveralBatchesInOneAppend(t *testing.T) {
	l, _ := newLog(t, nil)
	set := append(batchOf(t, 2, idempotent(1, 0, 0)), batchOf(t, 1, idempotent(1, 0, 2))...)
	info, err := l.AppendLeader(set, 4)
	must(t, err)
	if info.FirstOffset != 0 || info.LastOffset != 2 {
		t.Errorf("%+v", info)
	}
	again, err := l.AppendLeader(set, 4)
	must(t, err)
	if !again.Duplicate || again.FirstOffset != 0 || again.LastOffset != 2 {
		t.Errorf("%+v", again)
	}
	mixed := append(batchOf(t, 1, idempotent(1, 0, 2)), batchOf(t, 1, idempotent(1, 0, 3))...)
	_, err = l.AppendLeader(mixed, 4)
	wantErr(t, err, ErrOutOfOrderSequence)
	wrong := append(batchOf(t, 1, idempotent(1, 0, 3)), batchOf(t, 1, idempotent(1, 0, 9))...)
	_, err = l.AppendLeader(wrong, 4)
	wantErr(t, err, ErrOutOfOrderSequence)
	if l.EndOffset() != 3 {
		t.Errorf("end %d: part of a refused set was appended", l.EndOffset())
	}
}

func TestProducersSurviveReopenAndTruncation(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes = 400 })
	for i := range 12 {
		_, err := l.AppendLeader(batchOf(t, 1, idempotent(9, 0, int32(i))), 0)
		must(t, err)
	}
	must(t, l.TruncateTo(8))
	_, err := l.AppendLeader(batchOf(t, 1, idempotent(9, 0, 12)), 0)
	wantErr(t, err, ErrOutOfOrderSequence)
	for name, close := range map[string]func(){"killed": func() { disk = disk.Kill() }, "closed": func() { must(t, l.Close()) }} {
		close()
		l = openLog(t, disk, l.configuration())
		info, err := l.AppendLeader(batchOf(t, 1, idempotent(9, 0, 4)), 0)
		must(t, err)
		if !info.Duplicate || info.FirstOffset != 4 {
			t.Errorf("%s: retry of the fourth last batch: %+v", name, info)
		}
	}
	if info, err := l.AppendLeader(batchOf(t, 1, idempotent(9, 0, 8)), 0); err != nil || info.FirstOffset != 8 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestProducersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLog(t, func(c *Config) { c.ProducerIDExpirationMs = 3_600_000 })
		_, err := l.AppendLeader(batchOf(t, 1, idempotent(1, 0, 0)), 0)
		must(t, err)
		_, err = l.AppendLeader(batchOf(t, 1, func(b *record.Builder) { idempotent(2, 0, 0)(b); b.Transactional = true }), 0)
		must(t, err)
		time.Sleep(59 * time.Minute)
		appendBatch(t, l, 1, 0)
		if len(l.producers.producers) != 2 {
			t.Error("a producer expired too early")
		}
		time.Sleep(11 * time.Minute)
		appendBatch(t, l, 1, 0)
		if _, ok := l.producers.producers[1]; ok {
			t.Error("a silent producer did not expire")
		}
		if _, ok := l.producers.producers[2]; !ok {
			t.Error("a producer with an open transaction expired")
		}
	})
}

func TestTransactionsBoundTheStableOffset(t *testing.T) {
	l, disk := newLog(t, nil)
	transactional := func(id int64, seq int32) record.Batch {
		return batchOf(t, 2, func(b *record.Builder) { idempotent(id, 0, seq)(b); b.Transactional = true })
	}
	end := func(id int64, coordinator int32) error {
		marker, err := record.MarkerBatch(record.Marker{Type: record.ControlCommit, CoordinatorEpoch: coordinator}, id, 0, 1)
		must(t, err)
		_, err = l.AppendCoordinator(marker, 0, 0)
		return err
	}
	lso := func(want int64) {
		t.Helper()
		if got := l.LastStableOffset(l.EndOffset()); got != want {
			t.Errorf("last stable offset %d, want %d", got, want)
		}
	}
	appendBatch(t, l, 1, 0) // 0
	lso(1)
	_, err := l.AppendLeader(transactional(1, 0), 0) // 1-2
	must(t, err)
	_, err = l.AppendLeader(transactional(2, 0), 0) // 3-4
	must(t, err)
	lso(1)
	_, err = l.AppendLeader(batchOf(t, 1, idempotent(1, 0, 2)), 0)
	wantErr(t, err, ErrInvalidTxnState)
	must(t, end(1, 5)) // 5
	if got := l.LastStableOffset(5); got != 1 {
		t.Errorf("last stable offset %d while the marker is not replicated, want 1", got)
	}
	lso(3)
	wantErr(t, end(1, 4), ErrCoordinatorFenced)
	l = openLog(t, disk.Kill(), l.configuration())
	lso(3)
	must(t, end(2, 5)) // 6
	lso(7)
	if got := l.LastStableOffset(2); got != 2 {
		t.Errorf("last stable offset %d past the high watermark", got)
	}
}
