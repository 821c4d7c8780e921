package decide

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// The types of election in ElectLeaders (KIP-460).
const (
	electionPreferred int8 = 0
	electionUnclean   int8 = 1
)

// ElectLeaders runs preferred or unclean elections on request. Without topics it tries all partitions and reports only those
// where there was something to do.
func (p *Plan) ElectLeaders(req *kmsg.ElectLeadersRequest) *kmsg.ElectLeadersResponse {
	resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
	if req.ElectionType != electionPreferred && req.ElectionType != electionUnclean {
		resp.ErrorCode = kerr.InvalidRequest.Code
	} else if req.Topics == nil {
		for _, topic := range p.sortedTopics() {
			p.electTopic(resp, req.ElectionType, topic.Name, indexesOf(topic), true)
		}
		return resp
	}
	for _, rt := range req.Topics {
		p.electTopic(resp, req.ElectionType, rt.Topic, rt.Partitions, false)
	}
	return resp
}

func (p *Plan) electTopic(resp *kmsg.ElectLeadersResponse, how int8, name string, indexes []int32, all bool) {
	answer := kmsg.NewElectLeadersResponseTopic()
	answer.Topic = name
	for _, index := range indexes {
		f := p.electOne(how, name, index)
		if all && f != nil && f.code == kerr.ElectionNotNeeded {
			continue
		}
		one := kmsg.NewElectLeadersResponseTopicPartition()
		one.Partition = index
		one.ErrorCode, one.ErrorMessage = f.wire()
		answer.Partitions = append(answer.Partitions, one)
	}
	if len(answer.Partitions) > 0 || !all {
		resp.Topics = append(resp.Topics, answer)
	}
}

func (p *Plan) electOne(how int8, name string, index int32) *failure {
	if how != electionPreferred && how != electionUnclean {
		return failf(kerr.InvalidRequest, "Unknown election type %d", how)
	}
	topic := p.Image().Topics[name]
	partition := topic.Partition(index)
	if partition == nil {
		return failf(kerr.UnknownTopicOrPartition, "No such topic or partition: %s-%d", name, index)
	}
	c := p.change(topic, partition)
	if how == electionPreferred {
		c.election = electPreferred
		if partition.Leader == partition.Replicas[0] {
			return failf(kerr.ElectionNotNeeded, "%s-%d is led by its preferred leader %d", name, index, partition.Leader)
		}
	} else {
		c.election = electUnclean
		if partition.Leader != metadata.NoLeader {
			return failf(kerr.ElectionNotNeeded, "%s-%d is led by %d", name, index, partition.Leader)
		}
	}
	if _, changed := p.commit(topic, index, c); changed {
		return nil
	}
	if how == electionPreferred {
		return failf(kerr.PreferredLeaderNotAvailable, "Preferred leader %d of %s-%d can't lead now", partition.Replicas[0], name, index)
	}
	return failf(kerr.EligibleLeadersNotAvailable, "No replica of %s-%d is alive", name, index)
}

// Rebalance gives leaderships back to preferred leaders that can take them. It returns how many it moved.
func (p *Plan) Rebalance() int {
	moved := 0
	for _, topic := range p.sortedTopics() {
		for index, partition := range topic.Partitions {
			preferred := partition.Replicas[0]
			if partition.Leader == preferred || !slices.Contains(partition.ISR, preferred) || !p.Image().Active(preferred) {
				continue
			}
			c := p.change(topic, partition)
			c.election = electPreferred
			if _, changed := p.commit(topic, int32(index), c); changed {
				moved++
			}
		}
	}
	return moved
}
