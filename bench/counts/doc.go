// Package counts holds what a batch costs in counts, which no busy machine disturbs: calls to the network and the disk, bytes moved
// through them, syncs and allocations, of the brokers alone, for a batch that is produced and one that is fetched. They are counted
// in a world in memory (broker/env/memenv) and kept in counts.txt, and a test holds them against it: whoever makes a batch cost
// more sees it, and whoever makes it cost less writes the file anew:
//
//	go test ./bench/counts -rewrite
package counts
