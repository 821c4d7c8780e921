package decide

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// DeleteTopics deletes topics by name (versions 1–5: TopicNames; 6: Topics) or by id.
func (p *Plan) DeleteTopics(req *kmsg.DeleteTopicsRequest) *kmsg.DeleteTopicsResponse {
	resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
	wanted := req.Topics
	for _, name := range req.TopicNames {
		one := kmsg.NewDeleteTopicsRequestTopic()
		one.Topic = &name
		wanted = append(wanted, one)
	}
	named := map[string]int{}
	byID := map[metadata.UUID]int{}
	for _, want := range wanted {
		if want.Topic != nil {
			named[*want.Topic]++
		} else {
			byID[want.TopicID]++
		}
	}
	var found []metadata.UUID
	for _, want := range wanted {
		answer := kmsg.NewDeleteTopicsResponseTopic()
		answer.Topic, answer.TopicID = want.Topic, want.TopicID
		topic, f := p.findToDelete(want)
		duplicate := want.Topic != nil && named[*want.Topic] > 1 || want.Topic == nil && byID[want.TopicID] > 1
		if topic != nil && want.Topic == nil && named[topic.Name] > 0 || topic != nil && want.Topic != nil && byID[topic.ID] > 0 {
			duplicate = true
		}
		if duplicate {
			f = failf(kerr.InvalidRequest, "The topic is named more than once in the request.")
		}
		if f == nil {
			answer.Topic, answer.TopicID = &topic.Name, topic.ID
			found = append(found, topic.ID)
		}
		answer.ErrorCode, answer.ErrorMessage = f.wire()
		resp.Topics = append(resp.Topics, answer)
	}
	for _, id := range found {
		p.add(&metadata.RemoveTopicRecord{ID: id})
	}
	return resp
}

func (p *Plan) findToDelete(want kmsg.DeleteTopicsRequestTopic) (*metadata.Topic, *failure) {
	noID := want.TopicID == metadata.UUID{}
	switch {
	case want.Topic == nil && noID:
		return nil, failf(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	case want.Topic != nil && !noID:
		return nil, failf(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case want.Topic != nil:
		if topic := p.Image().Topics[*want.Topic]; topic != nil {
			return topic, nil
		}
		return nil, failf(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	}
	if topic := p.Image().TopicsByID[want.TopicID]; topic != nil {
		return topic, nil
	}
	return nil, failf(kerr.UnknownTopicID, "This server does not host this topic ID.")
}
