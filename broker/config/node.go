package config

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Node is a node's configuration. Times that Kafka names in milliseconds are durations here.
type Node struct {
	ID          int32
	Voter       bool // votes in the metadata quorum
	Rack        string
	LogDirs     []string   // the data directories
	MetadataDir string     // where the quorum's log is and what makes the node itself; one of LogDirs or another
	Listeners   []Listener // those for clients and other brokers, in the order given
	Controller  *Listener  // where the metadata quorum reaches this node; nil when no listener is named for it
	// InterBroker is the name of the listener that other brokers use.
	InterBroker string
	Voters      []Voter // empty: this node alone

	RequestBytesMax         int32
	ConnectionIdle          time.Duration
	SessionTimeout          time.Duration
	HeartbeatInterval       time.Duration
	LeaderRebalance         bool
	LeaderImbalanceCheck    time.Duration
	MetadataSnapshotEntries int32 // internal.metadata.snapshot.entries
	NumPartitions           int32
	ReplicationFactor       int16
	AutoCreateTopics        bool
	DeleteTopics            bool
	ReplicaLagTimeMax       time.Duration
	ReplicaFetchBytesMax    int32 // a partition
	ReplicaFetchResponseMax int32 // a response
	ReplicaFetchBytesMin    int32
	ReplicaFetchWaitMax     time.Duration
	ReplicaFetchBackoff     time.Duration
	ReplicationQuota        Windows // of throttled replicas
	MovesQuota              Windows // of replicas that move between data directories
	RackAwareReads          bool    // consumers are sent to a replica on their rack
	HighWatermarkCheckpoint time.Duration
	FetchBytesMax           int32
	FetchSessionsMax        int32
	DescribePartitionsMax   int32 // partitions in an answer to DescribeTopicPartitions
	OpenFilesMax            int32 // of complete segments, while nobody reads them
	RetentionCheck          time.Duration
	RecoveryThreads         int32         // a data directory
	MoveThreads             int32         // replicas moved between data directories at a time; 0: one a directory
	DirFailureTimeout       time.Duration // until the controller must have heard of a failed directory
	Cleaner                 Cleaner
	Groups                  Groups
	Transactions            Transactions
	Shares                  Shares
	Quotas                  Quotas
}

// Quotas is how the rates of clients are counted: in a number of windows, each of a length.
type Quotas struct {
	Samples         int
	Window          time.Duration
	MutationSamples int
	MutationWindow  time.Duration
}

// Windows are a number of windows in which a rate is counted, each of a length.
type Windows struct {
	Samples int
	Length  time.Duration
}

// Groups is what concerns consumer groups and their offsets.
type Groups struct {
	InitialRebalanceDelay  time.Duration
	SessionTimeoutMin      time.Duration
	SessionTimeoutMax      time.Duration
	SizeMax                int32
	MetadataBytesMax       int32
	CommitTimeout          time.Duration
	LoadBytes              int32
	RetentionCheckInterval time.Duration
	Retention              time.Duration
	TopicCodec             int8 // as in a batch's attributes
	TopicPartitions        int32
	TopicReplicationFactor int16 // at most; never more than the quorum has voters or the cluster nodes
	TopicSegmentBytes      int32
	Consumer               ConsumerGroups
}

// Shares is what concerns the state of share groups.
type Shares struct {
	WriteTimeout           time.Duration
	LoadBytes              int32
	TopicCodec             int8 // as in a batch's attributes
	TopicPartitions        int32
	TopicReplicationFactor int16 // at most, as that of the offsets topic
	TopicSegmentBytes      int32
	GroupSizeMax           int32
	SessionsMax            int32
}

// ConsumerGroups is what concerns groups of KIP-848 and is the same for all of them.
type ConsumerGroups struct {
	SizeMax   int32
	Assignors []string // at least one
	// Upgrade and Downgrade say whether a group with members may change to the newer protocol and back.
	Upgrade, Downgrade bool
}

// Listener is a place where a node listens, and the address that others are told to reach it at.
type Listener struct {
	Name           string
	Host           string // empty: every interface
	Port           int32
	AdvertisedHost string
	AdvertisedPort int32
}

// Address is where to listen, as host:port.
func (l Listener) Address() string { return net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port))) }

// AdvertisedAddress is where others reach the listener, as host:port.
func (l Listener) AdvertisedAddress() string {
	return net.JoinHostPort(l.AdvertisedHost, strconv.Itoa(int(l.AdvertisedPort)))
}

// Voter is a member of the metadata quorum.
type Voter struct {
	ID      int32
	Address string // host:port
}

func invalid(key, format string, args ...any) error {
	return &Error{Kind: ErrInvalidValue, Key: key, Text: "Invalid value for configuration " + key + ": " + fmt.Sprintf(format, args...)}
}

