//go:build race

package wire

// poolLoss bounds the allocations that come of a sync.Pool losing, on purpose under the race detector, an arena, its bytes, its
// slices.
const poolLoss = 12
