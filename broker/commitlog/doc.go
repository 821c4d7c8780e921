// Package commitlog keeps a partition's records on an env.Disk: appended at the end, read from any offset, truncated by
// leader epoch, recovered after any stop.
//
// # Files
//
// A log is a directory; its files bear Kafka's names where they are Kafka's. A segment's files are named by the offset of its
// first record, in 20 digits.
//
//	00000000000000000000.log        record batches as package record draws them, one after the other
//	00000000000000000000.index      offset index: entries of 8 bytes, big-endian
//	                                  relative offset int32 (last offset of a batch) | position of that batch int32
//	00000000000000000000.timeindex  time index: entries of 12 bytes, big-endian
//	                                  timestamp int64 | relative offset int32: no record before it is later
//	00000000000000000000.txnindex   aborted transactions, if there are any; drawn in aborted.go
//	00000000000000000042.snapshot   producers as of offset 42; drawn in producersnapshot.go
//	leader-epoch-checkpoint         Kafka's text: version 0, number of entries, lines "epoch start-offset"
//	log-start-offset-checkpoint     text: version 1, offset, CRC-32C of the lines before in hex
//	recovery-point-checkpoint       text: version 2, "offset segment position clean no-producers", CRC-32C likewise
//
// Three suffixes more: .cleaned is being written and .swap is decided, of a segment that takes the place of others (see
// Replacement); .deleted waits for file.delete.delay.ms. With compaction there are gaps between the offsets of batches, but never
// between segments: each begins where the one before it ends.
//
// The index files of the active segment are written when it is sealed or the log is closed; till then its index is in memory
// only, some 20 bytes for every index.interval.bytes (4 KiB), and 20 MB at most. Of sealed segments one index a log is in
// memory, the one that was asked for last.
//
// # The recovery point
//
// The file of a segment that is settled need not be open: of those that nobody reads, a node keeps so many as open.files.max says
// (Files), and opens the others again by their names. The active segment's file is always open, so that an fsync is told of every
// write that failed.
//
// One promise holds the whole together: everything before the recovery point is durable, in all files (records, index files,
// epochs, a snapshot of the producers, directory entries), and nothing of what is behind it is believed before it was read.
// So a segment is rolled without waiting for the disk: the background makes the old one durable and then moves the point. A
// truncation first moves the point back, then touches the files. Close moves it to the end, which is the mark of a clean stop:
// Open finds nothing behind it and reads no record.
//
// After an unclean stop Open goes on from the point, batch by batch, as long as CRC, offsets and leader epochs continue the
// log; cuts the file there; drops later segments; and makes what it found durable before anyone builds on it.
//
// # Durability
//
// An append is in the page cache: it survives the death of the process. What Sync returned for survives a loss of power. The
// caller decides when to call it (flush.messages, flush.ms). After an fsync that failed nothing is believed: the log is failed
// until it is opened again.
//
// Locks are told of at Log.
package commitlog
