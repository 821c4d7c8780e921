// Package chances does all that a universe's host must not.
package chances

import (
	crand "crypto/rand"
	"maps"
	"math/rand/v2"
	"time"
)

// Decide decides by chance.
func Decide(m map[int]int) {
	for range m {
	}
	for range maps.Keys(m) {
	}
	go func() {}()
	select {
	case <-make(chan int):
	default:
	}
	half := 0.5
	_, _ = half, time.Now()
	_ = rand.IntN(2)
	_, _ = crand.Read(nil)
}
