// Package group is the group coordinator's state machine: classic consumer groups (join, sync, heartbeat, leave; static members of
// KIP-345; member ids given out before joining, KIP-394) and committed offsets. It does no I/O, reads no clock and draws nothing:
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
package group
