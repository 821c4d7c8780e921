package replica

// Isolation says how far a reader may read.
type Isolation int8

// The isolations, from the least to the most that can be read.
const (
	// Committed reads up to the last stable offset (read_committed).
	Committed Isolation = iota
	// HighWatermark reads what is on every in-sync replica (read_uncommitted).
	HighWatermark
	// LogEnd reads everything: for followers.
	LogEnd
)

// Waiter is one reader that waits for any of the partitions it watches.
type Waiter struct {
	// C receives when there may be something to read. It holds one wake-up; more are the same as one.
	C chan struct{}
}

// NewWaiter returns a Waiter that watches nothing yet.
func NewWaiter() *Waiter { return &Waiter{C: make(chan struct{}, 1)} }

func (w *Waiter) wake() {
	select {
	case w.C <- struct{}{}:
	default:
	}
}

// Watch is one partition under a Waiter's watch. It fires once: a reader that wants to wait again watches again.
type Watch struct {
	partition *Partition
	waiter    *Waiter
	isolation Isolation
	offset    int64
	// at is the place in partition.watches, -1 when the watch has fired or ended.
	at int
}

// Watch wakes w once when there is something to read at offset or after it at the given isolation, at once when there
// already is; or when the partition's role, ISR or state changes so that a new Fetch may answer otherwise.
func (p *Partition) Watch(w *Waiter, isolation Isolation, offset int64) *Watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	watch := &Watch{partition: p, waiter: w, isolation: isolation, offset: offset, at: -1}
	if p.log == nil || p.readableEnd(isolation) > offset {
		w.wake()
		return watch
	}
	watch.at = len(p.watches)
	p.watches = append(p.watches, watch)
	return watch
}

// Unwatch ends the watch. It may be called again, and after the watch fired.
func (w *Watch) Unwatch() {
	w.partition.mu.Lock()
	defer w.partition.mu.Unlock()
	if w.at >= 0 {
		w.partition.dropWatch(w)
	}
}

// Fired says that the watch has woken its Waiter, or was ended.
func (w *Watch) Fired() bool {
	w.partition.mu.Lock()
	defer w.partition.mu.Unlock()
	return w.at < 0
}

// dropWatch takes a watch out of the list by putting the last one in its place. p.mu is held.
func (p *Partition) dropWatch(w *Watch) {
	last := len(p.watches) - 1
	p.watches[w.at] = p.watches[last]
	p.watches[w.at].at = w.at
	p.watches[last] = nil
	p.watches = p.watches[:last]
	w.at = -1
}

// fire wakes those that have something to read now. p.mu is held.
func (p *Partition) fire() {
	for i := len(p.watches) - 1; i >= 0; i-- {
		if w := p.watches[i]; p.readableEnd(w.isolation) > w.offset {
			p.dropWatch(w)
			w.waiter.wake()
		}
	}
}

// fireAll wakes everybody: what a Fetch answers has changed. p.mu is held.
func (p *Partition) fireAll() {
	for _, w := range p.watches {
		w.at = -1
		w.waiter.wake()
	}
	clear(p.watches)
	p.watches = p.watches[:0]
}
