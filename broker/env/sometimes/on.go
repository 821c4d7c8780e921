//go:build wasip1

package sometimes

import "sync"

var state struct {
	mu      sync.Mutex
	reached map[Probe]bool
	told    func(Probe)
}

// Start has told called when a probe is reached for the first time in this process.
func Start(told func(Probe)) {
	state.mu.Lock()
	defer state.mu.Unlock()
	state.reached, state.told = map[Probe]bool{}, told
}

// Reached says that the broker is in the state now.
func Reached(p Probe) {
	state.mu.Lock()
	defer state.mu.Unlock()
	if state.told == nil || state.reached[p] {
		return
	}
	state.reached[p] = true
	state.told(p)
}
