package chaos

import (
	"hash/fnv"
	"math/rand/v2"
)

// Stream is a generator of its own for one purpose, derived from the seed. Drawing more or less from one stream leaves
// the others as they were, so a change to how faults are drawn does not reshuffle the workload.
func Stream(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
