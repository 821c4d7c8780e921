package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/share"
)

// ShareAcknowledge, key 79, versions 1 to 2 (KIP-932): a member of a share group says what it did with records, without asking for more. It is
// answered once that is remembered.
//
//	v2  locks may be renewed (KIP-1222)
func (h *Handler) shareAcknowledge(_ context.Context, c call, req *kmsg.ShareAcknowledgeRequest) {
	run := h.newShareRun(c, req.GroupID, req.MemberID)
	resp := kmsg.NewPtrShareAcknowledgeResponse()
	refuse := func(err *kerr.Error) {
		resp.ErrorCode, resp.ErrorMessage = err.Code, &err.Description
		c.reply(resp)
	}
	if err := run.check(); err != nil {
		refuse(err)
		return
	}
	var parts []sharePart
	acks := map[sharePart][]share.Ack{}
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			at := sharePart{topic.TopicID, part.Partition}
			parts = append(parts, at)
			for _, b := range part.AcknowledgementBatches {
				acks[at] = append(acks[at], share.Ack{Range: share.Range{First: b.FirstOffset, Last: b.LastOffset}, Types: b.AcknowledgeTypes})
			}
		}
	}
	if req.ShareSessionEpoch == shareEpochFirst {
		refuse(kerr.InvalidShareSessionEpoch)
		return
	}
	_, ended, left, err := h.shareSessions.enter(run.who, req.ShareSessionEpoch, nil, nil, time.Now())
	if err != nil {
		refuse(err)
		return
	}
	run.acknowledge(parts, acks, c.Version >= 2)
	run.end(ended, left)
	resp.AcquisitionLockTimeoutMillis = int32(h.shareGroup(run.img, run.who.group).LockDuration / time.Millisecond)
	topics := map[metadata.UUID]int{}
	for _, part := range run.order {
		one := kmsg.NewShareAcknowledgeResponseTopicPartition()
		one.Partition = part.index
		if err := run.acked[part]; err != nil {
			one.ErrorCode, one.ErrorMessage = err.Code, &err.Description
			one.CurrentLeader.LeaderID, one.CurrentLeader.LeaderEpoch = run.leaderOf(part, err)
		}
		at, there := topics[part.topic]
		if !there {
			at = len(resp.Topics)
			topics[part.topic] = at
			t := kmsg.NewShareAcknowledgeResponseTopic()
			t.TopicID = part.topic
			resp.Topics = append(resp.Topics, t)
		}
		resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, one)
	}
	c.reply(resp)
}

// leaderOf is who leads a partition now, for a client whose metadata is old. Beside any other error it says that there is nothing to say:
// the reference leaves zeros there, which clients take for node 0 and look for the partition there for good.
func (r *shareRun) leaderOf(part sharePart, err *kerr.Error) (id, epoch int32) {
	registered := r.img.TopicsByID[part.topic].Partition(part.index)
	if registered == nil || err != kerr.NotLeaderForPartition && err != kerr.FencedLeaderEpoch {
		return -1, -1
	}
	return registered.Leader, registered.LeaderEpoch
}

// validAcks says whether the acknowledgements of a partition make sense by themselves.
func validAcks(acks []share.Ack, renewable bool) bool {
	last := share.AckReject
	if renewable {
		last = share.AckRenew
	}
	before := int64(-1)
	for _, ack := range acks {
		if ack.First < 0 || ack.Last < ack.First || ack.First <= before || len(ack.Types) == 0 ||
			len(ack.Types) > 1 && int64(len(ack.Types)) != ack.Last-ack.First+1 {
			return false
		}
		for _, kind := range ack.Types {
			if kind < share.AckGap || kind > last {
				return false
			}
		}
		before = ack.Last
	}
	return true
}
