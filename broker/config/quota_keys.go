package config

// brokerQuotaKeys are the broker's keys of how rates are counted, and the limits to those of replicas.
var brokerQuotaKeys = []Key{
	{Name: "controller.quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which changes of topics are counted."},
	{Name: "controller.quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which changes of topics are counted."},
	{Name: "alter.log.dirs.replication.quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which the bytes of replicas that move between data directories are counted."},
	{Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which the bytes of replicas that move between data directories are counted."},
	{Name: leaderRate, Type: Long, Null: true, Rule: atLeast(0), Importance: Medium, Dynamic: true, WhenSet: true,
		Doc: "Bytes a second that this node, as a leader, gives of throttled replicas to followers that are not in sync."},
	{Name: followerRate, Type: Long, Null: true, Rule: atLeast(0), Importance: Medium, Dynamic: true, WhenSet: true,
		Doc: "Bytes a second that this node, as a follower that lags, fetches of throttled replicas."},
	{Name: moveRate, Type: Long, Null: true, Rule: atLeast(0), Importance: Medium, Dynamic: true, WhenSet: true,
		Doc: "Bytes a second that this node copies to move replicas between data directories."},
	{Name: "replication.quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which the bytes of throttled replicas are counted."},
	{Name: "replication.quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which the bytes of throttled replicas are counted."},
	{Name: "quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which clients' bytes, processor time and connections are counted."},
	{Name: "quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which clients' bytes, processor time and connections are counted."},
}

const (
	leaderRate   = "leader.replication.throttled.rate"
	followerRate = "follower.replication.throttled.rate"
	moveRate     = "replica.alter.log.dirs.io.max.bytes.per.second"
)
