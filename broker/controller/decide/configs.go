package decide

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
)

// IncrementalAlterConfigs sets, deletes, appends to and subtracts from single configs of topics and brokers (KIP-339).
func (p *Plan) IncrementalAlterConfigs(req *kmsg.IncrementalAlterConfigsRequest) *kmsg.IncrementalAlterConfigsResponse {
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	seen := map[metadata.ConfigResource]int{}
	for _, rr := range req.Resources {
		seen[metadata.ConfigResource{Type: int8(rr.ResourceType), Name: rr.ResourceName}]++
	}
	for i := range req.Resources {
		rr := &req.Resources[i]
		resource := metadata.ConfigResource{Type: int8(rr.ResourceType), Name: rr.ResourceName}
		answer := kmsg.NewIncrementalAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = rr.ResourceType, rr.ResourceName
		f := p.checkResource(resource, seen[resource])
		var next map[string]string
		if f == nil {
			next, f = p.incremented(resource, rr.Configs)
		}
		if f == nil {
			f = p.checkTogether(resource, next)
		}
		if f == nil {
			f = p.checkExists(resource)
		}
		if f == nil && !req.ValidateOnly {
			p.setConfigs(resource, next)
		}
		answer.ErrorCode, answer.ErrorMessage = f.wire()
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

// AlterConfigs replaces all configs of topics and brokers: what is not named goes back to its default.
func (p *Plan) AlterConfigs(req *kmsg.AlterConfigsRequest) *kmsg.AlterConfigsResponse {
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	seen := map[metadata.ConfigResource]int{}
	for _, rr := range req.Resources {
		seen[metadata.ConfigResource{Type: int8(rr.ResourceType), Name: rr.ResourceName}]++
	}
	for i := range req.Resources {
		rr := &req.Resources[i]
		resource := metadata.ConfigResource{Type: int8(rr.ResourceType), Name: rr.ResourceName}
		answer := kmsg.NewAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = rr.ResourceType, rr.ResourceName
		f := p.checkResource(resource, seen[resource])
		next := map[string]string{}
		for _, c := range rr.Configs {
			if f == nil {
				f = checkConfig(resource, c.Name, c.Value)
			}
			if f == nil {
				next[c.Name] = *c.Value
			}
		}
		if f == nil {
			f = p.checkTogether(resource, next)
		}
		if f == nil {
			f = p.checkExists(resource)
		}
		if f == nil && !req.ValidateOnly {
			p.setConfigs(resource, next)
		}
		answer.ErrorCode, answer.ErrorMessage = f.wire()
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

func (p *Plan) checkResource(resource metadata.ConfigResource, times int) *failure {
	if times > 1 {
		return failf(kerr.InvalidRequest, "Each resource must appear at most once.")
	}
	switch resource.Type {
	case metadata.ResourceTopic:
	case metadata.ResourceBroker:
		if resource.Name == "" {
			return nil
		}
		id, err := strconv.ParseInt(resource.Name, 10, 32)
		if err != nil || strconv.Itoa(int(id)) != resource.Name {
			return failf(kerr.InvalidRequest, "Invalid broker name %s", resource.Name)
		}
		if p.Image().Brokers[int32(id)] == nil {
			return failf(kerr.BrokerIDNotRegistered, "No broker with id %d found.", id)
		}
	case metadata.ResourceGroup:
	default:
		return failf(kerr.InvalidRequest, "Unsupported resource type %d", resource.Type)
	}
	return nil
}

// checkExists is asked last: what is wrong with the configs of a topic or group that is not there is said first.
func (p *Plan) checkExists(resource metadata.ConfigResource) *failure {
	switch {
	case resource.Type == metadata.ResourceTopic && p.Image().Topics[resource.Name] == nil:
		return failf(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", resource.Name)
	case noGroup(resource):
		return failf(kerr.InvalidRequest, "%s", noGroupText)
	}
	return nil
}

// noGroup says that a resource is a group without a name. An unknown key of it is not looked at; a value that isn't allowed is.
func noGroup(resource metadata.ConfigResource) bool {
	return resource.Type == metadata.ResourceGroup && resource.Name == ""
}

const noGroupText = "Default group resources are not allowed."

func scopeOf(resource metadata.ConfigResource) config.Scope {
	switch resource.Type {
	case metadata.ResourceTopic:
		return config.ScopeTopic
	case metadata.ResourceGroup:
		return config.ScopeGroup
	}
	return config.ScopeBroker
}

func checkConfig(resource metadata.ConfigResource, key string, value *string) *failure {
	if value == nil {
		return failf(kerr.InvalidRequest, "Null value not supported for: %s", key)
	}
	err := config.Check(scopeOf(resource), key, *value)
	switch {
	case err == nil:
		return nil
	case noGroup(resource) && errors.Is(err, config.ErrUnknownKey):
		return failf(kerr.InvalidRequest, "%s", noGroupText)
	case resource.Type == metadata.ResourceBroker && errors.Is(err, config.ErrInvalidValue):
		return failf(kerr.InvalidRequest, "%s", err.Error()) // in Kafka a node checks its own
	}
	return failf(kerr.InvalidConfig, "%s", err.Error())
}

// checkTogether checks what concerns several of a resource's keys at once.
func (p *Plan) checkTogether(resource metadata.ConfigResource, next map[string]string) *failure {
	layers := p.layers()
	var err error
	switch resource.Type {
	case metadata.ResourceGroup:
		err = layers.CheckGroup(next)
	case metadata.ResourceTopic:
		err = layers.CheckTopic(next)
	case metadata.ResourceBroker:
		before := layers
		if resource.Name == "" {
			layers.Cluster = next
		} else {
			before.Broker, layers.Broker = p.Image().Configs[resource], next
		}
		if err = layers.CheckBroker(); err == nil {
			err = layers.CheckChange(before)
		}
		if err != nil {
			return failf(kerr.InvalidRequest, "%s", err.Error()) // in Kafka a node checks its own
		}
	}
	if err != nil {
		return failf(kerr.InvalidConfig, "%s", err.Error())
	}
	return nil
}

// incremented computes a resource's configs after changes.
func (p *Plan) incremented(resource metadata.ConfigResource, changes []kmsg.IncrementalAlterConfigsRequestResourceConfig) (map[string]string, *failure) {
	next := maps.Clone(p.Image().Configs[resource])
	if next == nil {
		next = map[string]string{}
	}
	touched := map[string]bool{}
	for _, change := range changes {
		if touched[change.Name] {
			return nil, failf(kerr.InvalidRequest, "Error due to duplicate config keys: %s", change.Name)
		}
		touched[change.Name] = true
		if change.Op == kmsg.IncrementalAlterConfigOpDelete {
			delete(next, change.Name)
			continue
		}
		value := change.Value
		if change.Op != kmsg.IncrementalAlterConfigOpSet && value != nil {
			edited, f := editedList(resource, next, change)
			if f != nil {
				return nil, f
			}
			value = &edited
		}
		if f := checkConfig(resource, change.Name, value); f != nil {
			return nil, f
		}
		next[change.Name] = *value
	}
	return next, nil
}

// editedList appends to a list, or subtracts from it. A list that isn't set starts from its default.
func editedList(resource metadata.ConfigResource, current map[string]string, change kmsg.IncrementalAlterConfigsRequestResourceConfig) (string, *failure) {
	key := config.Lookup(scopeOf(resource), change.Name)
	if change.Op != kmsg.IncrementalAlterConfigOpAppend && change.Op != kmsg.IncrementalAlterConfigOpSubtract {
		return "", failf(kerr.InvalidRequest, "Unknown operation %d for %s", change.Op, change.Name)
	}
	if key == nil || key.Type != config.List {
		return "", failf(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.", change.Op, change.Name)
	}
	text, set := current[change.Name]
	if !set {
		text = key.Default
	}
	list := splitList(text)
	for _, item := range splitList(*change.Value) {
		if change.Op == kmsg.IncrementalAlterConfigOpSubtract {
			list = slices.DeleteFunc(list, func(other string) bool { return other == item })
		} else if !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return strings.Join(list, ","), nil
}

func splitList(text string) []string {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// setConfigs adds the records that lead from a resource's configs to others.
func (p *Plan) setConfigs(resource metadata.ConfigResource, next map[string]string) {
	old := maps.Clone(p.Image().Configs[resource])
	changed := false
	for _, key := range slices.Sorted(maps.Keys(next)) {
		if value, ok := old[key]; !ok || value != next[key] {
			p.add(&metadata.ConfigRecord{Resource: resource, Key: key, Value: next[key]})
			changed = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, stays := next[key]; !stays {
			p.add(&metadata.ConfigRecord{Resource: resource, Key: key, Remove: true})
			changed = true
		}
	}
	if changed {
		p.reconsider(resource)
	}
}

// reconsider brings partitions in line with changed rules, in the same batch, so that no leader acts by the new ones before:
// a lower min.insync.replicas empties ELRs (what a smaller ISR now acknowledges, their members don't have), unclean election
// that is now allowed finds leaders, and a reassignment may need to wait no longer.
func (p *Plan) reconsider(resource metadata.ConfigResource) {
	if resource.Type == metadata.ResourceGroup {
		return
	}
	topics := p.sortedTopics()
	if resource.Type == metadata.ResourceTopic {
		topics = []*metadata.Topic{p.Image().Topics[resource.Name]}
	} else if resource.Name != "" {
		return // one broker's own settings don't reach topics
	}
	for _, topic := range topics {
		for index, partition := range topic.Partitions {
			if partition.Leader == metadata.NoLeader || len(partition.ELR) > 0 || partition.Reassigning() {
				p.commit(topic, int32(index), p.change(topic, partition))
			}
		}
	}
}