// node resolves a node's configuration and checks what concerns several keys at once.
func (l Layers) node() (Node, error) {
	r := reader{func(name string) any { return l.brokerValue(brokerIndex[name]) }}
	ms := func(name string) time.Duration { return time.Duration(r.int64(name)) * time.Millisecond }
	n := Node{
		ID:                      r.int32("node.id"),
		Rack:                    r.string("broker.rack"),
		RequestBytesMax:         r.int32("socket.request.max.bytes"),
		ConnectionIdle:          ms("connections.max.idle.ms"),
		SessionTimeout:          ms("broker.session.timeout.ms"),
		HeartbeatInterval:       ms("broker.heartbeat.interval.ms"),
		LeaderRebalance:         r.bool("auto.leader.rebalance.enable"),
		LeaderImbalanceCheck:    time.Duration(r.int64("leader.imbalance.check.interval.seconds")) * time.Second,
		MetadataSnapshotEntries: r.int32("internal.metadata.snapshot.entries"),
		NumPartitions:           r.int32("num.partitions"),
		ReplicationFactor:       int16(r.int64("default.replication.factor")),
		AutoCreateTopics:        r.bool("auto.create.topics.enable"),
		DeleteTopics:            r.bool("delete.topic.enable"),
		ReplicaLagTimeMax:       ms("replica.lag.time.max.ms"),
		ReplicaFetchBytesMax:    r.int32("replica.fetch.max.bytes"),
		ReplicaFetchResponseMax: r.int32("replica.fetch.response.max.bytes"),
		ReplicaFetchBytesMin:    r.int32("replica.fetch.min.bytes"),
		ReplicaFetchWaitMax:     ms("replica.fetch.wait.max.ms"),
		ReplicaFetchBackoff:     ms("replica.fetch.backoff.ms"),
		ReplicationQuota:        r.windows("replication.quota.window"),
		MovesQuota:              r.windows("alter.log.dirs.replication.quota.window"),
		RackAwareReads:          r.string("replica.selector.class") == selectorRackAware,
		HighWatermarkCheckpoint: ms("replica.high.watermark.checkpoint.interval.ms"),
		FetchBytesMax:           r.int32("fetch.max.bytes"),
		FetchSessionsMax:        r.int32("max.incremental.fetch.session.cache.slots"),
		DescribePartitionsMax:   r.int32("max.request.partition.size.limit"),
		OpenFilesMax:            r.int32("open.files.max"),
		RetentionCheck:          ms("log.retention.check.interval.ms"),
		RecoveryThreads:         r.int32("num.recovery.threads.per.data.dir"),
		DirFailureTimeout:       ms("log.dir.failure.timeout.ms"),
		MoveThreads:             r.int32OrZero("num.replica.alter.log.dirs.threads"),
		Cleaner:                 r.cleaner(),
	}
	n.readGroups(r)
	n.readTransactions(r)
	n.readShares(r)
	n.Quotas = Quotas{
		Samples: int(r.int32("quota.window.num")), Window: time.Duration(r.int64("quota.window.size.seconds")) * time.Second,
		MutationSamples: int(r.int32("controller.quota.window.num")), MutationWindow: time.Duration(r.int64("controller.quota.window.size.seconds")) * time.Second,
	}
	return n, errors.Join(n.readDirs(r), n.readListeners(r), n.readQuorum(r), n.checkTimes(r))
}

func (n *Node) readGroups(r reader) {
	ms := func(name string) time.Duration { return time.Duration(r.int64(name)) * time.Millisecond }
	n.Groups = Groups{
		InitialRebalanceDelay:  ms("group.initial.rebalance.delay.ms"),
		SessionTimeoutMin:      ms("group.min.session.timeout.ms"),
		SessionTimeoutMax:      ms("group.max.session.timeout.ms"),
		SizeMax:                r.int32("group.max.size"),
		MetadataBytesMax:       r.int32("offset.metadata.max.bytes"),
		CommitTimeout:          ms("offsets.commit.timeout.ms"),
		LoadBytes:              r.int32("offsets.load.buffer.size"),
		RetentionCheckInterval: ms("offsets.retention.check.interval.ms"),
		Retention:              time.Duration(r.int64("offsets.retention.minutes")) * time.Minute,
		TopicCodec:             int8(r.int64("offsets.topic.compression.codec")),
		TopicPartitions:        r.int32("offsets.topic.num.partitions"),
		TopicReplicationFactor: int16(r.int64("offsets.topic.replication.factor")),
		TopicSegmentBytes:      r.int32("offsets.topic.segment.bytes"),
		Consumer: ConsumerGroups{
			SizeMax:   r.int32("group.consumer.max.size"),
			Assignors: r.list("group.consumer.assignors"),
			Upgrade:   migratesTo(r.string("group.consumer.migration.policy"), "upgrade"),
			Downgrade: migratesTo(r.string("group.consumer.migration.policy"), "downgrade"),
		},
	}
}

// migratesTo says whether a migration policy allows the change of that name.
func migratesTo(policy, change string) bool { return policy == change || policy == "bidirectional" }

