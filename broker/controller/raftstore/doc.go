// Package raftstore keeps hashicorp/raft's log, votes and snapshots on an env.Disk. (The stores that exist for it stand on
// engines that don't build for wasip1, and would be a second thing to trust with a crash.)
//
//	<dir>/log/<first index, 20 digits>.log     segments of entries
//	<dir>/stable                               current term and vote
//	<dir>/snapshots/<term>-<index>-<n>.snap    snapshots
//
// What was acknowledged is durable: StoreLogs, DeleteRange, Set and a snapshot's Close return after fsync. What was not may be
// there in part after a crash, and is cut off when the store is opened. Bit rot is told apart from that only where it can be:
// a bad entry before the last segment is an error, in the last one it ends the log.
//
// A snapshot says its version. The log and the votes have none of their own: the version of meta.properties, which the controller reads
// before it opens any of them, stands for the data directory's, and a program that doesn't know it touches nothing.
package raftstore

import (
	"errors"
	"hash/crc32"
)

var (
	// ErrCorrupt says that a file does not hold what was written to it.
	ErrCorrupt = errors.New("raftstore: corrupt")
	// ErrVersion says that a snapshot was written by a newer program.
	ErrVersion = errors.New("raftstore: unknown version")
	// ErrFailed says that an earlier write or fsync failed in a way after which nothing is known of the disk. The process has
	// to end; what is durable is found at its next start.
	ErrFailed = errors.New("raftstore: failed before")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
