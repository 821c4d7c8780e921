// Package decide holds the active controller's rules: what records a request or an event leads to, given an image of the
// cluster. It is a state machine without I/O and without a clock: a Plan starts from an image, takes requests one after the
// other, each seeing the effects of those before it, and ends as one batch of records to propose to the quorum.
//
// The rules follow Kafka's (ReplicationControlManager, ClusterControlManager, ConfigurationControlManager, and KIP-966 for the
// eligible leader replicas); where they differ the reason is told in place.
package decide

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
)

// Settings are the active controller's own: what topics get that don't say.
type Settings struct {
	// Static are the node's properties, the weakest layer above the built-in defaults.
	Static            map[string]string
	NumPartitions     int32
	ReplicationFactor int16
}

// Plan gathers the records of one batch.
type Plan struct {
	base     *metadata.Image
	builder  *metadata.Builder
	records  []metadata.Record
	settings Settings
	random   *rand.Rand
	topics   map[string]config.Topic // resolved configs, by topic
}

// NewPlan starts from the newest image. random draws topic ids and where replicas go; the same plan with the same random is
// the same batch.
func NewPlan(base *metadata.Image, settings Settings, random *rand.Rand) *Plan {
	return &Plan{base: base, builder: metadata.NewBuilder(base), settings: settings, random: random}
}

// Batch is what the plan proposes. Without records there is nothing to propose.
func (p *Plan) Batch() metadata.Batch {
	return metadata.Batch{BaseVersion: p.base.Version, Records: p.records}
}

// Image is the cluster as it will be when the batch is accepted. It is valid until the plan takes more.
func (p *Plan) Image() *metadata.Image { return p.builder.Image() }

// Handle decides a request. The response is never nil for a request that Handles says is known; others get a nil response.
func (p *Plan) Handle(req kmsg.Request) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.CreateTopicsRequest:
		return p.CreateTopics(req)
	case *kmsg.DeleteTopicsRequest:
		return p.DeleteTopics(req)
	case *kmsg.CreatePartitionsRequest:
		return p.CreatePartitions(req)
	case *kmsg.AlterPartitionRequest:
		return p.AlterPartition(req)
	case *kmsg.ElectLeadersRequest:
		return p.ElectLeaders(req)
	case *kmsg.IncrementalAlterConfigsRequest:
		return p.IncrementalAlterConfigs(req)
	case *kmsg.AlterConfigsRequest:
		return p.AlterConfigs(req)
	case *kmsg.AllocateProducerIDsRequest:
		return p.AllocateProducerIDs(req)
	case *kmsg.BrokerRegistrationRequest:
		return p.RegisterBroker(req)
	case *kmsg.BrokerHeartbeatRequest:
		return p.Heartbeat(req)
	case *kmsg.UnregisterBrokerRequest:
		return p.UnregisterBroker(req)
	case *kmsg.AlterPartitionAssignmentsRequest:
		return p.AlterPartitionReassignments(req)
	case *kmsg.ListPartitionReassignmentsRequest:
		return p.ListPartitionReassignments(req)
	case *kmsg.AssignReplicasToDirsRequest:
		return p.AssignReplicasToDirs(req)
	case *kmsg.AlterClientQuotasRequest:
		return p.AlterClientQuotas(req)
	case *kmsg.AlterUserSCRAMCredentialsRequest:
		return p.AlterUserSCRAMCredentials(req)
	case *kmsg.UpdateFeaturesRequest:
		return p.UpdateFeatures(req)
	}
	return nil
}

// Handles says whether Handle knows a request's kind.
func Handles(key int16) bool { return slices.Contains(handled, kmsg.Key(key)) }

var handled = []kmsg.Key{
	kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions, kmsg.AlterPartition, kmsg.ElectLeaders, kmsg.IncrementalAlterConfigs,
	kmsg.AlterConfigs, kmsg.AllocateProducerIDs, kmsg.BrokerRegistration, kmsg.BrokerHeartbeat, kmsg.UnregisterBroker,
	kmsg.AssignReplicasToDirs,
	kmsg.UpdateFeatures, kmsg.AlterUserSCRAMCredentials,
	kmsg.AlterClientQuotas, kmsg.AlterPartitionAssignments, kmsg.ListPartitionReassignments,
}

// NameCluster gives a new cluster its id and settles it on the features that this program begins with; a cluster keeps what it has.
func (p *Plan) NameCluster(id string) {
	if p.Image().ClusterID != "" {
		return
	}
	p.add(&metadata.ClusterRecord{ClusterID: id})
	for _, f := range metadata.Features {
		if f.Initial > 0 {
			p.add(&metadata.FeatureRecord{Name: f.Name, Level: f.Initial})
		}
	}
}

// add takes a record into the batch. The rules only make records that fit the image, so a refusal is a bug here.
func (p *Plan) add(record metadata.Record) {
	if err := p.builder.Apply(record); err != nil {
		panic(fmt.Sprintf("decide: made a record that does not fit: %v", err))
	}
	p.records = append(p.records, record)
	if _, isConfig := record.(*metadata.ConfigRecord); isConfig {
		p.topics = nil
	}
}

func (p *Plan) newUUID() (id metadata.UUID) {
	for {
		binary.BigEndian.PutUint64(id[:8], p.random.Uint64())
		binary.BigEndian.PutUint64(id[8:], p.random.Uint64())
		id[6] = id[6]&0x0f | 0x40 // version 4
		id[8] = id[8]&0x3f | 0x80 // variant RFC 9562
		// Kafka's console tools take a leading dash of the base64 form for an option, so Kafka never draws one.
		if id[0]>>2 != 62 && p.Image().TopicsByID[id] == nil {
			return id
		}
	}
}

// topicConfig resolves what a topic is configured to, through the cluster's layer down to the defaults.
func (p *Plan) topicConfig(topic string) config.Topic {
	if resolved, ok := p.topics[topic]; ok {
		return resolved
	}
	resolved := p.layers().Topic(p.Image().Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic}])
	if p.topics == nil {
		p.topics = map[string]config.Topic{}
	}
	p.topics[topic] = resolved
	return resolved
}

// layers are the configuration as far as it is the same for all brokers, above this node's own properties.
func (p *Plan) layers() config.Layers {
	return config.Layers{
		Cluster: p.Image().Configs[metadata.ConfigResource{Type: metadata.ResourceBroker}],
		Static:  p.settings.Static,
	}
}

// sortedTopics lists the topics by name, so that a batch's order does not depend on chance.
func (p *Plan) sortedTopics() []*metadata.Topic {
	return slices.SortedFunc(maps.Values(p.Image().Topics), func(a, b *metadata.Topic) int { return cmp.Compare(a.Name, b.Name) })
}

// failure is an error of Kafka's with the words for this case.
type failure struct {
	code    *kerr.Error
	message string
}

func failf(code *kerr.Error, format string, args ...any) *failure {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// wire gives the error code and message of a response; those of success for nil.
func (f *failure) wire() (code int16, message *string) {
	if f == nil {
		return 0, nil
	}
	return f.code.Code, &f.message
}
