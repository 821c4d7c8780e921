package commitlog

import (
	"fmt"
	"io"
	"sort"

	"odradek/broker/env/sometimes"
	"odradek/broker/record"
)

// ReadLimits bound a read.
type ReadLimits struct {
	MaxBytes int
	// EndOffset is exclusive: the high watermark, the last stable offset or the log's end.
	EndOffset int64
	// AtLeastOne returns a first batch that is larger than MaxBytes, as Kafka does so that a reader can go on.
	AtLeastOne bool
}

// Read finds the batches from the one that holds offset from on, as many whole ones as lie in one segment, before EndOffset and
// within MaxBytes. The slice is empty when there are none. Errors: ErrOffsetOutOfRange when from is not between StartOffset and
// EndOffset of the log, ErrClosed, and the disk's.
func (l *Log) Read(from int64, limits ReadLimits) (Slice, error) {
	view, err := l.view(from, limits.EndOffset)
	if err != nil || view.file == nil {
		return Slice{next: from}, err
	}
	slice, err := view.read(from, limits)
	if err != nil || slice.length == 0 {
		view.file.release()
		return Slice{next: from}, err
	}
	if slice.open, err = view.file.borrow(); err != nil {
		view.file.release()
		return Slice{next: from}, err
	}
	l.hints.remember(view.generation, view.base, slice.next, slice.position+int64(slice.length))
	return slice, nil
}

// view is a segment as a reader found it, pinned: what is in it stays true.
type view struct {
	file       *sharedFile // nil when there is nothing to read
	base       int64
	size       int64
	nextOffset int64
	bound      int64 // nothing from this offset on may be read
	generation int64
	// What memory knows: where to look for the first batch, where for the end.
	start      int64
	startExact bool
	log        *Log
	segment    *segment

	maxTimestamp, maxTimestampOffset int64
}

// view pins the segment that holds offset from, for a read up to bound.
func (l *Log) view(from, bound int64) (view, error) {
	for {
		l.mu.RLock()
		v, s, err := l.viewLocked(from, bound)
		l.mu.RUnlock()
		if err != nil || s == nil {
			return v, err
		}
		// The index of a sealed segment was left on the disk.
		if err := l.loadIndex(s, v.file); err != nil {
			v.file.release()
			return view{}, err
		}
		v.file.release()
	}
}

// viewLocked is view; it returns a segment whose index must be loaded before it can be done.
func (l *Log) viewLocked(from, bound int64) (view, *segment, error) {
	if l.closed {
		return view{}, nil, fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	end := l.active().nextOffset
	if from < l.startOffset || from > end {
		return view{}, nil, fmt.Errorf("%w: %d is not between %d and %d", ErrOffsetOutOfRange, from, l.startOffset, end)
	}
	bound = min(bound, end)
	if from >= bound {
		return view{}, nil, nil
	}
	i := l.segmentAt(from)
	for from >= l.segments[i].nextOffset {
		i++ // only the head of the list may lack what lies between two segments
	}
	s := l.segments[i]
	v := view{file: s.file.pin(), base: s.base, size: s.size, nextOffset: s.nextOffset, bound: bound, log: l, segment: s,
		maxTimestamp: s.maxTimestamp, maxTimestampOffset: s.maxTimestampOffset}
	v.start, v.generation, v.startExact = l.hints.find(s.base, from)
	if v.startExact {
		return v, nil, nil
	}
	if from <= s.base {
		v.startExact = true
		return v, nil, nil
	}
	if s == l.active() {
		if b, ok := l.tail.find(func(b boundary) bool { return b.offset <= from }); ok {
			v.start, v.startExact = b.position, true
			return v, nil, nil
		}
	}
	if s.index == nil {
		return v, s, nil
	}
	v.start = s.index.floorOffset(from - s.base)
	return v, nil, nil
}

// segmentAt is the index of the last segment whose base is at most offset. The caller holds mu or writer.
func (l *Log) segmentAt(offset int64) int {
	return max(0, sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base > offset })-1)
}

func (v *view) read(from int64, limits ReadLimits) (Slice, error) {
	start := v.start
	if !v.startExact {
		var err error
		if start, err = v.seek(from); err != nil {
			return Slice{}, err
		}
	}
	end, err := v.end(start, limits)
	if err != nil {
		return Slice{}, err
	}
	return Slice{file: v.file, position: start, length: int(end.position - start), next: end.offset, log: v.log}, nil
}

// seek goes from the indexed position to the first batch that ends with offset from or later.
func (v *view) seek(from int64) (int64, error) {
	scan := lookupScanner(v.file, v.start, v.size)
	defer scan.release()
	for {
		batch, err := scan.header()
		if err == io.EOF {
			return scan.pos, nil
		}
		if err != nil {
			return 0, fmt.Errorf("segment %d: %w", v.base, err)
		}
		if batch.LastOffset() >= from {
			return scan.pos, nil
		}
		scan.skip(batch)
	}
}

