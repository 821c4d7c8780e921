package controller

import (
	"log/slog"
	"time"

	"odradek/broker/env"
)

// Config is what a node's controller needs to know. The zero value of a duration means its default.
type Config struct {
	NodeID int32
	// ClusterID is checked against the cluster's when set; a new cluster takes it, or draws one when it is empty.
	ClusterID string
	Net       env.Net
	Disk      env.Disk
	// Dir is the node's data directory: meta.properties and broker.state lie in it, the quorum's log below it. The caller
	// holds the lock that keeps other processes out.
	Dir string
	// DataDirs are where the node's replicas are, as OpenDataDir gave them; Dir may be one of them.
	DataDirs []DataDir
	// Listen is where the controller listens, as host:port; raft and controller requests of other nodes come in there.
	Listen string
	// Advertise is what others are told to dial instead of Listen; by default the entry of NodeID in Controllers, or the
	// listener's own address.
	Advertise string
	// Controllers are the addresses of the voters, by node id. Empty, or this node alone, is a cluster of one. A node that is
	// not among them joins as a non-voter.
	Controllers map[int32]string
	// Host and Port are where clients reach this node, Rack where it stands.
	Host string
	Port int32
	Rack string
	// Ready is closed when the node's logs are open and it can lead and follow. The node stays fenced until then; nil is ready.
	Ready <-chan struct{}
	// Static are the node's own properties by Kafka's names: defaults of topics (min.insync.replicas, num.partitions, …).
	Static map[string]string
	// NumPartitions and ReplicationFactor are what a topic gets whose creation doesn't say; 1 each by default.
	NumPartitions     int32
	ReplicationFactor int16

	SessionTimeout    time.Duration // 9 s: broker.session.timeout.ms
	HeartbeatInterval time.Duration // 2 s: broker.heartbeat.interval.ms
	// NoRebalance turns off the periodic election of preferred leaders; RebalanceInterval is its period, 300 s.
	NoRebalance       bool
	RebalanceInterval time.Duration
	// ElectionTimeout is how long a follower of the quorum waits in silence, at least, before it stands for election: 500 ms.
	// (A leader whose death is heard is replaced at once.) LeaseTimeout is after how much silence from a majority a leader
	// steps down: 300 ms, at most ElectionTimeout.
	ElectionTimeout time.Duration
	LeaseTimeout    time.Duration

	// SnapshotEntries is how many entries the quorum's log grows by before the image is written out, 4096 by default. Tests and
	// universes set less: whether it is time is then looked at each second, and fewer entries are kept for followers that lag.
	SnapshotEntries uint64

	Logger *slog.Logger
	// OnFailure is told, once, that the quorum's storage failed or its log can't be understood: this process can't go on as a
	// member and should end. By default it panics.
	OnFailure func(error)
}

func (c Config) withDefaults() Config {
	setDefault(&c.SessionTimeout, 9*time.Second)
	setDefault(&c.HeartbeatInterval, 2*time.Second)
	setDefault(&c.RebalanceInterval, 300*time.Second)
	setDefault(&c.ElectionTimeout, 500*time.Millisecond)
	setDefault(&c.LeaseTimeout, min(300*time.Millisecond, c.ElectionTimeout))
	if c.NumPartitions == 0 {
		c.NumPartitions = 1
	}
	if c.ReplicationFactor == 0 {
		c.ReplicationFactor = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnFailure == nil {
		c.OnFailure = func(err error) { panic(err) }
	}
	return c
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
