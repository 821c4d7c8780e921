//go:build race

package wire

// poolLoss is the allocations by which a sync.Pool fails on purpose under the race detector: an arena, its bytes, its
// slices.
const poolLoss = 12
