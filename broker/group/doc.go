// Package group is the group coordinator's state machine: classic groups (join, sync, heartbeat, leave; static members of
// KIP-345; member ids given out before joining, KIP-394), consumer groups (KIP-848), share groups (KIP-932) and committed offsets. It does no I/O, reads no clock and draws nothing:
// what to write and to answer comes out as coord.Effects, and time and ids come in.
//
// What is kept in __consumer_offsets, in Kafka's own schemas (record.go):
//
//   - an offset commit a group, topic and partition;
//   - a group's generation with its members, their subscriptions and assignments, written when the leader's assignment
//     arrives, when a static member is replaced without a rebalance, and when the last member is gone.
//
// What is not kept: who waits for whom. After a failover members find an older generation, or none, and join again.
//
// The life of a generation (state.go):
//
//	Empty ──join──▶ PreparingRebalance ──all joined, or time is up──▶ CompletingRebalance ──leader's sync──▶ Stable
//	  ▲                 ▲     │ nobody is left                              │ a member joins, leaves or expires │
//	  └─────────────────│─────┘                                             ▼                                   ▼
//	                    └───────────────────────────────────────────────────┴───────────────────────────────────┘
//
// A consumer group (consumer*.go) has its assignments made here, by package assign, and moves each member to its own while the others go
// on: consumer_heartbeat.go tells the steps, consumer_reconcile.go a member's way. All of it is in the log, sessions aside, so that members go
// on after a failover as if nothing had been. An empty group of one kind gives its name to a group of the other; a classic group with members becomes a
// consumer group with the first member of that protocol (migrate_upgrade.go), in which the others go on as before (consumer_classic.go), and a
// classic one again with the last (migrate_downgrade.go).
//
// A share group (share*.go) is simpler: its partitions are shared, so that nobody has to give up anything first.
package group
