package decide

import (
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
)

const (
	// topicNameMax is the longest topic name, in bytes: a directory's name of 255 holds it with a dash and a partition.
	topicNameMax = 249
	// partitionsPerRequestMax bounds the partitions one request may create, as Kafka's MAX_PARTITIONS_PER_BATCH: a batch has
	// to fit into one entry of the quorum's log.
	partitionsPerRequestMax = 10_000
)

// CreateTopics creates topics, each on its own: one that is refused does not touch the others. Versions 2–7. The configs in the
// response are left to who answers the client.
func (p *Plan) CreateTopics(req *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	seen := map[string]int{}
	for i := range req.Topics {
		seen[req.Topics[i].Topic]++
	}
	answered := map[string]bool{}
	partitions := 0
	for i := range req.Topics {
		want := &req.Topics[i]
		if answered[want.Topic] {
			continue // one answer a name, as Kafka
		}
		answered[want.Topic] = true
		answer := kmsg.NewCreateTopicsResponseTopic()
		answer.Topic, answer.NumPartitions, answer.ReplicationFactor = want.Topic, -1, -1
		var created *newTopic
		var f *failure
		if seen[want.Topic] > 1 {
			f = failf(kerr.InvalidRequest, "Duplicate topic name.")
		} else {
			created, f = p.newTopic(want)
		}
		if f == nil {
			if partitions += len(created.assignments); partitions > partitionsPerRequestMax {
				f = failf(kerr.PolicyViolation, "Excessively large number of partitions per request.")
			}
		}
		if answer.ErrorCode, answer.ErrorMessage = f.wire(); f == nil {
			answer.NumPartitions = int32(len(created.assignments))
			answer.ReplicationFactor = int16(len(created.assignments[0]))
			if !req.ValidateOnly {
				answer.TopicID = p.create(created)
			}
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// newTopic is a topic that was checked and can be created.
type newTopic struct {
	name        string
	assignments [][]int32
	configs     map[string]string
}

func (p *Plan) newTopic(want *kmsg.CreateTopicsRequestTopic) (*newTopic, *failure) {
	if f := checkTopicName(want.Topic); f != nil {
		return nil, f
	}
	if p.Image().Topics[want.Topic] != nil {
		return nil, failf(kerr.TopicAlreadyExists, "Topic '%s' already exists.", want.Topic)
	}
	if f := p.checkCollision(want.Topic); f != nil {
		return nil, f
	}
	topic := &newTopic{name: want.Topic, configs: map[string]string{}}
	for _, c := range want.Configs {
		if c.Value == nil {
			return nil, failf(kerr.InvalidConfig, "Null value not supported for topic configs: %s", c.Name)
		}
		if err := config.Check(config.ScopeTopic, c.Name, *c.Value); err != nil {
			return nil, failf(kerr.InvalidConfig, "%s", err.Error())
		}
		topic.configs[c.Name] = *c.Value
	}
	f := p.checkTogether(metadata.ConfigResource{Type: metadata.ResourceTopic, Name: want.Topic}, topic.configs)
	if f != nil {
		return nil, f
	}
	if len(want.ReplicaAssignment) > 0 {
		topic.assignments, f = p.manualAssignments(want)
	} else {
		topic.assignments, f = p.automaticAssignments(want)
	}
	return topic, f
}

func checkTopicName(name string) *failure {
	switch {
	case name == "":
		return failf(kerr.InvalidTopicException, "Topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return failf(kerr.InvalidTopicException, "Topic name is invalid: '%s' is not allowed", name)
	case len(name) > topicNameMax:
		return failf(kerr.InvalidTopicException, "Topic name is invalid: the length of '%s' is longer than the max allowed length %d", name, topicNameMax)
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return failf(kerr.InvalidTopicException, "Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", name)
		}
	}
	return nil
}

// checkCollision refuses a name that differs from another topic's only by '.' and '_': metrics can't tell the two apart.
func (p *Plan) checkCollision(name string) *failure {
	if !strings.ContainsAny(name, "._") {
		return nil
	}
	merged := strings.ReplaceAll(name, ".", "_")
	for other := range p.Image().Topics {
		if len(other) == len(name) && strings.ReplaceAll(other, ".", "_") == merged {
			return failf(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other)
		}
	}
	return nil
}

func (p *Plan) automaticAssignments(want *kmsg.CreateTopicsRequestTopic) ([][]int32, *failure) {
	count, factor := want.NumPartitions, want.ReplicationFactor
	if factor < -1 || factor == 0 {
		return nil, failf(kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	}
	if count < -1 || count == 0 {
		return nil, failf(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	if count == -1 {
		count = p.settings.NumPartitions
	}
	if factor == -1 {
		factor = p.settings.ReplicationFactor
	}
	if count > partitionsPerRequestMax {
		return nil, failf(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return place(p.Image(), int(count), int(factor), p.random)
}

func (p *Plan) manualAssignments(want *kmsg.CreateTopicsRequestTopic) ([][]int32, *failure) {
	if want.ReplicationFactor != -1 {
		return nil, failf(kerr.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if want.NumPartitions != -1 {
		return nil, failf(kerr.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	assignments := make([][]int32, len(want.ReplicaAssignment))
	for _, a := range want.ReplicaAssignment {
		if a.Partition < 0 || int(a.Partition) >= len(assignments) {
			return nil, failf(kerr.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
		if assignments[a.Partition] != nil {
			return nil, failf(kerr.InvalidReplicaAssignment, "Found multiple manual partition assignments for partition %d", a.Partition)
		}
		if f := p.checkAssignment(a.Partition, a.Replicas, len(want.ReplicaAssignment[0].Replicas)); f != nil {
			return nil, f
		}
		assignments[a.Partition] = a.Replicas
	}
	return assignments, nil
}

// checkReplicas checks that a list of replicas names registered nodes, each once.
func (p *Plan) checkReplicas(replicas []int32) *failure {
	if len(replicas) == 0 {
		return failf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	for i, node := range replicas {
		if slices.Contains(replicas[:i], node) {
			return failf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", node)
		}
		if p.Image().Brokers[node] == nil {
			return failf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", node)
		}
	}
	return nil
}

// checkAssignment checks the replicas somebody chose for a new partition.
func (p *Plan) checkAssignment(index int32, replicas []int32, factor int) *failure {
	if f := p.checkReplicas(replicas); f != nil {
		return f
	}
	if len(replicas) != factor {
		return failf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes a partition with %d replica(s), but this is not consistent with previous partitions, which have %d replica(s).", len(replicas), factor)
	}
	if !slices.ContainsFunc(replicas, p.Image().Active) {
		return failf(kerr.InvalidReplicaAssignment, "All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.", index)
	}
	return nil
}

func (p *Plan) create(topic *newTopic) metadata.UUID {
	id := p.newUUID()
	p.add(&metadata.TopicRecord{ID: id, Name: topic.name})
	resource := metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic.name}
	for _, key := range slices.Sorted(maps.Keys(topic.configs)) {
		p.add(&metadata.ConfigRecord{Resource: resource, Key: key, Value: topic.configs[key]})
	}
	p.addPartitions(id, 0, topic.assignments)
	return id
}

// addPartitions creates partitions from an index on. Who is active is in the ISR, and the first of them leads.
func (p *Plan) addPartitions(id metadata.UUID, first int32, assignments [][]int32) {
	for i, replicas := range assignments {
		partition := metadata.Partition{Replicas: slices.Clone(replicas), Leader: metadata.NoLeader, LastKnownLeader: metadata.NoLeader}
		for _, node := range replicas {
			if p.Image().Active(node) {
				partition.ISR = append(partition.ISR, node)
			}
		}
		if len(partition.ISR) > 0 {
			partition.Leader = partition.ISR[0]
		}
		p.add(&metadata.PartitionRecord{TopicID: id, Index: first + int32(i), Partition: partition})
	}
}

// CreatePartitions makes topics larger. Versions 0–3.
func (p *Plan) CreatePartitions(req *kmsg.CreatePartitionsRequest) *kmsg.CreatePartitionsResponse {
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	seen := map[string]int{}
	for i := range req.Topics {
		seen[req.Topics[i].Topic]++
	}
	answered := map[string]bool{}
	for i := range req.Topics {
		want := &req.Topics[i]
		if answered[want.Topic] {
			continue
		}
		answered[want.Topic] = true
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic = want.Topic
		var f *failure
		if seen[want.Topic] > 1 {
			f = failf(kerr.InvalidRequest, "Duplicate topic in request.")
		} else {
			f = p.enlarge(want, req.ValidateOnly)
		}
		answer.ErrorCode, answer.ErrorMessage = f.wire()
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func (p *Plan) enlarge(want *kmsg.CreatePartitionsRequestTopic, validateOnly bool) *failure {
	topic := p.Image().Topics[want.Topic]
	if topic == nil {
		return failf(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	}
	have := int32(len(topic.Partitions))
	switch {
	case want.Count == have:
		return failf(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	case want.Count < have:
		return failf(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.", want.Topic, have, want.Count)
	case want.Count-have > partitionsPerRequestMax:
		return failf(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	first := topic.Partitions[0]
	factor := len(first.Replicas) - len(first.Removing)
	var assignments [][]int32
	if want.Assignment != nil {
		if len(want.Assignment) != int(want.Count-have) {
			return failf(kerr.InvalidReplicaAssignment, "Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", want.Count-have, len(want.Assignment))
		}
		for i, a := range want.Assignment {
			if f := p.checkAssignment(have+int32(i), a.Replicas, factor); f != nil {
				return f
			}
			assignments = append(assignments, a.Replicas)
		}
	} else {
		var f *failure
		if assignments, f = place(p.Image(), int(want.Count-have), factor, p.random); f != nil {
			return f
		}
	}
	if !validateOnly {
		p.addPartitions(topic.ID, have, assignments)
	}
	return nil
}
