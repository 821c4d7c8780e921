package decide

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// AlterPartitionReassignments moves partitions to other replicas, or takes a move back (KIP-455). Each partition is decided on its own.
//
// A move has no end of its own: the partition gets the old and the new replicas together, the new ones catch up, and the change
// that brings the last of them into the ISR takes away those that are to go (partitionChange). So it survives controllers, and a
// node that dies holds it up and nothing else. Taken back, the partition has the replicas it had, in an order that begins with
// those that were to stay.
//
// A move that replaces another one before its end: Kafka forgets that the replicas which the first brought in were new, so that a
// cancellation then leaves them; here they are still new, and those among them that nobody wants any more go at once if the ISR
// can do without them.
func (p *Plan) AlterPartitionReassignments(req *kmsg.AlterPartitionAssignmentsRequest) *kmsg.AlterPartitionAssignmentsResponse {
	resp := req.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	resp.AllowReplicationFactorChange = req.AllowReplicationFactorChange
	for _, rt := range req.Topics {
		answer := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		answer.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			one := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			one.Partition = rp.Partition
			f := p.reassign(rt.Topic, rp.Partition, rp.Replicas, req.AllowReplicationFactorChange)
			one.ErrorCode, one.ErrorMessage = f.wire()
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// reassign moves one partition; no target takes the move back that is under way.
func (p *Plan) reassign(name string, index int32, target []int32, anyFactor bool) *failure {
	topic := p.Image().Topics[name]
	if topic == nil {
		return failf(kerr.UnknownTopicOrPartition, "Unable to find a topic named %s.", name)
	}
	partition := topic.Partition(index)
	if partition == nil {
		return failf(kerr.UnknownTopicOrPartition, "Unable to find partition %s:%d.", name, index)
	}
	c := p.change(topic, partition)
	if target == nil {
		if f := cancel(c, topic, index); f != nil {
			return f
		}
	} else {
		if f := p.checkReplicas(target); f != nil {
			return f
		}
		if now := len(partition.Replicas) - len(partition.Removing); !anyFactor && len(target) != now {
			return failf(kerr.InvalidReplicationFactor, "The replication factor is changed from %d to %d", now, len(target))
		}
		retarget(c, target)
	}
	p.commit(topic, index, c)
	return nil
}

// cancel has the partition go back to the replicas it had: those that were to come are now those that go, which is done at once
// if it can be. Kafka's error for when only newcomers are in sync and it would have to forget records; nothing is forgotten here
// even where unclean elections are allowed, it takes the time of catching up instead.
func cancel(c *partitionChange, topic *metadata.Topic, index int32) *failure {
	old := c.old
	if !old.Reassigning() {
		return failf(kerr.NoReassignmentInProgress, "No partition reassignment is in progress for %s:%d.", topic.Name, index)
	}
	complete := slices.Concat(old.ISR, old.ELR)
	if len(complete) > 0 && len(without(complete, old.Adding)) == 0 && c.election != electUnclean {
		return failf(kerr.InvalidReplicaAssignment, "Unable to revert partition assignment for %s:%d because it would require an unclean leader election.", topic.Name, index)
	}
	c.replicas = append(without(old.Replicas, old.Adding), old.Adding...)
	c.adding, c.removing = nil, old.Adding
	return nil
}

// retarget has the partition move to other replicas.
func retarget(c *partitionChange, target []int32) {
	original := without(c.old.Replicas, c.old.Adding)
	abandoned := without(c.old.Adding, target)
	c.adding = without(target, original)
	c.removing = without(original, target)
	c.replicas = slices.Concat(target, c.removing)
	c.isr, c.elr = c.old.ISR, c.old.ELR
	complete := slices.Concat(c.isr, c.elr)
	if len(without(complete, abandoned)) == len(complete) || c.dispensable(abandoned) {
		c.targetISR = without(c.old.ISR, abandoned)
	} else {
		c.removing = append(c.removing, abandoned...)
		c.replicas = append(c.replicas, abandoned...)
	}
}

// ListPartitionReassignments tells of the partitions that are on their way, all or those that are asked for. Who is not on its way,
// or not there, is left out.
func (p *Plan) ListPartitionReassignments(req *kmsg.ListPartitionReassignmentsRequest) *kmsg.ListPartitionReassignmentsResponse {
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	if len(req.Topics) == 0 {
		for _, topic := range p.sortedTopics() {
			addReassignments(resp, topic, indexesOf(topic))
		}
	}
	for _, asked := range req.Topics {
		if topic := p.Image().Topics[asked.Topic]; topic != nil {
			addReassignments(resp, topic, asked.Partitions)
		}
	}
	return resp
}

func addReassignments(resp *kmsg.ListPartitionReassignmentsResponse, topic *metadata.Topic, indexes []int32) {
	answer := kmsg.NewListPartitionReassignmentsResponseTopic()
	answer.Topic = topic.Name
	for _, index := range indexes {
		partition := topic.Partition(index)
		if partition == nil || !partition.Reassigning() {
			continue
		}
		one := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
		one.Partition, one.Replicas = index, partition.Replicas
		one.AddingReplicas, one.RemovingReplicas = partition.Adding, partition.Removing
		answer.Partitions = append(answer.Partitions, one)
	}
	if len(answer.Partitions) > 0 {
		resp.Topics = append(resp.Topics, answer)
	}
}

func indexesOf(topic *metadata.Topic) []int32 {
	indexes := make([]int32, len(topic.Partitions))
	for i := range indexes {
		indexes[i] = int32(i)
	}
	return indexes
}
