package commitlog

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"odradek/broker/env"
)

// Slice is a range of one segment's file that holds whole batches. Its bytes stay what they were, whatever is truncated or
// deleted meanwhile, until Release, which must be called once for every Slice, also for an empty one.
type Slice struct {
	file     *sharedFile // nil when empty
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
	n, err := s.file.ReadAt(buf[:s.length], s.position)
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
		if n, err := s.file.ReadAt(piece, s.position+int64(done)); n < len(piece) {
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
	if s.file == nil {
		return nil
	}
	return s.file.File
}

// Position is where in File the slice starts, in bytes.
func (s Slice) Position() int64 { return s.position }

// Release lets go of the file. Neither the slice nor its File may be used after.
func (s Slice) Release() {
	if s.file != nil {
		s.file.release()
	}
}

// sharedFile is an open segment file that closes when the last who uses it lets go: the segment itself and every slice.
type sharedFile struct {
	env.File
	users atomic.Int32 // Invariant: > 0 while anyone may use the file
}

func share(f env.File) *sharedFile {
	s := &sharedFile{File: f}
	s.users.Store(1)
	return s
}

// pin adds a user. The caller must know that there is one already: it holds Log.mu, and the segment is in the list.
func (s *sharedFile) pin() *sharedFile {
	s.users.Add(1)
	return s
}

// pinned says whether slices are out.
func (s *sharedFile) pinned() bool { return s.users.Load() > 1 }

func (s *sharedFile) release() {
	switch users := s.users.Add(-1); {
	case users == 0:
		// Nothing is lost when closing fails: whoever needed the bytes on the disk has called Sync.
		_ = s.File.Close()
	case users < 0:
		panic("commitlog: a slice was released twice")
	}
}
