//go:build wasip1

package buggify

import (
	"math/rand/v2"
	"sync"
)

var state struct {
	mu     sync.Mutex
	share  float64
	random *rand.Rand
	fired  map[Point]bool // of the points that are on: whether they have fired
	told   func(Point)
}

// Start turns points on: each fires in a share of the times that it is passed, as seed decides. told is called when one fires for the
// first time in this process.
func Start(points []Point, share float64, seed uint64, told func(Point)) {
	state.mu.Lock()
	defer state.mu.Unlock()
	state.share, state.random, state.told = share, rand.New(rand.NewPCG(seed, 3)), told
	state.fired = map[Point]bool{}
	for _, p := range points {
		state.fired[p] = false
	}
}

// Stop turns every point off.
func Stop() {
	state.mu.Lock()
	defer state.mu.Unlock()
	clear(state.fired)
}

// Fires says whether the broker is to do the rare thing now.
func Fires(p Point) bool {
	state.mu.Lock()
	defer state.mu.Unlock()
	fired, on := state.fired[p]
	if !on || state.random.Float64() >= state.share {
		return false
	}
	if !fired {
		state.fired[p] = true
		state.told(p)
	}
	return true
}
