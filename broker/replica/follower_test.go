package replica

import (
	"errors"
	"slices"
	"testing"

	"odradek/broker/record"
)

// history is a log's epochs: each begins where the one before ends.
type history struct {
	epochs []int32
	starts []int64
	end    int64
}

func (h history) EndOffset() int64 { return h.end }

func (h history) EpochEndOffset(epoch int32) (int32, int64) {
	for i := len(h.epochs) - 1; i >= 0; i-- {
		if h.epochs[i] > epoch {
			continue
		}
		if i+1 < len(h.starts) {
			return h.epochs[i], h.starts[i+1]
		}
		if h.epochs[i] == epoch {
			return epoch, h.end
		}
		return -1, -1
	}
	return epoch, h.starts[0]
}

func TestTruncationPoint(t *testing.T) {
	log := history{epochs: []int32{1, 3, 5}, starts: []int64{0, 10, 20}, end: 30}
	for _, test := range []struct {
		name  string
		epoch int32
		end   int64
		want  int64
	}{
		{"the leader has less of the last epoch", 5, 25, 25},
		{"the leader has more of the last epoch", 5, 40, 30},
		{"the leader's epoch ended earlier", 3, 15, 15},
		{"this log's epoch ended earlier", 3, 28, 20},
		{"an epoch not known here falls back to the one below", 4, 28, 20},
		{"not below the leader's end either, that is for the next fetch", 4, 12, 20},
		{"an epoch older than all", 0, 5, 0},
		{"an epoch newer than all", 7, 25, 25},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := truncationPoint(log, test.epoch, test.end); got != test.want {
				t.Errorf("truncates to %d, want %d", got, test.want)
			}
		})
	}
}

func stamped(base int64, epoch int32) []byte {
	b := record.Batch(batch("v", 2))
	b.SetBaseOffset(base)
	b.SetPartitionLeaderEpoch(epoch)
	return b
}

func TestContinuation(t *testing.T) {
	first, second, foreign := stamped(0, 3), stamped(2, 4), stamped(4, 5)
	broken := slices.Clone(second)
	broken[8], broken[9] = 0xff, 0xff // the length
	for _, test := range []struct {
		name    string
		fetched []byte
		want    int
		flaw    error
	}{
		{"nothing", nil, 0, nil},
		{"whole batches", slices.Concat(first, second), len(first) + len(second), nil},
		{"the last is cut short", slices.Concat(first, second[:len(second)-1]), len(first), nil},
		{"cut within the header", slices.Concat(first, second[:10]), len(first), nil},
		{"of the next leader", slices.Concat(first, second, foreign), len(first) + len(second), errForeignBatch},
		{"rubbish", slices.Concat(first, broken), len(first), record.ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			batches, flaw := continuation(test.fetched, 4)
			if len(batches) != test.want || !errors.Is(flaw, test.flaw) || flaw != nil && test.flaw == nil {
				t.Errorf("%d bytes, %v; want %d, %v", len(batches), flaw, test.want, test.flaw)
			}
		})
	}
}

func FuzzContinuation(f *testing.F) {
	f.Add(slices.Concat(stamped(0, 3), stamped(2, 4)), int32(4))
	f.Add(stamped(0, 3)[:30], int32(0))
	f.Fuzz(func(t *testing.T, fetched []byte, epoch int32) {
		batches, _ := continuation(fetched, epoch)
		for rest := batches; len(rest) > 0; {
			b, tail, err := record.Split(rest)
			if err != nil {
				t.Fatal(err)
			}
			if b.PartitionLeaderEpoch() > epoch {
				t.Fatalf("took epoch %d of a leader of %d", b.PartitionLeaderEpoch(), epoch)
			}
			rest = tail
		}
	})
}
