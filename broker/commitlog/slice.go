package commitlog

import (
	"errors"
	"fmt"
	"io"

	"odradek/broker/env"
)

// Slice is a range of one segment's file that holds whole batches. Its bytes stay what they were, whatever is truncated or
// deleted meanwhile, until Release, which must be called once for every Slice, also for an empty one.
type Slice struct {
	file     *sharedFile // nil when empty; borrowed
	open     env.File    // what was borrowed
	position int64
	length   int
	next     int64
	log      *Log // nil when empty
}

// Len is the number of bytes.
func (s Slice) Len() int { return s.length }

// NextOffset is the offset after the last batch of the slice; of an empty slice, the offset that was asked for.
func (s Slice) NextOffset() int64 { return s.next }

// ReadInto reads the whole slice; buf must have Len bytes at least.
func (s Slice) ReadInto(buf []byte) error {
	if s.length == 0 {
		return nil
	}
	n, err := s.open.ReadAt(buf[:s.length], s.position)
	if n == s.length {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	err = fmt.Errorf("read %d bytes at %d: %w", s.length, s.position, err)
	s.log.readFailed(err)
	return err
}

// verifyPiece is how much Verify reads at a time, in bytes.
const verifyPiece = 64 << 10

// Verify finds out, when the slice could not be sent from its File, whether the file is to blame: then the log tells of it
// (Options.OnReadError).
func (s Slice) Verify() {
	buf := make([]byte, min(s.length, verifyPiece))
	for done := 0; done < s.length; done += len(buf) {
		piece := buf[:min(len(buf), s.length-done)]
		if n, err := s.open.ReadAt(piece, s.position+int64(done)); n < len(piece) {
			s.log.readFailed(fmt.Errorf("read %d bytes at %d: %w", len(piece), s.position+int64(done), errors.Join(err, io.ErrUnexpectedEOF)))
			return
		}
	}
}

func (l *Log) readFailed(err error) {
	if l.onReadError != nil {
		l.onReadError(l, err)
	}
}

// File is the file that holds the slice, for env.Sender; nil when empty. Only the slice's range may be read.
func (s Slice) File() env.File {
	return s.open
}

// Position is where in File the slice starts, in bytes.
func (s Slice) Position() int64 { return s.position }

// Release lets go of the file. Neither the slice nor its File may be used after.
func (s Slice) Release() {
	if s.file != nil {
		s.file.giveBack()
		s.file.release()
	}
}
