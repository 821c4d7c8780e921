package commitlog

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"odradek/broker/record"
)

const (
	// lookupWindow is how much a search for a position reads at once, in bytes: the default distance of index entries.
	lookupWindow = 4 << 10
	// scanWindow is how much a scan of whole segments reads at once, in bytes.
	scanWindow = 256 << 10
)

// scanner walks the batches of a segment's file. Its batches are good until the next call.
type scanner struct {
	file     io.ReaderAt
	pos, end int64 // the next batch is at pos; nothing is read from end on
	next     int64 // the offset that the next batch should have, if no gap is before it
	epoch    int32 // of the batch before
	pool     *sync.Pool
	window   *[]byte
	larger   []byte // for batches that the window can't hold; not kept for others
	held     []byte // the bytes of the file at heldAt
	heldAt   int64
}

var (
	lookupWindows = sync.Pool{New: func() any { b := make([]byte, lookupWindow); return &b }}
	scanWindows   = sync.Pool{New: func() any { b := make([]byte, scanWindow); return &b }}
)

// lookupScanner is a scanner for a short way, scanner for a long one. Both must be released.
func lookupScanner(file io.ReaderAt, pos, end int64) scanner {
	return scanner{file: file, pos: pos, end: end, pool: &lookupWindows, window: lookupWindows.Get().(*[]byte)}
}

func longScanner(file io.ReaderAt, pos, end int64) scanner {
	return scanner{file: file, pos: pos, end: end, pool: &scanWindows, window: scanWindows.Get().(*[]byte)}
}

func (s *scanner) release() {
	s.pool.Put(s.window)
	s.window, s.larger, s.held = nil, nil, nil
}

// header is the header of the batch at pos: io.EOF at the end, record.ErrTruncated when the batch reaches past the end,
// record.ErrCorrupt when there is none. Of the batch, only the header may be looked at.
func (s *scanner) header() (record.Batch, error) {
	if s.pos >= s.end {
		return nil, io.EOF
	}
	if s.end-s.pos < record.HeaderSize {
		return nil, fmt.Errorf("%w: %d bytes at %d", record.ErrTruncated, s.end-s.pos, s.pos)
	}
	b, err := s.bytes(record.HeaderSize)
	if err != nil {
		return nil, err
	}
	size, err := record.PeekSize(b)
	if err != nil {
		return nil, fmt.Errorf("%w: at %d", err, s.pos)
	}
	if int64(size) > s.end-s.pos {
		return nil, fmt.Errorf("%w: %d of %d bytes at %d", record.ErrTruncated, s.end-s.pos, size, s.pos)
	}
	return b, nil
}

// whole is the batch at pos with its records; errors as header's.
func (s *scanner) whole() (record.Batch, error) {
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	return s.bytes(header.Size())
}

// What will be written by what is read must not be made of a wrong answer of the disk, which the next one would have set right: what
// seems damaged, or could be, is read once more.

// verified is whole with its checksum found right; errors as header's. The checksum does not cover what the leader put in, the base
// offset and the leader epoch: where these don't follow from the batch before, they are read again.
func (s *scanner) verified() (record.Batch, error) {
	batch, err := s.right()
	if isRecordError(err) {
		s.forget()
		batch, err = s.right()
	}
	for range uncertainReads {
		if err != nil || batch.BaseOffset() == s.next && batch.PartitionLeaderEpoch() == s.epoch {
			break
		}
		var again [uncoveredBytes]byte
		if n, err := s.file.ReadAt(again[:], s.pos); n < len(again) {
			return nil, err
		}
		if bytes.Equal(again[:], batch[:uncoveredBytes]) {
			break
		}
		s.forget()
		batch, err = s.right()
	}
	return batch, err
}

const (
	// uncoveredBytes of a batch's beginning, up to its leader epoch, are not covered by its checksum.
	uncoveredBytes = 16
	// uncertainReads bounds how often two readings may differ.
	uncertainReads = 3
)

func (s *scanner) right() (record.Batch, error) {
	batch, err := s.whole()
	if err == nil {
		err = batch.Verify()
	}
	return batch, err
}

// checked is verified, but that a batch which is damaged on the disk is given as far as its header can be followed: it is no worse for
// being written as it is.
func (s *scanner) checked() (record.Batch, error) {
	batch, err := s.verified()
	if isRecordError(err) {
		return s.whole()
	}
	return batch, err
}

// copyBatches writes anew what is in a file from a batch's position at to the end of one, batch by batch as checked gives them.
func copyBatches(to io.WriterAt, from io.ReaderAt, at, end int64) error {
	scan := longScanner(from, at, end)
	defer scan.release()
	buf := make([]byte, 0, scanWindow)
	for {
		batch, err := scan.checked()
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || len(buf)+len(batch) > cap(buf) {
			if _, err := to.WriteAt(buf, at); err != nil {
				return err
			}
			at += int64(len(buf))
			buf = buf[:0]
		}
		if err == io.EOF {
			return nil
		}
		buf = append(buf, batch...)
		scan.skip(batch)
	}
}

// skip goes on behind batch, which was given last.
func (s *scanner) skip(batch record.Batch) {
	s.pos += int64(batch.Size())
	s.next, s.epoch = batch.NextOffset(), batch.PartitionLeaderEpoch()
}

// forget lets the next call read from the file again.
func (s *scanner) forget() { s.held = nil }

// bytes is n bytes at pos, from the window or read into it. n is at most what lies before end.
func (s *scanner) bytes(n int) (record.Batch, error) {
	if at := s.pos - s.heldAt; at >= 0 && at+int64(n) <= int64(len(s.held)) {
		return record.Batch(s.held[at : at+int64(n)]), nil
	}
	window := *s.window
	if n > len(window) {
		if n > len(s.larger) {
			s.larger = make([]byte, n)
		}
		window = s.larger
	}
	want := int(min(int64(len(window)), s.end-s.pos))
	got, err := s.file.ReadAt(window[:want], s.pos)
	s.held, s.heldAt = window[:got], s.pos
	if got < n {
		if err == nil || err == io.EOF {
			return nil, fmt.Errorf("%w: %d of %d bytes at %d", record.ErrTruncated, got, n, s.pos)
		}
		return nil, err
	}
	return record.Batch(s.held[:n]), nil
}
