// Package buggify has the points at which a universe may let the broker do what it is free to do and hardly ever does: begin a
// segment early, refuse what may be refused, say less than it could. Rare paths so become common ones. (FoundationDB's idea, and
// its word.) A point must never do what would be wrong at any time.
//
// In real builds [Fires] is a constant false, and the compiler drops what hangs on it. In a guest it is false too until [Start].
package buggify

// A Point is a place in the broker.
type Point string

// The points, and what the broker does there when they fire.
const (
	// RollEarly: the log begins a new segment though the one before is not full.
	RollEarly Point = "roll-early"
	// RefuseAppend: a leader refuses an append before it has done anything, as if a replica were missing.
	RefuseAppend Point = "refuse-append"
	// SipFetched: a follower takes only the first batch of what it was sent.
	SipFetched Point = "sip-fetched"
	// FetchLittle: a leader answers a fetch with as little as it may.
	FetchLittle Point = "fetch-little"
	// SkipHeartbeat: a node does not send the heartbeat that is due.
	SkipHeartbeat Point = "skip-heartbeat"
)

// Points lists them all.
func Points() []Point {
	return []Point{RollEarly, RefuseAppend, SipFetched, FetchLittle, SkipHeartbeat}
}
