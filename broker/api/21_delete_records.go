package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// DeleteRecords, key 21, versions 0 to 2: moves the start of a partition's log. It is to be asked of the partition's leader, and
// is answered when all replicas that are alive have followed, with the low watermark, or when timeout_ms have passed:
// REQUEST_TIMED_OUT, though the leader's start has moved. Offset -1 is the high watermark. A topic whose cleanup.policy has no
// delete answers POLICY_VIOLATION, an internal one INVALID_TOPIC_EXCEPTION.
func (h *Handler) deleteRecords(_ context.Context, c call, req *kmsg.DeleteRecordsRequest) {
	d := &pendingDeletion{call: c, waiting: 1}
	img := h.Controller.Image()
	resp := kmsg.NewPtrDeleteRecordsResponse()
	for t := range req.Topics {
		asked := &req.Topics[t]
		answer := kmsg.NewDeleteRecordsResponseTopic()
		answer.Topic = asked.Topic
		answer.Partitions = make([]kmsg.DeleteRecordsResponseTopicPartition, len(asked.Partitions))
		resp.Topics = append(resp.Topics, answer)
	}
	d.resp = resp
	for t := range req.Topics {
		asked := &req.Topics[t]
		topic, err := h.topicFor(c, OpDelete, img, false, metadata.UUID{}, asked.Topic)
		for i := range asked.Partitions {
			h.deleteFrom(d, topic, err, &asked.Partitions[i], &resp.Topics[t].Partitions[i])
		}
	}
	d.begun(time.Duration(max(req.TimeoutMillis, 0)) * time.Millisecond)
}

func (h *Handler) deleteFrom(d *pendingDeletion, topic *metadata.Topic, err error, asked *kmsg.DeleteRecordsRequestTopicPartition, answer *kmsg.DeleteRecordsResponseTopicPartition) {
	answer.Default()
	answer.Partition, answer.LowWatermark = asked.Partition, -1
	var partition Partition
	if err == nil {
		partition, err = h.partitionOf(topic, asked.Partition)
	}
	if err == nil && isInternal(topic.Name) {
		err = kerr.InvalidTopicException
	}
	if err != nil {
		answer.ErrorCode = codeFor(d.call, err)
		return
	}
	d.mu.Lock()
	d.waiting++
	d.mu.Unlock()
	d.pending = append(d.pending, partition.DeleteRecords(asked.Offset, func(result replica.DeleteResult) {
		answer.ErrorCode, answer.LowWatermark = codeFor(d.call, result.Err), result.LowWatermark
		d.finish()
	}))
}

// pendingDeletion is a request whose partitions are waited for. It answers when the last of them is done.
type pendingDeletion struct {
	call    call
	resp    *kmsg.DeleteRecordsResponse
	pending []Pending

	mu      sync.Mutex
	waiting int // partitions not done, and 1 until begun
	timer   *time.Timer
}

// begun says that every partition was asked.
func (d *pendingDeletion) begun(timeout time.Duration) {
	d.mu.Lock()
	if d.waiting > 1 {
		d.timer = time.AfterFunc(timeout, func() {
			for _, each := range d.pending {
				each.Expire()
			}
		})
	}
	d.mu.Unlock()
	d.finish()
}

func (d *pendingDeletion) finish() {
	d.mu.Lock()
	d.waiting--
	last := d.waiting == 0
	if last && d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
	if last {
		d.call.reply(d.resp)
	}
}