func (n *Node) readShares(r reader) {
	n.Shares = Shares{
		WriteTimeout:           time.Duration(r.int64("share.coordinator.write.timeout.ms")) * time.Millisecond,
		LoadBytes:              r.int32("share.coordinator.load.buffer.size"),
		TopicCodec:             int8(r.int64("share.coordinator.state.topic.compression.codec")),
		TopicPartitions:        r.int32("share.coordinator.state.topic.num.partitions"),
		TopicReplicationFactor: int16(r.int64("share.coordinator.state.topic.replication.factor")),
		TopicSegmentBytes:      r.int32("share.coordinator.state.topic.segment.bytes"),
		GroupSizeMax:           r.int32("group.share.max.size"),
		SessionsMax:            r.int32("group.share.max.share.sessions"),
	}
}

func (n *Node) readDirs(r reader) error {
	key := "log.dirs"
	n.LogDirs = r.list(key)
	if len(n.LogDirs) == 0 {
		key = "log.dir"
		n.LogDirs = r.list(key)
	}
	if len(n.LogDirs) == 0 {
		return invalid(key, "no directory")
	}
	for i := range n.LogDirs {
		n.LogDirs[i] = path.Clean(n.LogDirs[i])
		if slices.Contains(n.LogDirs[:i], n.LogDirs[i]) {
			return invalid(key, "%s is there twice", n.LogDirs[i])
		}
	}
	n.MetadataDir = n.LogDirs[0]
	if dir := r.string("metadata.log.dir"); dir != "" {
		n.MetadataDir = path.Clean(dir)
	}
	return nil
}

func (n *Node) readListeners(r reader) error {
	listeners, err := parseListeners("listeners", r.list("listeners"))
	if err != nil {
		return err
	}
	if advertised := r.list("advertised.listeners"); len(advertised) > 0 {
		if err := advertise(listeners, advertised); err != nil {
			return err
		}
	}
	controllers := r.list("controller.listener.names")
	if err := checkProtocols(r, listeners, controllers); err != nil {
		return err
	}
	for i := range listeners {
		if !slices.Contains(controllers, listeners[i].Name) {
			n.Listeners = append(n.Listeners, listeners[i])
		} else if n.Controller == nil {
			n.Controller = &listeners[i]
		}
	}
	if len(n.Listeners) == 0 {
		return invalid("listeners", "there must be one that isn't a controller's (%s)", strings.Join(controllers, ","))
	}
	n.InterBroker = r.string("inter.broker.listener.name")
	if n.InterBroker == "" {
		n.InterBroker = n.Listeners[0].Name
	}
	if !slices.ContainsFunc(n.Listeners, func(l Listener) bool { return l.Name == n.InterBroker }) {
		return invalid("inter.broker.listener.name", "%s is not among the listeners", n.InterBroker)
	}
	return nil
}

func (n *Node) readQuorum(r reader) error {
	const key = "controller.quorum.voters"
	for _, text := range r.list(key) {
		id, address, found := strings.Cut(text, "@")
		number, err := strconv.ParseInt(id, 10, 32)
		_, port, addressErr := net.SplitHostPort(address)
		if _, portErr := strconv.ParseUint(port, 10, 16); !found || err != nil || number < 0 || addressErr != nil || portErr != nil {
			return invalid(key, "%q is not id@host:port", text)
		}
		if slices.ContainsFunc(n.Voters, func(v Voter) bool { return v.ID == int32(number) }) {
			return invalid(key, "voter %d is there twice", number)
		}
		n.Voters = append(n.Voters, Voter{int32(number), address})
	}
	roles := r.list("process.roles")
	if !slices.Contains(roles, "broker") {
		return invalid("process.roles", "every node is a broker; allowed: broker,controller or broker")
	}
	listed := len(n.Voters) == 0 || slices.ContainsFunc(n.Voters, func(v Voter) bool { return v.ID == n.ID })
	n.Voter = slices.Contains(roles, "controller")
	switch {
	case n.Voter && !listed:
		return invalid("process.roles", "controller, but node.id %d is not among controller.quorum.voters", n.ID)
	case !n.Voter && listed:
		return invalid("process.roles", "without controller, but node.id %d is among controller.quorum.voters (or there are none)", n.ID)
	}
	return nil
}

func (n *Node) checkTimes(r reader) error {
	positive := []string{"broker.session.timeout.ms", "broker.heartbeat.interval.ms", "replica.lag.time.max.ms", "replica.fetch.wait.max.ms", "default.replication.factor"}
	for _, key := range positive {
		if r.int64(key) < 1 && !(key == "default.replication.factor" && r.int64(key) == -1) {
			return invalid(key, "%d; must be at least 1", r.int64(key))
		}
	}
	if r.int64("default.replication.factor") > 1<<15-1 {
		return invalid("default.replication.factor", "%d; must be at most 32767", r.int64("default.replication.factor"))
	}
	if n.HeartbeatInterval*2 > n.SessionTimeout {
		return invalid("broker.heartbeat.interval.ms", "%v; must be at most half of broker.session.timeout.ms (%v)", n.HeartbeatInterval, n.SessionTimeout)
	}
	if n.ReplicaFetchWaitMax > n.ReplicaLagTimeMax {
		return invalid("replica.fetch.wait.max.ms", "%v; must be at most replica.lag.time.max.ms (%v), or the ISR flaps", n.ReplicaFetchWaitMax, n.ReplicaLagTimeMax)
	}
	return nil
}
