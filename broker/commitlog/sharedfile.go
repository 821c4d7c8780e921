package commitlog

import (
	"fmt"
	"sync"
	"sync/atomic"

	"odradek/broker/env"
)

// sharedFile is a segment's file. It lives until the last who uses it lets go: the segment itself and every slice.
//
// The file of a segment that is settled may be at rest: then it is closed when more than enough others are open (see Files), and
// opened again by its name when somebody borrows it. So whoever is to remove or rename such a file must first have it stay open
// (stay), for those who still read it.
type sharedFile struct {
	disk  env.Disk
	name  string
	files *Files
	users atomic.Int32 // Invariant: > 0 while anyone may use the file

	mu       sync.Mutex // held through the opening of the file, for which all who want it have to wait
	file     env.File   // nil while it is closed: only at rest, or when nobody uses it any more
	borrowed int        // how many need it open just now
	resting  bool
}

// share makes a sharedFile of an open file of this log.
func (l *Log) share(f env.File, base int64) *sharedFile {
	s := &sharedFile{disk: l.disk, name: l.path(segmentName(base, logSuffix)), files: l.files, file: f}
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
		s.mu.Lock()
		f := s.file
		s.file, s.resting = nil, false
		s.files.remove(s)
		s.mu.Unlock()
		if f != nil {
			// Nothing is lost when closing fails: whoever needed the bytes on the disk has called Sync.
			_ = f.Close()
		}
	case users < 0:
		panic("commitlog: a slice was released twice")
	}
}

// borrow returns the file, which stays open until giveBack. The caller is one of the users.
func (s *sharedFile) borrow() (env.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	if s.borrowed++; s.resting {
		s.files.remove(s)
	}
	return s.file, nil
}

// open sees to it that the file is open. The caller holds mu.
func (s *sharedFile) open() error {
	if s.file != nil {
		return nil
	}
	f, err := s.disk.Open(s.name, 0)
	if err != nil {
		return fmt.Errorf("open segment again: %w", err)
	}
	s.file = f
	return nil
}

func (s *sharedFile) giveBack() {
	s.mu.Lock()
	s.borrowed--
	surplus := s.idle()
	s.mu.Unlock()
	surplus.shut()
}

// rest says that the segment is settled: its file need not be open while nobody borrows it.
func (s *sharedFile) rest() {
	s.mu.Lock()
	s.resting = true
	surplus := s.idle()
	s.mu.Unlock()
	surplus.shut()
}

// stay opens the file, if it is closed, and keeps it open for as long as there are users.
func (s *sharedFile) stay() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return err
	}
	s.resting = false
	s.files.remove(s)
	return nil
}

// idle puts the file at the end of those that may be closed, if it is one, and returns which is to be closed for it, or nil. The
// caller holds mu.
func (s *sharedFile) idle() (surplus *sharedFile) {
	if !s.resting || s.borrowed > 0 || s.file == nil {
		return nil
	}
	return s.files.add(s)
}

// shut closes the file, unless somebody has come for it meanwhile.
func (s *sharedFile) shut() {
	if s == nil {
		return
	}
	s.mu.Lock()
	f := s.file
	if !s.resting || s.borrowed > 0 || f == nil {
		s.mu.Unlock()
		return
	}
	s.file = nil
	s.files.remove(s)
	s.mu.Unlock()
	_ = f.Close() // everything in it is durable
}

func (s *sharedFile) ReadAt(p []byte, offset int64) (int, error) {
	f, err := s.borrow()
	if err != nil {
		return 0, err
	}
	defer s.giveBack()
	return f.ReadAt(p, offset)
}

func (s *sharedFile) WriteAt(p []byte, offset int64) (int, error) {
	f, err := s.borrow()
	if err != nil {
		return 0, err
	}
	defer s.giveBack()
	return f.WriteAt(p, offset)
}

func (s *sharedFile) Truncate(size int64) error {
	f, err := s.borrow()
	if err != nil {
		return err
	}
	defer s.giveBack()
	return f.Truncate(size)
}

func (s *sharedFile) Sync() error {
	f, err := s.borrow()
	if err != nil {
		return err
	}
	defer s.giveBack()
	return f.Sync()
}
