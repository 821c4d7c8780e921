// Package coordinators measures what clients wait for at coordinators: a group that rebalances (Rebalance), offsets that are asked for
// after their coordinator died (Failover), a transaction that is committed (Transactions). Like odradek/bench it does so over the protocol
// and knows nothing of whose brokers they are.
package coordinators
