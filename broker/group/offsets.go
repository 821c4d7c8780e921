package group

import (
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// versionGroupIDNotFound is the version of OffsetCommit from which a group that is not there is said to be so.
const versionGroupIDNotFound = 9

// Commit is OffsetCommit; topics are by name, and those that may not be committed to are left out of req. The answer is a
// *kmsg.OffsetCommitResponse.
func (m *Machine) Commit(to coord.Caller, req *kmsg.OffsetCommitRequest, now time.Time) coord.Effects {
	g, err := m.committing(req, now)
	if err != nil {
		return coord.Effects{Prompt: []coord.Reply{{To: to, Response: CommitResponse(req, err)}}}
	}
	resp := kmsg.NewPtrOffsetCommitResponse()
	var e coord.Effects
	expires := int64(-1)
	if req.Version >= 2 && req.Version <= 4 && req.RetentionTimeMillis >= 0 {
		expires = now.UnixMilli() + req.RetentionTimeMillis
	}
	for _, topic := range req.Topics {
		answer := kmsg.NewOffsetCommitResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, part := range topic.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition = part.Partition
			o := offset{offset: part.Offset, leaderEpoch: part.LeaderEpoch, committedMs: now.UnixMilli(), expiresMs: expires}
			if part.Metadata != nil {
				o.metadata = *part.Metadata
			}
			if len(o.metadata) > m.cfg.MetadataBytesMax {
				one.ErrorCode = kerr.OffsetMetadataTooLarge.Code
			} else {
				e.Records = append(e.Records, offsetRecord(req.Group, topic.Topic, part.Partition, o))
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	e.Replies = []coord.Reply{{To: to, Response: resp}}
	if len(e.Records) == 0 && g == nil {
		return e
	}
	return m.after(m.groupOrNew(req.Group), e, now)
}

// committing says whether offsets may be committed as req does. The group may be nil: it comes to be with its first offset.
func (m *Machine) committing(req *kmsg.OffsetCommitRequest, now time.Time) (*group, *kerr.Error) {
	g := m.groups[req.Group]
	if g == nil {
		switch {
		case req.Generation < 0:
			return nil, nil
		case req.Version >= versionGroupIDNotFound:
			return nil, kerr.GroupIDNotFound
		}
		return nil, kerr.IllegalGeneration
	}
	if g.share != nil {
		return nil, kerr.GroupIDNotFound
	}
	if g.consumer != nil {
		return g, g.checkConsumerCommit(m.cfg.Image(), req)
	}
	if req.Generation < 0 && g.state == Empty {
		return g, nil // who manages itself, or an administrator
	}
	if req.Generation < 0 && req.MemberID == "" && req.InstanceID == nil {
		return nil, kerr.UnknownMemberID // the group is in use
	}
	each, err := g.validate(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return nil, err
	case req.Generation != g.generation:
		return nil, kerr.IllegalGeneration
	case g.state == CompletingRebalance:
		return nil, kerr.RebalanceInProgress
	}
	g.heard(each, now)
	return g, nil
}

// CommitResponse answers every partition of req alike.
func CommitResponse(req *kmsg.OffsetCommitRequest, err *kerr.Error) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	for _, topic := range req.Topics {
		answer := kmsg.NewOffsetCommitResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, part := range topic.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = part.Partition, err.Code
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// Fetch is OffsetFetch of one group; no topics are all topics. The answer is a kmsg.OffsetFetchResponseGroup, with topics by name.
func (m *Machine) Fetch(to coord.Caller, req kmsg.OffsetFetchRequestGroup) coord.Effects {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = req.Group
	g := m.groups[req.Group]
	if err := g.checkFetch(req); err != nil {
		resp.ErrorCode = err.Code
		return coord.Effects{Prompt: []coord.Reply{{To: to, Response: resp}}}
	}
	if g == nil {
		g = newGroup(req.Group)
	}
	if req.Topics == nil {
		resp.Topics = g.allOffsets()
	}
	for _, asked := range req.Topics {
		topic := kmsg.NewOffsetFetchResponseGroupTopic()
		topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
		for _, index := range asked.Partitions {
			topic.Partitions = append(topic.Partitions, g.fetched(asked.Topic, index))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: resp}}}
}

func (g *group) allOffsets() []kmsg.OffsetFetchResponseGroupTopic {
	var all []kmsg.OffsetFetchResponseGroupTopic
	for _, name := range slices.Sorted(maps.Keys(g.offsets)) {
		topic := kmsg.NewOffsetFetchResponseGroupTopic()
		topic.Topic = name
		for _, index := range slices.Sorted(maps.Keys(g.offsets[name])) {
			topic.Partitions = append(topic.Partitions, g.fetched(name, index))
		}
		all = append(all, topic)
	}
	return all
}

func (g *group) fetched(topic string, index int32) kmsg.OffsetFetchResponseGroupTopicPartition {
	part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	text := ""
	part.Partition, part.Offset, part.LeaderEpoch = index, -1, -1
	if o, ok := g.offsets[topic][index]; ok {
		part.Offset, part.LeaderEpoch, text = o.offset, o.leaderEpoch, o.metadata
	}
	part.Metadata = &text
	return part
}

func (g *group) setOffset(topic string, index int32, o offset) {
	if g.offsets[topic] == nil {
		g.offsets[topic] = map[int32]offset{}
	}
	g.offsets[topic][index] = o
}

func (g *group) dropOffset(topic string, index int32) {
	delete(g.offsets[topic], index)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// eachOffset visits the committed offsets in order.
func (g *group) eachOffset(visit func(topic string, index int32, o offset)) {
	for _, topic := range slices.Sorted(maps.Keys(g.offsets)) {
		for _, index := range slices.Sorted(maps.Keys(g.offsets[topic])) {
			visit(topic, index, g.offsets[topic][index])
		}
	}
}
