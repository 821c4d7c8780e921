// Package memenv is a world in memory, for unit tests: a disk that can lose power and a network that can refuse.
//
// Nothing in it does real I/O, polls or sleeps. Whatever blocks, blocks on a condition or a timer of the calling
// goroutine, which testing/synctest takes for durably blocked, so that deadlines cost no time in a bubble.
//
// The disk keeps, beside what its users see, what a power failure would leave: of each file the blocks and the size of
// its last Sync, of each directory the entries of its last SyncDir, and the changes made since, each of which may or may
// not have reached the platter. Disk.PowerLoss draws one of the states that the machine could wake up to.
package memenv

import "odradek/broker/env"

// New returns a fresh world: an empty disk and a network with nobody on it.
func New() env.Env { return env.Env{Net: NewNet(), Disk: NewDisk()} }
