package inspect

import (
	"fmt"
	"io"

	"odradek/broker/env"
	"odradek/broker/record"
)

const (
	// scanWindow is how much of a segment is read at once, in bytes.
	scanWindow = 1 << 20
	// batchBytesMax bounds what is taken for a batch, in bytes: more than a request may have.
	batchBytesMax = 128 << 20
	// knownAttributes are the bits of a batch's attributes that mean something.
	knownAttributes = 0x7f
)

// piece is a part of a segment's file: a whole batch, or what stands where one should be.
type piece struct {
	number   int // counted from 1
	position int64
	size     int64
	// batch is good until the next piece. Where err is set it is what has the shape of a header at least, or nil.
	batch record.Batch
	err   error
	// zeros: the rest of the file is empty, as of a file that was allocated in advance.
	zeros bool
}

// pieces reads a segment's file, and after a damaged batch goes on at the next that is whole.
type pieces struct {
	file     env.File
	size     int64
	at       int64
	number   int
	held     []byte // the bytes of the file at heldAt
	heldAt   int64
	window   []byte
	headOnly bool // batches are not read to their ends, nor checked
}

func openPieces(file env.File) (*pieces, error) {
	size, err := file.Size()
	return &pieces{file: file, size: size, window: make([]byte, min(size, scanWindow))}, err
}

// next is io.EOF at the end of the file; other errors are the disk's.
func (s *pieces) next() (piece, error) {
	if s.at >= s.size {
		return piece{}, io.EOF
	}
	s.number++
	p := piece{number: s.number, position: s.at}
	var err error
	if p.batch, p.err, err = s.batchAt(s.at); err != nil {
		return p, err
	}
	if p.err == nil {
		p.size = int64(p.batch.Size())
		s.at += p.size
		return p, nil
	}
	p.batch = append(record.Batch(nil), p.batch...) // the search below overwrites it
	next, err := s.after(p)
	if err != nil {
		return p, err
	}
	if next == s.size && p.batch == nil {
		if p.zeros, err = s.isZero(s.at); err != nil {
			return p, err
		}
	}
	p.size, s.at = next-s.at, next
	return p, nil
}

// batchAt is the batch at a position. bad says what is wrong with it; what has the shape of a header is returned even then.
func (s *pieces) batchAt(at int64) (batch record.Batch, bad, err error) {
	if s.size-at < record.HeaderSize {
		return nil, fmt.Errorf("%w: %d bytes are no header", record.ErrTruncated, s.size-at), nil
	}
	header, err := s.bytes(at, record.HeaderSize)
	if err != nil {
		return nil, nil, err
	}
	size, bad := record.PeekSize(header)
	switch {
	case bad != nil:
		return nil, bad, nil
	case size > batchBytesMax:
		return header, fmt.Errorf("%w: length %d", record.ErrCorrupt, size-record.LogOverhead), nil
	case int64(size) > s.size-at:
		return header, fmt.Errorf("%w: %d of %d bytes are there", record.ErrTruncated, s.size-at, size), nil
	case s.headOnly:
		return header, nil, nil
	}
	if batch, err = s.bytes(at, size); err != nil {
		return nil, nil, err
	}
	return batch, batch.Verify(), nil
}

// after is where to go on behind a piece that is no batch: where its length leads when there is a header, or else at the next
// whole batch.
func (s *pieces) after(p piece) (int64, error) {
	if p.batch != nil {
		size := int64(p.batch.Size())
		if size == s.size-p.position {
			return s.size, nil
		}
		if size < s.size-p.position {
			sane, err := s.sane(p.position + size)
			if sane || err != nil {
				return p.position + size, err
			}
		}
	}
	for at := p.position + 1; s.size-at >= record.HeaderSize; at++ {
		sane, err := s.sane(at)
		if err != nil {
			return 0, err
		}
		if !sane {
			continue
		}
		if s.headOnly {
			return at, nil
		}
		if _, bad, err := s.batchAt(at); err != nil || bad == nil {
			return at, err
		}
	}
	return s.size, nil
}

// sane says that a header could stand at a position.
func (s *pieces) sane(at int64) (bool, error) {
	if s.size-at < record.HeaderSize {
		return false, nil
	}
	b, err := s.bytes(at, record.HeaderSize)
	if err != nil {
		return false, err
	}
	h := record.Batch(b)
	size, bad := record.PeekSize(h)
	return bad == nil && int64(size) <= s.size-at && h.BaseOffset() >= 0 && h.LastOffsetDelta() >= 0 && h.Codec().Known() &&
		h.Attributes()&^knownAttributes == 0 && h.NumRecords() >= 0 && h.NumRecords() <= h.LastOffsetDelta()+1, nil
}

func (s *pieces) isZero(from int64) (bool, error) {
	for at := from; at < s.size; at += scanWindow {
		b, err := s.bytes(at, int(min(scanWindow, s.size-at)))
		if err != nil {
			return false, err
		}
		for _, c := range b {
			if c != 0 {
				return false, nil
			}
		}
	}
	return true, nil
}

// bytes are n bytes at a position, which the file has; good until the next call.
func (s *pieces) bytes(at int64, n int) ([]byte, error) {
	if from := at - s.heldAt; from >= 0 && from+int64(n) <= int64(len(s.held)) {
		return s.held[from : from+int64(n)], nil
	}
	if n > len(s.window) {
		s.window = make([]byte, n)
	}
	got, err := s.file.ReadAt(s.window[:min(int64(len(s.window)), s.size-at)], at)
	s.held, s.heldAt = s.window[:got], at
	if got < n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, at, err)
	}
	return s.held[:n], nil
}
