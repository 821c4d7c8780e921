package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"odradek/broker/env"
	"odradek/broker/record"
)

// snapshotSizeMax bounds what is read of a producer snapshot, in bytes: some million producers.
const snapshotSizeMax = 256 << 20

// restoreProducers makes the producers' state that of the end of the last segment given. Snapshots past most are removed: they
// may be of records that are no more.
func (l *Log) restoreProducers(most int64, segments []*segment) error {
	if err := l.removeSnapshots(most); err != nil {
		return err
	}
	var spans []span
	for _, s := range segments {
		spans = append(spans, s.span())
	}
	state, err := l.producersAfter(spans, most)
	if err != nil {
		return err
	}
	state.expire(time.Now().UnixMilli(), l.config.Load().ProducerIDExpirationMs)
	l.setProducers(state)
	return nil
}

// restoreProducersAtOpen is restoreProducers for the recovery point: mostly there are no snapshots, and none is needed.
func (l *Log) restoreProducersAtOpen(names []string, segments []*segment) error {
	snapshots := slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, snapshotSuffix) })
	if !l.recovery.noProducers && (snapshots || len(segments) > 0) {
		return l.restoreProducers(l.recovery.offset, segments)
	}
	l.setProducers(newProducerState())
	if !snapshots {
		return nil
	}
	return l.removeSnapshots(l.recovery.offset)
}

func (l *Log) setProducers(s producerState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.purgedMs = l.producers.purgedMs
	l.producers = s
}

// span is what a segment's file holds: the records from base on before next, in size bytes.
type span struct {
	file             io.ReaderAt
	base, next, size int64
}

func (s *segment) span() span { return span{s.file, s.base, s.nextOffset, s.size} }

// producersAfter is the producers' state at the end of a run of segments: from the newest snapshot that is in it, and not past
// most, and the records after that.
func (l *Log) producersAfter(spans []span, most int64) (producerState, error) {
	state := newProducerState()
	if len(spans) == 0 {
		return state, nil
	}
	from := spans[0].base
	offset, known, ok, err := l.newestSnapshot(most)
	if err != nil {
		return state, err
	}
	if ok && offset >= from {
		state, from = known, offset
	}
	for _, each := range spans {
		if each.next <= from {
			continue
		}
		err := eachForProducers(each.file, 0, each.size, func(batch record.Batch) {
			if batch.BaseOffset() >= from {
				state.applyBatch(batch)
			}
		})
		if err != nil {
			return state, fmt.Errorf("replay segment %d: %w", each.base, err)
		}
	}
	return state, nil
}

// newestSnapshot reads the newest snapshot at offset most or before that is not damaged.
func (l *Log) newestSnapshot(most int64) (offset int64, s producerState, ok bool, err error) {
	offsets, err := l.snapshots()
	if err != nil {
		return 0, s, false, err
	}
	for i := len(offsets) - 1; i >= 0; i-- {
		if offsets[i] > most {
			continue
		}
		content, err := env.ReadFile(l.disk, l.path(segmentName(offsets[i], snapshotSuffix)), snapshotSizeMax)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, s, false, err
		}
		at, s, err := decodeSnapshot(content)
		if err == nil && at == offsets[i] {
			return at, s, true, nil
		}
		l.logger.Warn("producer snapshot is not used", "dir", l.dir, "offset", offsets[i], "error", err)
	}
	return 0, s, false, nil
}

// snapshots lists the offsets of the producer snapshots, rising.
func (l *Log) snapshots() (offsets []int64, err error) {
	names, err := l.disk.List(l.dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if offset, ok := parseSegmentName(name, snapshotSuffix); ok {
			offsets = append(offsets, offset)
		}
	}
	return offsets, nil
}

// removeSnapshots removes the producer snapshots past offset most.
func (l *Log) removeSnapshots(most int64) error {
	offsets, err := l.snapshots()
	if err != nil {
		return err
	}
	for _, offset := range offsets {
		if offset <= most {
			continue
		}
		if err := l.disk.Remove(l.path(segmentName(offset, snapshotSuffix))); err != nil {
			return err
		}
	}
	return nil
}
