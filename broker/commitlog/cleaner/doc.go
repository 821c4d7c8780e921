// Package cleaner decides what a log no longer has to keep, and takes it out: the oldest segments, by age and size (retention),
// and the records of a compacted log that a later one of the same key has replaced (compaction).
//
// Both first plan, over descriptions of the segments, without I/O; then execute. Who calls when, and remembers how far a log is
// clean, is package replica.
//
// # Compaction
//
// A log has a clean part, from its start to the first dirty offset, and a dirty part after it, up to what may not be touched
// yet: the active segment, records younger than min.compaction.lag.ms, an open transaction, the high watermark. A round reads the
// dirty part into a map from key to last offset, then writes the clean and the dirty part anew: a record stays when the map
// knows no later one of its key. Segments that have become small are joined.
//
// The map holds a key's hash (SHA-256 cut to 128 bits) and an offset: KeyBytes a key, whatever the key's length. When the dirty part
// has more keys than the map has room for, the round ends early and the next goes on there.
//
// What stays though its records go, as a batch without records, as in Kafka: a producer's last batch, for its sequence number.
// Beyond Kafka also the first batch of each leader epoch, so that replicas that replicate what was compacted have the same
// history of epochs (KIP-279 relies on it), and the last batch of each segment written, so that segments follow each other.
//
// Tombstones (records without a value) stay for delete.retention.ms after the first round that leaves nothing before them: that
// round sets the delete horizon in their batch (KIP-534), a round after it drops them. Transactions: the records of aborted ones
// go at once; a marker gets its horizon when nothing of its transaction is left, and goes after it.
package cleaner