// end is the last boundary that the limits allow; start itself when they allow no batch.
func (v *view) end(start int64, limits ReadLimits) (boundary, error) {
	most := start + int64(max(limits.MaxBytes, 0))
	if v.size <= most && v.nextOffset <= v.bound {
		return boundary{v.nextOffset, v.size}, nil
	}
	b, exact, err := v.log.endHint(v, most)
	if err != nil {
		return boundary{}, err
	}
	if exact && b.position > start {
		return b, nil
	}
	scan := lookupScanner(v.file, max(start, b.position), v.size)
	defer scan.release()
	end := boundary{position: start}
	for {
		batch, err := scan.header()
		if err == io.EOF {
			return end, nil
		}
		if err != nil {
			return boundary{}, fmt.Errorf("segment %d: %w", v.base, err)
		}
		first := scan.pos == start && limits.AtLeastOne
		if batch.LastOffset() >= v.bound || scan.pos+int64(batch.Size()) > most && !first {
			if end.position == start {
				end.position = scan.pos // the batches before were indexed, and so not looked at
				end.offset = batch.BaseOffset()
			}
			return end, nil
		}
		scan.skip(batch)
		end = boundary{batch.NextOffset(), scan.pos}
	}
}

// endHint is what memory knows of the last boundary at or before the position most and the view's bound: the boundary itself,
// or (not exact) a position before it where a batch starts.
func (l *Log) endHint(v *view, most int64) (b boundary, exact bool, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	// The view's file is what it was, but the segment may have been cut or left meanwhile: then look for yourself.
	if v.segment.file == nil {
		sometimes.Reached(sometimes.CompactionRaced)
	}
	if v.segment.file != v.file || v.segment.size < v.size || l.closed {
		return boundary{}, false, nil
	}
	if v.segment == l.active() {
		if b, ok := l.tail.find(func(b boundary) bool { return b.offset <= v.bound && b.position <= min(most, v.size) }); ok {
			return b, true, nil
		}
	}
	if v.segment.index == nil {
		return boundary{}, false, nil
	}
	return boundary{position: v.segment.index.floorBoundary(most, v.bound-v.base)}, false, nil
}

// loadIndex brings the index of a sealed segment back into memory, in place of the one that was brought last: a log has two
// in memory at most, this and the active segment's.
func (l *Log) loadIndex(s *segment, file *sharedFile) error {
	cfg := l.config.Load()
	l.mu.RLock()
	size, next := s.size, s.nextOffset
	l.mu.RUnlock()
	x, err := loadIndex(l.disk, l.dir, s.base, size, next-s.base, indexBytesMax(cfg))
	if err != nil {
		l.logger.Warn("index is rebuilt", "dir", l.dir, "segment", s.base, "error", err)
		rebuilt := segment{base: s.base, file: file}
		if err := rebuilt.rescan(size, cfg.IndexIntervalBytes); err != nil {
			return err
		}
		if err := l.recoverAborted(&rebuilt, size); err != nil {
			return err
		}
		x = *rebuilt.index
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.index != nil || s.file != file || s.size != size {
		return nil
	}
	if l.loaded != nil && l.loaded.sealed && l.loaded.durable() {
		l.loaded.index = nil
	}
	s.index, l.loaded = &x, s
	return nil
}

// recoverAborted is segment.recoverAborted for a sealed segment of a log that is in use.
func (l *Log) recoverAborted(rebuilt *segment, size int64) error {
	var spans []span
	l.mu.RLock()
	for _, s := range l.segments {
		if s.base < rebuilt.base {
			each := s.span()
			each.file = s.file.pin()
			spans = append(spans, each)
		}
	}
	l.mu.RUnlock()
	producers, err := l.producersAfter(spans, rebuilt.base)
	for _, each := range spans {
		each.file.(*sharedFile).release()
	}
	if err != nil {
		return err
	}
	return rebuilt.recoverAborted(size, producers)
}

// indexBytesMax bounds what is read of an index file: what the configuration allows now may be less than when it was written.
func indexBytesMax(cfg *Config) int64 {
	return max(cfg.IndexBytesMax, DefaultConfig().IndexBytesMax) + indexEntrySize
}

// EachBatch calls visit with every batch from the one that holds offset from on, as far as EndOffset of the log, until visit
// returns false. The batch is good until visit returns: what is damaged is an error of package record.
func (l *Log) EachBatch(from int64, visit func(record.Batch) bool) error {
	for {
		v, err := l.view(from, l.EndOffset())
		if err != nil || v.file == nil {
			return err
		}
		start, err := v.seek(from)
		if err != nil {
			v.file.release()
			return err
		}
		next, again, err := v.each(start, visit)
		v.file.release()
		if err != nil || !again {
			return err
		}
		from = next
	}
}

// each visits the batches of the view from position start on; again is false when visit wants no more.
func (v *view) each(start int64, visit func(record.Batch) bool) (next int64, again bool, err error) {
	scan := longScanner(v.file, start, v.size)
	defer scan.release()
	for {
		batch, err := scan.verified()
		if err == io.EOF {
			return v.nextOffset, true, nil
		}
		if err != nil {
			return 0, false, fmt.Errorf("segment %d: %w", v.base, err)
		}
		if !visit(batch) {
			return 0, false, nil
		}
		scan.skip(batch)
	}
}
