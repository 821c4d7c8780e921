// Package coord runs coordinators: state machines whose state lives in the partitions of an internal topic, as Kafka keeps
// groups in __consumer_offsets and transactions in __transaction_state. Who leads a partition runs its shard.
//
// The life of a request: the shard's machine decides (Effects: records and replies); the records are appended in one
// write; the machine is shown what was appended (Replay); and the replies leave once the high watermark has passed all
// that the machine knew when it decided, so that nobody is told of what an election could take back. The machine does no
// I/O and reads no clock; it is called by one goroutine at a time, which holds the shard's lock and no other.
//
// The life of a shard: when this node is elected the log is replayed, in pieces of a bounded size, and then awaited
// until all of it is committed: meanwhile requests are answered COORDINATOR_LOAD_IN_PROGRESS. When the leadership goes, the
// machine is dropped and whoever waits is answered NOT_COORDINATOR.
//
// Why replies wait for the high watermark, where Kafka reads from snapshots of the committed state: it needs no
// second copy of the state, reads see the newest write, and the wait is that of the write before it. Why records are applied
// after the append and not before: an append that is refused leaves nothing to undo.
package coord
