// Package replica is Kafka's replication: it gives each partition that this node keeps its role, leader or follower, over
// its log, and moves records from leaders to followers.
//
// What the cluster agrees on about a partition (replicas, ISR, leader, epochs) comes from the metadata image, through
// Manager.Apply. From there on the nodes talk among themselves:
//
//   - A follower fetches from its leader (fetcher.go). The offset it asks for tells the leader how far its log goes; the
//     epoch of its last record lets the leader notice that the two logs diverged, and the follower then truncates by
//     epoch, never by high watermark (KIP-101, KIP-279, KIP-595).
//   - A leader advances the high watermark to what every member of the ISR has (watermark.go), admits followers that
//     caught up and drops those that lag (isr.go), by asking the controller in an AlterPartition (alter.go).
//   - A produce with acks=-1 completes when the high watermark passes it (append.go, pending.go).
//
// The state machines (progress.go, isr.go, watermark.go, leader.go) decide and do no I/O. Partition guards them with one
// mutex and applies their decisions to the log. Manager owns the partitions of the node, opens and deletes their logs,
// and runs what is shared: one fetcher a leader node, one sender of AlterPartition, one checkpoint of high watermarks.
//
// Locks are taken in the order Partition.mu, then those of the parts that partitions share (fetchers, alterSender,
// lagChecker, inbox), then Manager.mu. None is held during network I/O; none during fsync but a partition's own, while its
// log is truncated or its start moves; callbacks run outside of all.
package replica
