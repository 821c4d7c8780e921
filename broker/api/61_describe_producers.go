package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/metadata"
)

// DescribeProducers, key 61, version 0: the producers that a partition's leader remembers, with their open transactions (KIP-664).
func (h *Handler) describeProducers(_ context.Context, c call, req *kmsg.DescribeProducersRequest) *kmsg.DescribeProducersResponse {
	resp := kmsg.NewPtrDescribeProducersResponse()
	img := h.Controller.Image()
	for _, asked := range req.Topics {
		answer := kmsg.NewDescribeProducersResponseTopic()
		answer.Topic = asked.Topic
		topic, err := h.topicFor(c, OpRead, img, false, metadata.UUID{}, asked.Topic)
		for _, index := range asked.Partitions {
			answer.Partitions = append(answer.Partitions, h.producersOf(topic, index, err))
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// producersOf describes one partition's producers. err says why its topic is not to be looked at.
func (h *Handler) producersOf(topic *metadata.Topic, index int32, err error) kmsg.DescribeProducersResponseTopicPartition {
	answer := kmsg.NewDescribeProducersResponseTopicPartition()
	answer.Partition, answer.ActiveProducers = index, []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{}
	var partition Partition
	if err == nil {
		partition, err = h.partitionOf(topic, index)
	}
	var known []commitlog.ProducerInfo
	if err == nil {
		known, err = partition.Producers()
	}
	answer.ErrorCode, answer.ErrorMessage = codeOf(err), messageOf(err)
	for _, each := range known {
		p := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		p.ProducerID, p.ProducerEpoch, p.LastSequence = each.ID, int32(each.Epoch), each.LastSequence
		p.LastTimestamp, p.CoordinatorEpoch, p.CurrentTxnStartOffset = each.LastTimestamp, each.CoordinatorEpoch, each.TxnStartOffset
		answer.ActiveProducers = append(answer.ActiveProducers, p)
	}
	return answer
}
