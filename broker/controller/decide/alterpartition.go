package decide

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// AlterPartition takes a leader's proposal of another ISR. Versions 2 and 3: topics by id. Errors are those of Kafka's
// validateAlterPartitionData, in its order. A leader that knows more than this image (a higher epoch) is told NOT_CONTROLLER:
// this node was deposed and does not know it yet.
func (p *Plan) AlterPartition(req *kmsg.AlterPartitionRequest) *kmsg.AlterPartitionResponse {
	resp := req.ResponseKind().(*kmsg.AlterPartitionResponse)
	if code := checkEpoch(p.Image().Brokers[req.BrokerID], req.BrokerEpoch); code != nil {
		resp.ErrorCode = kerr.StaleBrokerEpoch.Code
		return resp
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		topic := p.Image().TopicsByID[rt.TopicID]
		answer := kmsg.NewAlterPartitionResponseTopic()
		answer.Topic, answer.TopidID = rt.Topic, rt.TopicID
		for j := range rt.Partitions {
			answer.Partitions = append(answer.Partitions, p.alterOne(req.BrokerID, topic, &rt.Partitions[j]))
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

func (p *Plan) alterOne(leader int32, topic *metadata.Topic, want *kmsg.AlterPartitionRequestTopicPartition) kmsg.AlterPartitionResponseTopicPartition {
	answer := kmsg.NewAlterPartitionResponseTopicPartition()
	answer.Partition = want.Partition
	if topic == nil {
		answer.ErrorCode = kerr.UnknownTopicID.Code
		return answer
	}
	// A topic that was read before an earlier partition of the same request changed is an old copy: look again.
	topic = p.Image().TopicsByID[topic.ID]
	partition := topic.Partition(want.Partition)
	if partition == nil {
		answer.ErrorCode = kerr.UnknownTopicOrPartition.Code
		return answer
	}
	isr, eligible := p.wantedISR(want)
	if code := checkAlter(leader, partition, want, isr, eligible); code != nil {
		answer.ErrorCode = code.Code
		return answer
	}
	c := p.change(topic, partition)
	c.targetISR, c.byLeader = isr, true
	next, _ := p.commit(topic, want.Partition, c)
	if next.Leader != leader {
		answer.ErrorCode = kerr.NewLeaderElected.Code
	}
	answer.LeaderID, answer.LeaderEpoch = next.Leader, next.LeaderEpoch
	answer.ISR, answer.PartitionEpoch = next.ISR, next.PartitionEpoch
	return answer
}

// wantedISR reads the proposed members, and says whether all of them may be in an ISR: active, and the very process the leader
// saw (an epoch of -1 is one that the leader doesn't know; KIP-903).
func (p *Plan) wantedISR(want *kmsg.AlterPartitionRequestTopicPartition) (isr []int32, eligible bool) {
	eligible = true
	for _, member := range want.NewEpochISR {
		isr = append(isr, member.BrokerID)
		broker := p.Image().Brokers[member.BrokerID]
		if !p.Image().Active(member.BrokerID) || member.BrokerEpoch != -1 && member.BrokerEpoch != broker.Epoch {
			eligible = false
		}
	}
	for _, node := range want.NewISR {
		isr = append(isr, node)
		eligible = eligible && p.Image().Active(node)
	}
	return isr, eligible
}

func checkAlter(leader int32, partition *metadata.Partition, want *kmsg.AlterPartitionRequestTopicPartition, isr []int32, eligible bool) *kerr.Error {
	switch {
	case want.LeaderEpoch > partition.LeaderEpoch || want.PartitionEpoch > partition.PartitionEpoch:
		return kerr.NotController
	case want.LeaderEpoch < partition.LeaderEpoch:
		return kerr.FencedLeaderEpoch
	case leader != partition.Leader:
		return kerr.InvalidRequest
	case want.PartitionEpoch < partition.PartitionEpoch:
		return kerr.InvalidUpdateVersion
	case !subsetWithout(isr, partition.Replicas) || !slices.Contains(isr, leader):
		return kerr.InvalidRequest
	case !eligible:
		return kerr.IneligibleReplica
	}
	return nil
}

// subsetWithout says that nodes is a subset of replicas without repetitions.
func subsetWithout(nodes, replicas []int32) bool {
	for i, node := range nodes {
		if !slices.Contains(replicas, node) || slices.Contains(nodes[:i], node) {
			return false
		}
	}
	return true
}
