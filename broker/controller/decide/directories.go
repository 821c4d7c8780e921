package decide

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// LostDirectory is the directory id that says that a replica's place failed (Kafka's DirectoryId.LOST, KIP-858).
var LostDirectory = metadata.UUID{15: 1}

// AssignReplicasToDirs hears from a node where its replicas are. In this cluster nobody but the node has to know that, so two
// things count:
//
//   - LostDirectory: the disk failed under the replica, and what it had vouched for may be gone. It leaves the ISR and the ELR,
//     and another leads, or nobody. The node itself is well.
//   - Any other: the replica is whole again. Where nobody leads, it may be the one.
func (p *Plan) AssignReplicasToDirs(req *kmsg.AssignReplicasToDirsRequest) *kmsg.AssignReplicasToDirsResponse {
	resp := req.ResponseKind().(*kmsg.AssignReplicasToDirsResponse)
	if code := checkEpoch(p.Image().Brokers[req.BrokerID], req.BrokerEpoch); code != nil {
		resp.ErrorCode = kerr.StaleBrokerEpoch.Code
		return resp
	}
	for _, directory := range req.Directories {
		answer := kmsg.NewAssignReplicasToDirsResponseDirectory()
		answer.ID = directory.ID
		for _, rt := range directory.Topics {
			topic := kmsg.NewAssignReplicasToDirsResponseDirectoryTopic()
			topic.TopicID = rt.TopicID
			for _, rp := range rt.Partitions {
				one := kmsg.NewAssignReplicasToDirsResponseDirectoryTopicPartition()
				one.Partition = rp.Partition
				if code := p.assignOne(req.BrokerID, rt.TopicID, rp.Partition, directory.ID == LostDirectory); code != nil {
					one.ErrorCode = code.Code
				}
				topic.Partitions = append(topic.Partitions, one)
			}
			answer.Topics = append(answer.Topics, topic)
		}
		resp.Directories = append(resp.Directories, answer)
	}
	return resp
}

func (p *Plan) assignOne(id int32, topicID metadata.UUID, index int32, lost bool) *kerr.Error {
	topic := p.Image().TopicsByID[topicID]
	if topic == nil {
		return kerr.UnknownTopicID
	}
	partition := topic.Partition(index)
	switch {
	case partition == nil:
		return kerr.UnknownTopicOrPartition
	case !slices.Contains(partition.Replicas, id):
		return kerr.NotLeaderForPartition
	}
	c := p.change(topic, partition)
	if lost {
		c.targetISR = slices.DeleteFunc(slices.Clone(partition.ISR), func(n int32) bool { return n == id })
		c.lostData = []int32{id}
		c.acceptable = func(node int32) bool { return node != id && p.Image().Active(node) }
	}
	if lost || partition.Leader == metadata.NoLeader {
		p.commit(topic, index, c)
	}
	return nil
}
