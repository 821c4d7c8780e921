// Package metadata is the cluster as every node knows it: an immutable image of nodes, topics, partitions and configs, and
// the records that lead from one image to the next. The controller's quorum agrees on the records; each node applies them
// to its own image and acts on what changed.
package metadata

import "github.com/google/uuid"

// UUID identifies a topic, a directory or an incarnation of a process. Kafka prints it as URL-safe base64.
type UUID = uuid.UUID

// NoLeader is the leader of a partition that nobody leads.
const NoLeader int32 = -1

// Image is the whole metadata at one version. It is immutable: readers share it without locks.
type Image struct {
	// Version counts the batches of records applied; a batch names the version it was computed from and is refused by an
	// image of any other.
	Version uint64
	// ClusterID is empty until the first batch names the cluster.
	ClusterID string
	Brokers   map[int32]*Broker
	// Topics by name; TopicsByID holds the same topics.
	Topics     map[string]*Topic
	TopicsByID map[UUID]*Topic
	// Configs holds what was set by requests: for topics by name, for brokers by node id in decimal, "" for the cluster-wide default.
	Configs map[ConfigResource]map[string]string
	// NextProducerID is the first producer id that was not given out yet.
	NextProducerID int64
}

// ConfigResource names what a set of configs belongs to. Type is Kafka's: 2 topic, 4 broker.
type ConfigResource struct {
	Type int8
	Name string
}

// The types of ConfigResource in use.
const (
	ResourceTopic  int8 = 2
	ResourceBroker int8 = 4
)

// Broker is a registered node.
type Broker struct {
	ID int32
	// Epoch grows with every registration; requests that carry an older one come from a process that is gone.
	Epoch int64
	// IncarnationID is drawn by a process when it starts.
	IncarnationID UUID
	// DirectoryID is drawn when a node's disk is first used: a node that lost its disk has another one.
	DirectoryID UUID
	Host        string // as clients reach it
	Port        int32
	Rack        string // empty when unknown
	// ControllerAddress is where other nodes reach its raft transport and controller requests, as host:port.
	ControllerAddress string
	// Fenced nodes lead nothing and belong to no ISR. A node is fenced when it registers and when its session ends.
	Fenced bool
	// ShuttingDown is set while a node hands over its leaderships before a controlled stop.
	ShuttingDown bool
}

// Topic is a topic with its partitions, Partitions[i] having index i.
type Topic struct {
	ID         UUID
	Name       string
	Partitions []*Partition
}

// Partition is what the cluster agrees on about one partition.
type Partition struct {
	// Replicas are node ids in order of preference: the first is the preferred leader.
	Replicas []int32
	// ISR are the replicas that have every acknowledged record. Invariant: a subset of Replicas; never holds a fenced node
	// except when it is the last one left and ELR is empty.
	ISR []int32
	// ELR are the eligible leader replicas (KIP-966): out of the ISR, yet known to have everything below the high
	// watermark, because they left when the ISR was too small for it to move.
	ELR []int32
	// LastKnownLeader is who led last, when ISR and ELR are empty; otherwise NoLeader.
	LastKnownLeader int32
	Leader          int32 // NoLeader when there is none
	// LeaderEpoch grows with every change of leader and every change of the ISR's membership that the controller makes by itself.
	LeaderEpoch int32
	// PartitionEpoch grows with every change of this struct; an AlterPartition that carries another one is stale.
	PartitionEpoch int32
}

// Partition returns a partition, or nil when there is no such topic or index.
func (t *Topic) Partition(index int32) *Partition {
	if t == nil || index < 0 || int(index) >= len(t.Partitions) {
		return nil
	}
	return t.Partitions[index]
}

// Alive says whether a node is registered and not fenced.
func (i *Image) Alive(node int32) bool {
	b := i.Brokers[node]
	return b != nil && !b.Fenced
}
