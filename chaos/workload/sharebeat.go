package workload

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fromTheStart has the group begin with the records that are there.
func (m *sharer) fromTheStart(ctx context.Context) bool {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	group := kmsg.NewIncrementalAlterConfigsRequestResource()
	group.ResourceType, group.ResourceName = kmsg.ConfigResourceTypeGroupConfig, m.plan.Name
	reset := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	reset.Name, reset.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	group.Configs = append(group.Configs, reset)
	req.Resources = append(req.Resources, group)
	resp, err := m.ask(ctx, req)
	if err != nil {
		return false
	}
	answers := resp.(*kmsg.IncrementalAlterConfigsResponse).Resources
	return len(answers) == 1 && answers[0].ErrorCode == 0
}

// beat tells the coordinator, when it is time, that the member is there, and learns what it is to fetch.
func (m *sharer) beat(ctx context.Context) {
	if time.Now().Before(m.beatAt) {
		return
	}
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch = m.plan.Name, m.id, m.epoch
	if m.epoch == 0 {
		req.SubscribedTopicNames = m.plan.Topics
	}
	resp, err := m.askCoordinator(ctx, req)
	if err != nil {
		m.coordinator, m.beatAt = -1, time.Now().Add(retryBackoffMin)
		return
	}
	answer := resp.(*kmsg.ShareGroupHeartbeatResponse)
	switch kerr.ErrorForCode(answer.ErrorCode) {
	case nil:
		m.epoch = answer.MemberEpoch
		m.beatAt = time.Now().Add(time.Duration(answer.HeartbeatIntervalMillis) * time.Millisecond)
		if answer.Assignment != nil {
			m.take(answer.Assignment)
		}
	case kerr.UnknownMemberID, kerr.FencedMemberEpoch:
		m.epoch, m.assigned, m.beatAt = 0, nil, time.Time{}
	default:
		m.coordinator, m.beatAt = -1, time.Now().Add(retryBackoffMin)
	}
}

// askCoordinator asks the group's coordinator, having found it. The library would keep to the one that it found first.
func (m *sharer) askCoordinator(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if m.coordinator < 0 {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey, find.CoordinatorKeys = m.plan.Name, []string{m.plan.Name}
		resp, err := m.client.Request(ctx, find)
		if err != nil {
			return nil, err
		}
		for _, found := range resp.(*kmsg.FindCoordinatorResponse).Coordinators {
			if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
				return nil, err
			}
			m.coordinator = found.NodeID
		}
	}
	return m.client.Broker(int(m.coordinator)).Request(ctx, req)
}

func (m *sharer) take(assignment *kmsg.ShareGroupHeartbeatResponseAssignment) {
	m.assigned = nil
	for _, topic := range assignment.TopicPartitions {
		for _, partition := range topic.Partitions {
			m.assigned = append(m.assigned, sharePlace{topic.TopicID, partition})
		}
	}
	m.askedAt = time.Time{}
}

// findLeaders learns, now and then, who leads what.
func (m *sharer) findLeaders(ctx context.Context) {
	if len(m.assigned) == 0 || time.Since(m.askedAt) < leadersMaxAge {
		return
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range m.plan.Topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := m.ask(ctx, req)
	if err != nil {
		return
	}
	m.askedAt, m.leaders, m.names = time.Now(), map[sharePlace]shareLeader{}, map[[16]byte]string{}
	for _, topic := range resp.(*kmsg.MetadataResponse).Topics {
		if topic.Topic == nil || topic.ErrorCode != 0 {
			continue
		}
		m.names[topic.TopicID] = *topic.Topic
		for _, partition := range topic.Partitions {
			m.leaders[sharePlace{topic.TopicID, partition.Partition}] = shareLeader{partition.Leader, partition.LeaderEpoch}
		}
	}
}
