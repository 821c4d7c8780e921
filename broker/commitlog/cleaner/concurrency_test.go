package cleaner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

// TestReadersBesideACleaner: whoever reads while segments are replaced, or dropped, gets whole batches from where it asked on.
func TestReadersBesideACleaner(t *testing.T) {
	l := openLog(t, memenv.NewDisk())
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := readSomewhere(l); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clean := int64(0)
	for round := range 40 {
		for i := range 30 {
			appendAll(t, l, 0, keyed(t, nil, fmt.Sprintf("k%d=%d", i%7, i), fmt.Sprint("x", round)))
		}
		clean = cleanAll(t, l, clean, 1<<20, int64(round)*1_000)
		if round%10 == 9 {
			must(t, l.AdvanceStart(clean))
			_, err := l.DropHead()
			must(t, err)
		}
	}
	close(stop)
	readers.Wait()
}

func readSomewhere(l *commitlog.Log) error {
	start, end := l.StartOffset(), l.EndOffset()
	from := start + rand.Int64N(end-start+1)
	s, err := l.Read(from, commitlog.ReadLimits{MaxBytes: 1_000, EndOffset: end, AtLeastOne: true})
	if errors.Is(err, commitlog.ErrOffsetOutOfRange) {
		return nil // the start has moved
	}
	if err != nil {
		return err
	}
	defer s.Release()
	buf := make([]byte, s.Len())
	if err := s.ReadInto(buf); err != nil {
		return err
	}
	for next := from; len(buf) > 0; {
		batch, rest, err := record.Split(buf)
		if err == nil {
			err = batch.Verify()
		}
		if err == nil && batch.LastOffset() < next {
			err = fmt.Errorf("batch %d to %d in a read from %d", batch.BaseOffset(), batch.LastOffset(), from)
		}
		if err != nil {
			return err
		}
		next, buf = batch.NextOffset(), rest
	}
	// With more appended meanwhile, all before the old end may have been compacted away.
	if s.Len() == 0 && from < end && l.EndOffset() == end {
		return fmt.Errorf("nothing from %d on, though the log goes to %d", from, end)
	}
	_, _, _, err = l.OffsetForTimestamp(1_000, end)
	if errors.Is(err, commitlog.ErrOffsetOutOfRange) {
		return nil
	}
	return err
}
