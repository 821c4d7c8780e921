// Package txn is the transaction coordinator's state machine: what transactional ids stand for, and what becomes of their
// transactions. It does no I/O and reads no clock; package coord runs it, on the partitions of __transaction_state, whose records
// are Kafka's.
//
// The life of a transaction:
//
//	Empty ──add──▶ Ongoing ──end──▶ PrepareCommit ──markers──▶ CompleteCommit ──add──▶ Ongoing …
//	                  │    ──end, fence, time-out──▶ PrepareAbort ──markers──▶ CompleteAbort ──add──▶ …
//
// What is decided is decided once the record of a Prepare state is committed, and not before: only then does the machine hand the
// transaction to its Sender, which writes a marker to each of its partitions, however long that takes and whoever leads them,
// and says when all have it. A coordinator that takes over finds the Prepare record and goes on; markers may be written twice.
//
// Kafka has states of its own for what is about to be written (pendingState, PrepareEpochFence). There are none here: a record is
// in the log as soon as it is decided, and whoever asks after that is answered when it is committed.
//
// Producers of version 1 keep their epoch from transaction to transaction; those of version 2 (KIP-890: EndTxn from version 5) get
// the next one at the end of each, with which its markers are written, so that nothing of an old transaction can be taken for
// the next one's.
package txn
