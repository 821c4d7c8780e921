package metadata

// Batch is one entry of the quorum's log: records that are applied all or not at all.
type Batch struct {
	// BaseVersion is the Version of the image that the records were computed from.
	BaseVersion uint64
	Records     []Record
}

// Record is one statement about the cluster. Records say the whole new state of what they name, not a difference, so that
// their meaning never depends on the rules that made them.
type Record interface {
	kind() kind
	appendTo(b []byte) []byte
	apply(b *Builder) error
}

// ClusterRecord names the cluster. It is the first record of a cluster and never changes.
type ClusterRecord struct {
	ClusterID string
}

// BrokerRecord registers a node, or registers it anew.
type BrokerRecord struct {
	Broker Broker
}

// BrokerStateRecord changes the state of a registered node. It applies to the registration of that Epoch only.
type BrokerStateRecord struct {
	ID           int32
	Epoch        int64
	Fenced       bool
	ShuttingDown bool
}

// RemoveBrokerRecord forgets a node.
type RemoveBrokerRecord struct {
	ID    int32
	Epoch int64
}

// TopicRecord creates a topic without partitions.
type TopicRecord struct {
	ID   UUID
	Name string
}

// RemoveTopicRecord deletes a topic, its partitions and its configs.
type RemoveTopicRecord struct {
	ID UUID
}

// PartitionRecord is the new state of a partition. Index is that of an existing one or the next one.
type PartitionRecord struct {
	TopicID   UUID
	Index     int32
	Partition Partition
}

// ConfigRecord sets one config of a resource, or with Remove takes it back to its default.
type ConfigRecord struct {
	Resource ConfigResource
	Key      string
	Value    string
	Remove   bool
}

// ProducerIDsRecord says that all producer ids below Next were given out.
type ProducerIDsRecord struct {
	Next int64
}

// FeatureRecord is the level that the cluster settles on; level 0 is off.
type FeatureRecord struct {
	Name  string
	Level int16
}

// QuotaRecord sets one limit of an entity, or with Remove takes it away.
type QuotaRecord struct {
	Entity QuotaEntity
	Key    string
	Value  float64
	Remove bool
}

// ScramRecord sets a user's credential, or with Remove takes it away.
type ScramRecord struct {
	User       ScramUser
	Credential ScramCredential
	Remove     bool
}

// kind is a record's type on disk. Numbers are never used again for something else.
type kind uint64

const (
	kindCluster      kind = 1
	kindBroker       kind = 2
	kindBrokerState  kind = 3
	kindRemoveBroker kind = 4
	kindTopic        kind = 5
	kindRemoveTopic  kind = 6
	kindPartition    kind = 7
	kindConfig       kind = 8
	kindProducerIDs  kind = 9
	kindFeature      kind = 10
	kindQuota        kind = 11
	kindScram        kind = 12
)

func (*ClusterRecord) kind() kind      { return kindCluster }
func (*BrokerRecord) kind() kind       { return kindBroker }
func (*BrokerStateRecord) kind() kind  { return kindBrokerState }
func (*RemoveBrokerRecord) kind() kind { return kindRemoveBroker }
func (*TopicRecord) kind() kind        { return kindTopic }
func (*RemoveTopicRecord) kind() kind  { return kindRemoveTopic }
func (*PartitionRecord) kind() kind    { return kindPartition }
func (*ConfigRecord) kind() kind       { return kindConfig }
func (*ProducerIDsRecord) kind() kind  { return kindProducerIDs }
func (*FeatureRecord) kind() kind      { return kindFeature }
func (*QuotaRecord) kind() kind        { return kindQuota }
func (*ScramRecord) kind() kind        { return kindScram }
