// Package model checks with porcupine that each partition behaved as one log: that there is an order of all appends and
// reads, agreeing with real time, in which the log yields what every client saw.
//
// # What Kafka promises, and so what is modelled
//
// An append is linearizable: it takes effect at one instant between its beginning and its acknowledgement, at the end of the
// log, and offsets are the order of those instants. A read is not: a poll returns committed records, but it may lag, since
// a new leader learns the high watermark late and an answer waits in buffers. What holds is that a poll returns a
// piece of a prefix of the log that existed at some time before it returned. So a poll of [a,b) is an operation that takes
// effect at the instant when the log's end was b, whenever that was before the poll's return; everything up to b must be
// what the log holds.
//
// # The state, and why it is small
//
// The state is (end of log, chained hash of its records): constant in size. Records' tokens are chained as a polynomial, so
// that a poll's piece can be chained on to the hash that the log has at its beginning. Offsets without a record (control
// batches, compaction, records nobody saw) chain as zero.
//
// Before porcupine sees anything, what is certain is taken out of the search:
//
//   - Sends known to have failed are set apart; so are acknowledged ones that are not in the log and may be lost.
//   - A send with an unknown outcome (info, no end, acks=0) that some reader saw was appended, where it was seen; its
//     interval ends when a later record was first known to be there. One that nobody saw, in what was read to its end, was not.
//   - A poll that reaches no further than one that returned before it is only compared with the log's hash.
//   - Beyond what was read, an unknown append forks: it fills one of the offsets that no acknowledged record has, or none.
//     Where that cannot be told (producers that repeat records, acks=1 that may be lost, more than MaybesMax candidates)
//     such offsets are left unexplained, which is noted, and forgives rather than accuses.
//
// # Windows, and what they cost
//
// Porcupine's cost is linear in length and exponential in what it must guess; its memory grows with the square of the
// window. Since nearly every operation's place in the log is known, a history can be cut by place into windows of OpsMax
// operations without loss: it is linearizable if and only if each window is, and no operation of an earlier window began
// after one of a later window had ended, which one pass over the cuts decides. Only the tail with forks is not cut, and
// a fork is the only guess: at most MaybesMax of them, so at most MaybesMax! orders, and far fewer that fit. A window of 256
// takes about a millisecond. A window that takes longer than its Timeout is reported as unknown.
package model
