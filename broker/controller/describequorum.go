package controller

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/controller/decide"
	"odradek/broker/metadata"
)

// describeQuorum tells of the quorum in Kafka's terms, as its leader knows it: a replica's log end offset is the version of the
// metadata that the node last said it has, and the high watermark the newest version, which a majority has. The quorum's log is the
// only partition there is to ask for.
func describeQuorum(req *kmsg.DescribeQuorumRequest, q Quorum) *kmsg.DescribeQuorumResponse {
	resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
	known := len(req.Topics) == 1 && req.Topics[0].Topic == quorumDir && len(req.Topics[0].Partitions) == 1 && req.Topics[0].Partitions[0].Partition == 0
	for _, rt := range req.Topics {
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			partition := kmsg.NewDescribeQuorumResponseTopicPartition()
			partition.Partition = rp.Partition
			if !known {
				partition.ErrorCode, partition.ErrorMessage = kerr.UnknownTopicOrPartition.Code, &kerr.UnknownTopicOrPartition.Description
			} else {
				fillQuorum(&partition, q)
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	if known {
		resp.Nodes = quorumNodes(q)
	}
	return resp
}

func fillQuorum(to *kmsg.DescribeQuorumResponseTopicPartition, q Quorum) {
	to.LeaderID, to.LeaderEpoch, to.HighWatermark = q.LeaderID, int32(q.Term), q.MetadataVersion
	for _, m := range byNode(q.Members) {
		state := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		state.ReplicaID, state.LogEndOffset = m.NodeID, m.MetadataVersion
		state.ReplicaDirectoryID = directoryOf(m)
		state.LastFetchTimestamp, state.LastCaughtUpTimestamp = millisOf(m.HeardAt), millisOf(m.CaughtUpAt)
		if m.Voter {
			to.CurrentVoters = append(to.CurrentVoters, state)
		} else {
			to.Observers = append(to.Observers, state)
		}
	}
}

// quorumNodes tells where the voters are reached.
func quorumNodes(q Quorum) (nodes []kmsg.DescribeQuorumResponseNode) {
	for _, m := range byNode(q.Members) {
		if !m.Voter {
			continue
		}
		node := kmsg.NewDescribeQuorumResponseNode()
		node.NodeID = m.NodeID
		listener := kmsg.NewDescribeQuorumResponseNodeListener()
		listener.Name = decide.ControllerListener
		listener.Host, listener.Port = splitAddress(m.Address)
		node.Listeners = append(node.Listeners, listener)
		nodes = append(nodes, node)
	}
	return nodes
}

func byNode(members []QuorumMember) []QuorumMember {
	return slices.SortedFunc(slices.Values(members), func(a, b QuorumMember) int {
		return cmp.Or(cmp.Compare(a.NodeID, b.NodeID), cmp.Compare(a.DirectoryID, b.DirectoryID))
	})
}

// directoryOf is the id by which the quorum knows a member.
func directoryOf(m QuorumMember) metadata.UUID {
	id, err := uuid.Parse(m.DirectoryID)
	if err != nil {
		return metadata.UUID{} // no program of ours wrote it
	}
	return id
}

// millisOf is a time as Kafka writes it, -1 for never.
func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}
