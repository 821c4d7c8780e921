package replica

import (
	"sync"

	"odradek/broker/env"
)

// jobs runs what takes its time (opening, deleting and closing logs), in the order it was added, on a few goroutines that
// live while there is something to do.
type jobs struct {
	limit int
	// spawn starts a goroutine, or returns false when there are to be no more.
	spawn func(f func()) bool

	mu      sync.Mutex
	queue   []func()
	workers int
}

func (j *jobs) add(job func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = append(j.queue, job)
	if j.workers < j.limit && j.spawn(j.work) {
		j.workers++
	}
}

func (j *jobs) work() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.queue) > 0 {
		job := j.queue[0]
		j.queue[0] = nil
		j.queue = j.queue[1:]
		j.mu.Unlock()
		job()
		j.mu.Lock()
	}
	j.workers--
}

// dirSyncer syncs a directory for all who made entries in it and wait: one sync serves those that came before it began.
type dirSyncer struct {
	disk env.Disk
	dir  string

	counter sync.Mutex
	made    uint64 // entries made so far

	syncing sync.Mutex
	synced  uint64 // entries that are durable
}

// sync returns when the entries that the caller made are durable.
func (s *dirSyncer) sync() error {
	s.counter.Lock()
	s.made++
	mine := s.made
	s.counter.Unlock()

	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= mine {
		return nil
	}
	s.counter.Lock()
	upTo := s.made
	s.counter.Unlock()
	if err := s.disk.SyncDir(s.dir); err != nil {
		return err
	}
	s.synced = upTo
	return nil
}
