package commitlog

import "sync"

// turn is what one goroutine at a time has. Unlike a mutex it can be waited for together with something that makes it
// needless, which is how one fsync serves all who wait for it.
type turn struct {
	mu    sync.Mutex
	freed sync.Cond // of mu; its L is set at the first wait
	taken bool
}

// takeUnless waits for the turn and takes it, or returns false as soon as needless is true. needless is called with mu held,
// first and after every turn of somebody else.
func (t *turn) takeUnless(needless func() bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freed.L = &t.mu
	for !needless() {
		if !t.taken {
			t.taken = true
			return true
		}
		t.freed.Wait()
	}
	return false
}

func (t *turn) take() { t.takeUnless(func() bool { return false }) }

func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = false
	t.freed.Broadcast()
}
