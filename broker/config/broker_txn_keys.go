package config

import "time"

// brokerTxnKeys are the keys of a node that concern transactions.
var brokerTxnKeys = []Key{
	{Name: "transaction.max.timeout.ms", Type: Int, Default: "900000", Rule: atLeast(1), Importance: High,
		Doc: "The longest time that a producer may give its transactions."},
	{Name: "transactional.id.expiration.ms", Type: Int, Default: "604800000", Rule: atLeast(1), Importance: High,
		Doc: "How long a transactional id that is not used is remembered."},
	{Name: "transaction.remove.expired.transaction.cleanup.interval.ms", Type: Int, Default: "3600000", Rule: atLeast(1), Importance: Low,
		Doc: "Time between two looks for transactional ids that have not been used for long."},
	{Name: "transaction.partition.verification.enable", Type: Boolean, Default: "true", Importance: Low, Dynamic: true,
		Doc: "Whether the coordinator is asked before a transaction's first batch is taken into a partition."},
	{Name: "transaction.state.log.load.buffer.size", Type: Int, Default: "5242880", Rule: atLeast(1), Importance: High,
		Doc: "Bytes of the transaction topic read at a time while a coordinator loads."},
	{Name: "transaction.state.log.min.isr", Type: Int, Default: "2", Rule: atLeast(1), Importance: High,
		Doc: "min.insync.replicas of the transaction topic when it is made."},
	{Name: "transaction.state.log.num.partitions", Type: Int, Default: "50", Rule: atLeast(1), Importance: High,
		Doc: "Partitions of the transaction topic when it is made."},
	{Name: "transaction.state.log.replication.factor", Type: Short, Default: "3", Rule: atLeast(1), Importance: High,
		Doc: "Replicas of the transaction topic when it is made; never more than the cluster is meant to have nodes."},
	{Name: "transaction.state.log.segment.bytes", Type: Int, Default: "104857600", Rule: atLeast(1), Importance: High,
		Doc: "Size of the transaction topic's segments when it is made."},
}

// Transactions is what concerns the transaction coordinator.
type Transactions struct {
	TimeoutMaxMs           int32
	Expiration             time.Duration
	ExpiryInterval         time.Duration
	LoadBytes              int32
	TopicMinISR            int32
	TopicPartitions        int32
	TopicReplicationFactor int16 // at most; see Groups
	TopicSegmentBytes      int32
}

func (n *Node) readTransactions(r reader) {
	ms := func(name string) time.Duration { return time.Duration(r.int64(name)) * time.Millisecond }
	n.Transactions = Transactions{
		TimeoutMaxMs:           r.int32("transaction.max.timeout.ms"),
		Expiration:             ms("transactional.id.expiration.ms"),
		ExpiryInterval:         ms("transaction.remove.expired.transaction.cleanup.interval.ms"),
		LoadBytes:              r.int32("transaction.state.log.load.buffer.size"),
		TopicMinISR:            r.int32("transaction.state.log.min.isr"),
		TopicPartitions:        r.int32("transaction.state.log.num.partitions"),
		TopicReplicationFactor: int16(r.int64("transaction.state.log.replication.factor")),
		TopicSegmentBytes:      r.int32("transaction.state.log.segment.bytes"),
	}
}
