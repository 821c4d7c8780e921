package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"odradek/broker/env"
)

// snapshotSizeMax bounds what is read of a producer snapshot, in bytes: some million producers.
const snapshotSizeMax = 256 << 20

// restoreProducers makes the producers' state that of the end of the last segment given: from the newest snapshot that is not
// past most, and the records after it. Snapshots past most are removed: they may be of records that are no more.
func (l *Log) restoreProducers(most int64, segments []*segment) error {
	purgedMs := l.producers.purgedMs
	l.setProducers(newProducerState(), purgedMs)
	if err := l.removeSnapshots(most); err != nil {
		return err
	}
	if len(segments) == 0 {
		return nil
	}
	from := segments[0].base
	offset, state, ok, err := l.newestSnapshot(most)
	if err != nil {
		return err
	}
	if ok && offset >= from {
		state.expire(time.Now().UnixMilli(), l.config.Load().ProducerIDExpirationMs)
		l.setProducers(state, purgedMs)
		from = offset
	}
	return l.replay(segments, from)
}

func (l *Log) setProducers(s producerState, purgedMs int64) {
	s.purgedMs = purgedMs
	l.mu.Lock()
	defer l.mu.Unlock()
	l.producers = s
}

// replay takes the batches from offset from on into the producers' state.
func (l *Log) replay(segments []*segment, from int64) error {
	for _, s := range segments {
		if s.nextOffset <= from {
			continue
		}
		if err := l.replaySegment(s, from); err != nil {
			return fmt.Errorf("replay segment %d: %w", s.base, err)
		}
	}
	return nil
}

func (l *Log) replaySegment(s *segment, from int64) error {
	var position int64
	if s.index != nil {
		position = s.index.floorOffset(from - s.base)
	}
	scan := longScanner(s.file, position, s.size)
	defer scan.release()
	for {
		batch, err := scan.header()
		if err == io.EOF {
			return nil
		}
		if err == nil && batch.IsControl() {
			batch, err = scan.whole()
		}
		if err != nil {
			return err
		}
		if batch.BaseOffset() >= from {
			l.mu.Lock()
			l.producers.applyBatch(batch)
			l.mu.Unlock()
		}
		scan.skip(batch)
	}
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
