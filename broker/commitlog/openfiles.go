package commitlog

import (
	"container/list"
	"sync"
)

// Files bounds how many files of settled segments the logs that share it keep open while nobody reads them: those that were used
// last. What is read at the moment, and the file that each log appends to, comes on top.
type Files struct {
	max int

	mu    sync.Mutex
	queue list.List // of *sharedFile; the next to be closed is at the front
	place map[*sharedFile]*list.Element
}

// NewFiles keeps at most max files open.
func NewFiles(max int) *Files {
	return &Files{max: max, place: map[*sharedFile]*list.Element{}}
}

// add puts s at the end, and returns the file that is one too many, or nil.
func (f *Files) add(s *sharedFile) (surplus *sharedFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.place[s]; at != nil {
		f.queue.MoveToBack(at)
	} else {
		f.place[s] = f.queue.PushBack(s)
	}
	if f.queue.Len() <= f.max {
		return nil
	}
	surplus = f.queue.Remove(f.queue.Front()).(*sharedFile)
	delete(f.place, surplus)
	return surplus
}

func (f *Files) remove(s *sharedFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.place[s]; at != nil {
		f.queue.Remove(at)
		delete(f.place, s)
	}
}
