// Package state is the share coordinator's state machine (KIP-932): it remembers for the leaders of share-partitions how far each has been
// consumed and what is in flight, by group, topic and partition. It does no I/O and reads no clock; package coord runs it over the
// partitions of __share_group_state.
//
// Each change is written as a whole snapshot in Kafka's own schema (ShareSnapshot), so that the topic is compacted. Kafka writes
// snapshots and what changed in between, and prunes the topic's beginning instead; its updates (ShareUpdate) are read here too.
package state
