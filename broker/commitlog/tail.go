package commitlog

import (
	"sync"
)

// tailSize is how many batch boundaries at the log's end are known by heart: enough for readers that are a few requests
// behind, the followers above all.
const tailSize = 64

// boundary says that the batch at position starts with offset, or that the log ends there.
type boundary struct{ offset, position int64 }

// tail remembers the newest boundaries between batches of the active segment, so that who reads at the end needs no search.
//
// Invariant: between its oldest and its newest boundary there is no other.
type tail struct {
	ring  [tailSize]boundary
	count int // of all that were ever pushed; ring[(count-1) % tailSize] is the newest
}

func (t *tail) reset(offset, position int64) {
	t.count = 0
	t.push(offset, position)
}

func (t *tail) push(offset, position int64) {
	t.ring[t.count%tailSize] = boundary{offset, position}
	t.count++
}

// find is the newest boundary for which ok is true; ok must be true of a head of them. found is false when the oldest known
// is too new already.
func (t *tail) find(ok func(b boundary) bool) (b boundary, found bool) {
	oldest := max(0, t.count-tailSize)
	i := floor(t.count-oldest, func(i int) bool { return ok(t.ring[(oldest+i)%tailSize]) })
	if i < 0 {
		return boundary{}, false
	}
	return t.ring[(oldest+i)%tailSize], true
}

// hintCount is how many readers a log has in mind.
const hintCount = 8

// hints remembers where reads ended, which is where the same readers go on. It answers nothing of before a truncation: reads
// that were under way then carry an older generation.
type hints struct {
	mu         sync.Mutex
	generation int64
	ring       [hintCount]hint
	next       int
}

type hint struct {
	base int64 // of the segment
	boundary
}

// find is the position of the batch that starts with offset. With it comes the generation to remember by.
func (h *hints) find(base, offset int64) (position, generation int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, known := range h.ring {
		if known.position > 0 && known.base == base && known.offset == offset {
			return known.position, h.generation, true
		}
	}
	return 0, h.generation, false
}

func (h *hints) remember(generation, base, offset, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != h.generation {
		return
	}
	h.ring[h.next] = hint{base, boundary{offset, position}}
	h.next = (h.next + 1) % hintCount
}

func (h *hints) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.generation++
	h.ring = [hintCount]hint{}
}
