// Package metadata is the cluster as every node knows it: an immutable image of nodes, topics, partitions and configs, and
// the records that lead from one image to the next. The controller's quorum agrees on batches of records; each node applies
// them to its own image and acts on what changed.
//
// Why records and not requests are what the quorum agrees on: a record says what is, so applying it needs no rules, no
// clock and no chance. Only the active controller decides, and a newer version of its rules can't make two nodes disagree
// about an old log. Why a batch names the image it was computed from (Batch.BaseVersion): a controller that was deposed and
// does not know it yet computes from an old image; whatever it proposes is refused by every node alike.
//
// The package does no I/O. Nothing in it changes an Image once it was returned.
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
	// Configs holds what was set by requests: for topics and groups by name, for brokers by node id in decimal, "" for the cluster-wide default.
	Configs map[ConfigResource]map[string]string
	// Features are the levels that the cluster settled on, above 0, by name.
	Features map[string]int16
	// Quotas are clients' limits.
	Quotas map[QuotaEntity]Quotas
	// Scram are users' credentials.
	Scram map[ScramUser]*ScramCredential
	// NextProducerID is the first producer id that was not given out yet.
	NextProducerID int64
}

// ConfigResource names what a set of configs belongs to. Type is Kafka's: 2 topic, 4 broker, 32 group.
type ConfigResource struct {
	Type int8
	Name string
}

// The types of ConfigResource in use.
const (
	ResourceTopic  int8 = 2
	ResourceBroker int8 = 4
	ResourceGroup  int8 = 32
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
	// Features are the levels of features that the process can work at.
	Features []FeatureRange
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
	// Adding are the replicas that a reassignment brings in and that are not yet known to have everything, Removing those that it
	// takes away when they are. Invariant: subsets of Replicas, disjoint; both empty when nothing is under way.
	Adding, Removing []int32
	// ISR are the replicas that have every acknowledged record. Invariant: a subset of Replicas; never holds a fenced node.
	// It is empty when the last member was fenced (that one is then in ELR, unless it may have lost data).
	ISR []int32
	// ELR are the eligible leader replicas (KIP-966): out of the ISR, yet known to have everything below the high
	// watermark, because they left when the ISR was too small for it to move. Invariant: disjoint from ISR, a subset of
	// Replicas, empty while len(ISR) reaches min.insync.replicas.
	ELR []int32
	// LastKnownLeader is who led when the ISR became empty, until somebody leads again; otherwise NoLeader.
	LastKnownLeader int32
	// Leader is NoLeader when there is none. Invariant: otherwise a member of ISR.
	Leader int32
	// LeaderEpoch grows with every change of leader and every shrinking of the ISR that the controller does by itself.
	LeaderEpoch int32
	// PartitionEpoch grows with every change of this struct; an AlterPartition that carries another one is stale.
	PartitionEpoch int32
}

// NewImage returns the image of version 0: a cluster without name, nodes or topics.
func NewImage() *Image {
	return &Image{
		Brokers:    map[int32]*Broker{},
		Topics:     map[string]*Topic{},
		TopicsByID: map[UUID]*Topic{},
		Configs:    map[ConfigResource]map[string]string{},
		Features:   map[string]int16{},
		Quotas:     map[QuotaEntity]Quotas{},
		Scram:      map[ScramUser]*ScramCredential{},
	}
}

// Reassigning says whether the partition's replicas are on their way to others.
func (p *Partition) Reassigning() bool { return len(p.Adding)+len(p.Removing) > 0 }

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

// Active says whether a node may join an ISR or be given a leadership: alive and not on its way down.
func (i *Image) Active(node int32) bool {
	b := i.Brokers[node]
	return b != nil && !b.Fenced && !b.ShuttingDown
}
