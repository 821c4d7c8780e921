package vectors

import (
	"encoding/base64"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// shareState asks a share coordinator about one partition of one group.
type shareState struct {
	p         *player
	group     string
	topic     string
	partition int32
}

func (s shareState) initialize(name string, epoch int32, start int64) {
	req := kmsg.NewPtrInitializeShareGroupStateRequest()
	req.GroupID = s.group
	t := kmsg.NewInitializeShareGroupStateRequestTopic()
	t.TopicID = s.p.id(s.topic)
	t.Partitions = []kmsg.InitializeShareGroupStateRequestTopicPartition{{Partition: s.partition, StateEpoch: epoch, StartOffset: start}}
	req.Topics = append(req.Topics, t)
	s.p.do("initialize, "+name, 0, req)
}

func (s shareState) read(name string, leaderEpoch int32) {
	req := kmsg.NewPtrReadShareGroupStateRequest()
	req.GroupID = s.group
	t := kmsg.NewReadShareGroupStateRequestTopic()
	t.TopicID = s.p.id(s.topic)
	t.Partitions = []kmsg.ReadShareGroupStateRequestTopicPartition{{Partition: s.partition, LeaderEpoch: leaderEpoch}}
	req.Topics = append(req.Topics, t)
	s.p.do("read, "+name, 0, req)
}

type stateBatch = kmsg.WriteShareGroupStateRequestTopicPartitionStateBatch

func (s shareState) write(name string, version int16, epoch, leaderEpoch int32, start int64, batches ...stateBatch) {
	req := kmsg.NewPtrWriteShareGroupStateRequest()
	req.GroupID = s.group
	t := kmsg.NewWriteShareGroupStateRequestTopic()
	t.TopicID = s.p.id(s.topic)
	one := kmsg.NewWriteShareGroupStateRequestTopicPartition()
	one.Partition, one.StateEpoch, one.LeaderEpoch, one.StartOffset, one.StateBatches = s.partition, epoch, leaderEpoch, start, batches
	one.DeliveryCompleteCount = 3
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	s.p.do("write, "+name, version, req)
}

func (s shareState) summary(name string, version int16) {
	req := kmsg.NewPtrReadShareGroupStateSummaryRequest()
	req.GroupID = s.group
	t := kmsg.NewReadShareGroupStateSummaryRequestTopic()
	t.TopicID = s.p.id(s.topic)
	t.Partitions = []kmsg.ReadShareGroupStateSummaryRequestTopicPartition{{Partition: s.partition, LeaderEpoch: 1}}
	req.Topics = append(req.Topics, t)
	s.p.do("summary, "+name, version, req)
}

func (s shareState) remove(name string) {
	req := kmsg.NewPtrDeleteShareGroupStateRequest()
	req.GroupID = s.group
	t := kmsg.NewDeleteShareGroupStateRequestTopic()
	t.TopicID = s.p.id(s.topic)
	t.Partitions = []kmsg.DeleteShareGroupStateRequestTopicPartition{{Partition: s.partition}}
	req.Topics = append(req.Topics, t)
	s.p.do("delete, "+name, 0, req)
}

// shareCoordinated waits until the coordinators of share-partitions answer: of what was not begun they say so.
func (p *player) shareCoordinated(parts ...shareState) {
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version, find.CoordinatorType = 6, 2
	for _, s := range parts {
		read := kmsg.NewPtrReadShareGroupStateRequest()
		read.GroupID = s.group
		t := kmsg.NewReadShareGroupStateRequestTopic()
		t.TopicID = p.id(s.topic)
		t.Partitions = []kmsg.ReadShareGroupStateRequestTopicPartition{{Partition: s.partition, LeaderEpoch: 0}}
		read.Topics = append(read.Topics, t)
		p.await("the share coordinators", func() (bool, error) {
			resp, err := p.client.ask(read, 0)
			if err != nil {
				return false, err
			}
			switch resp.(*kmsg.ReadShareGroupStateResponse).Topics[0].Partitions[0].ErrorCode {
			case 14, 15, 16:
				find.CoordinatorKeys = []string{shareKey(s.group, p.id(s.topic), s.partition)}
				_, err := p.client.ask(find, find.Version)
				return false, err
			}
			return true, nil
		})
	}
}

func shareStates(p *player) {
	p.make("share-s", 2)
	p.learn("share-s")
	p.shareCoordinated(shareState{p, "share-g", "share-s", 0}, shareState{p, "share-g", "share-s", 7}, shareState{p, "share-g", "nothing", 0})
	s := shareState{p, "share-g", "share-s", 0}
	s.read("unknown", 1)
	s.write("unknown", 0, 0, 1, 0)
	s.summary("unknown", 0)
	s.remove("unknown")
	shareState{p, "share-g", "share-s", 7}.initialize("no such partition", 1, 0)
	shareState{p, "share-g", "share-s", -1}.initialize("negative partition", 1, 0)
	shareState{p, "share-g", "nothing", 0}.initialize("no such topic", 1, 0)
	shareState{p, "", "share-s", 0}.initialize("no group", 1, 0)
	s.initialize("first", 1, 10)
	s.initialize("again", 1, 10)
	s.initialize("epoch before", 0, 10)
	s.read("initialized", 1)
	s.read("later leader", 3)
	s.read("earlier leader", 2)
	s.summary("initialized", 0)
	s.summary("initialized", 1)
	s.write("earlier leader", 1, 1, 2, 10)
	s.write("epoch before", 1, 0, 3, 10)
	s.write("next epoch", 1, 2, 3, 10)
	s.write("first", 1, 1, 3, 10, inState(10, 14, 2, 1), inState(15, 19, 0, 1))
	s.read("written", 3)
	s.write("over it", 0, 1, 3, -1, inState(12, 17, 4, 2))
	s.read("overwritten", 3)
	s.summary("overwritten", 1)
	s.write("start", 1, 1, 3, 16, inState(30, 39, 0, 3))
	s.read("started", 3)
	s.write("lower count", 1, 1, 3, 16, inState(30, 34, 0, 1))
	s.write("adjacent", 1, 1, 3, 16, inState(40, 44, 0, 3))
	s.read("adjacent", 3)
	s.initialize("next epoch", 2, 100)
	s.read("next epoch", 3)
	s.remove("there")
	s.remove("again")
	s.read("deleted", 3)
	none := kmsg.NewPtrReadShareGroupStateRequest()
	none.GroupID = "share-g"
	p.do("read nothing", 0, none)
}

// shareKey is how a share coordinator's partition is named.
func shareKey(group string, topic [16]byte, partition int32) string {
	return group + ":" + base64.RawURLEncoding.EncodeToString(topic[:]) + ":" + strconv.Itoa(int(partition))
}

// learn asks for a topic's id, outside of the script.
func (p *player) learn(topic string) {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 12
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	req.Topics = append(req.Topics, one)
	p.await("the id of "+topic, func() (bool, error) {
		resp, err := p.client.ask(req, req.Version)
		if err == nil {
			p.symbols.learnFrom(resp)
		}
		return err == nil, err
	})
}

// inState is a batch of records in one delivery state.
func inState(first, last int64, state int8, count int16) stateBatch {
	b := kmsg.NewWriteShareGroupStateRequestTopicPartitionStateBatch()
	b.FirstOffset, b.LastOffset, b.DeliveryState, b.DeliveryCount = first, last, state, count
	return b
}
