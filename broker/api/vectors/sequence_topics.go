package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

var topicMoves = []Kind{
	{"create topic", kmsg.CreateTopics, dims("topic", []string{"t2", "t0", "bad name", "", "."}, "partitions", []string{"1", "3", "-1", "0"}, "replicas", []string{"1", "-1", "0", "2"}, "config", configNames, "validate", yesNo), (*sequencer).createTopic},
	{"create topic as assigned", kmsg.CreateTopics, dims("topic", []string{"t2", "t0"}, "assignment", assignmentNames, "numbers", []string{"-1", "1"}, "validate", yesNo), (*sequencer).createAssigned},
	{"delete topic", kmsg.DeleteTopics, dims("topic", []string{"t0", "t1", "t2", ""}, "by", []string{"name", "id", "both", "neither"}), (*sequencer).deleteTopic},
	{"create partitions", kmsg.CreatePartitions, dims("topic", topicNames, "count", []string{"4", "3", "1", "0", "-1"}, "assignment", append([]string{"none"}, assignmentNames...), "validate", yesNo), (*sequencer).createPartitions},
	{"metadata", kmsg.Metadata, dims("topic", append([]string{""}, topicNames...), "by", []string{"name", "id", "both"}), (*sequencer).metadata},
	{"describe partitions", kmsg.DescribeTopicPartitions, dims("topic", topicNames, "limit", []string{"100", "1", "0", "-1"}, "cursor", []string{"none", "t0", "t1", "t2"}, "at", []string{"0", "1", "5", "-1"}), (*sequencer).describePartitions},
	{"elect leader", kmsg.ElectLeaders, dims("topic", topicNames, "partition", partitionNames, "type", []string{"0", "1", "5"}), (*sequencer).electLeader},
	{"reassign", kmsg.AlterPartitionAssignments, dims("topic", topicNames, "partition", partitionNames, "replicas", []string{"1", "cancel", "none", "2", "1,1", "-1"}), (*sequencer).reassign},
	{"list reassignments", kmsg.ListPartitionReassignments, dims("topic", topicNames, "partition", partitionNames), (*sequencer).listReassignments},
	{"describe log directories", kmsg.DescribeLogDirs, dims("topic", topicNames, "partition", partitionNames), (*sequencer).describeLogDirs},
}

// drawnConfigs are by name what a topic is made with or changed to.
var drawnConfigs = map[string][2]string{
	"none":                        {},
	"unknown key":                 {"no.such.key", "1"},
	"retention":                   {"retention.ms", "-1"},
	"bad retention":               {"retention.ms", "-2"},
	"retention of no number":      {"retention.ms", "long"},
	"retention with a space":      {"retention.ms", " 86400000 "},
	"large segments":              {"segment.bytes", "3145728"},
	"tiny segments":               {"segment.bytes", "13"},
	"segments beyond an int":      {"segment.bytes", "3000000000"},
	"compact":                     {"cleanup.policy", "compact"},
	"both policies":               {"cleanup.policy", "compact,delete"},
	"no policy":                   {"cleanup.policy", ""},
	"unknown policy":              {"cleanup.policy", "burn"},
	"policy twice":                {"cleanup.policy", "delete,delete"},
	"stamped by the leader":       {"message.timestamp.type", "LogAppendTime"},
	"stamped by nobody":           {"message.timestamp.type", "Never"},
	"compressed":                  {"compression.type", "gzip"},
	"compressed by nobody":        {"compression.type", "rar"},
	"gzip level":                  {"compression.gzip.level", "10"},
	"dirty ratio":                 {"min.cleanable.dirty.ratio", "1.5"},
	"in sync":                     {"min.insync.replicas", "0"},
	"unclean":                     {"unclean.leader.election.enable", "maybe"},
	"unclean, true":               {"unclean.leader.election.enable", "TRUE"},
	"small batches":               {"max.message.bytes", "100"},
	"negative batches":            {"max.message.bytes", "-1"},
	"no record older than a day":  {"message.timestamp.before.max.ms", "86400000"},
	"records of the future":       {"message.timestamp.after.max.ms", "9223372036854775807"},
	"remote":                      {"remote.storage.enable", "true"},
	"local retention":             {"local.retention.ms", "1000"},
	"throttled":                   {"leader.replication.throttled.replicas", "0:1"},
	"throttled badly":             {"follower.replication.throttled.replicas", "x"},
	"a key that was taken away":   {"message.format.version", "3.0"},
	"a key of brokers":            {"log.retention.ms", "1000"},
	"lags the wrong way round":    {"max.compaction.lag.ms", "0"},
	"index interval":              {"index.interval.bytes", "-1"},
	"flush":                       {"flush.messages", "1"},
	"flush never":                 {"flush.messages", "0"},
	"preallocate":                 {"preallocate", "true"},
	"jitter":                      {"segment.jitter.ms", "5"},
	"segment age":                 {"segment.ms", "0"},
	"file delete delay":           {"file.delete.delay.ms", "-1"},
	"retention by size":           {"retention.bytes", "1000"},
	"internal key":                {"internal.segment.bytes", "1000"},
	"remote copy disabled":        {"remote.log.copy.disable", "true"},
	"remote deletion on disabled": {"remote.log.delete.on.disable", "true"},
}

// drawnAssignments are by name the replicas of partitions.
var drawnAssignments = map[string][][]int32{
	"one": {{1}}, "two": {{1}, {1}}, "nobody": {{}}, "a stranger": {{7}}, "twice": {{1, 1}}, "some nobody": {{1}, {}}, "negative": {{-1}}, "empty": {},
}

func (s *sequencer) createTopic(version int16, with options) {
	t := topic(s.topic(with["topic"]), int32(with.number("partitions")), int16(with.number("replicas")))
	if c := drawnConfigs[with["config"]]; c[0] != "" {
		t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: c[0], Value: &c[1]})
	}
	s.creates(version, with, t)
}

func (s *sequencer) createAssigned(version int16, with options) {
	n := with.number("numbers")
	t := topic(s.topic(with["topic"]), int32(n), int16(n))
	for i, replicas := range drawnAssignments[with["assignment"]] {
		t.ReplicaAssignment = append(t.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: int32(i), Replicas: replicas})
	}
	s.creates(version, with, t)
}

func (s *sequencer) creates(version int16, with options, t kmsg.CreateTopicsRequestTopic) {
	req := creation(t)
	req.ValidateOnly = with["validate"] == "yes"
	resp, _ := s.ask(version, req).(*kmsg.CreateTopicsResponse)
	if resp == nil || resp.Topics[0].ErrorCode != 0 || req.ValidateOnly {
		return
	}
	s.barrier()
	s.learn(t.Topic)
	s.settle(t.Topic, 1)
}

func (s *sequencer) deleteTopic(version int16, with options) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	name := s.topic(with["topic"])
	req.TopicNames, req.TimeoutMillis = []string{name}, requestTimeoutMs
	one := kmsg.NewDeleteTopicsRequestTopic()
	if with["by"] == "name" || with["by"] == "both" {
		one.Topic = &name
	}
	if with["by"] == "id" || with["by"] == "both" {
		one.TopicID = s.id(name)
	}
	req.Topics = append(req.Topics, one)
	resp, _ := s.ask(version, req).(*kmsg.DeleteTopicsResponse)
	if resp != nil && resp.Topics[0].ErrorCode == 0 {
		s.barrier()
	}
}

func (s *sequencer) createPartitions(version int16, with options) {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis, req.ValidateOnly = requestTimeoutMs, with["validate"] == "yes"
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = s.topic(with["topic"]), int32(with.number("count"))
	for _, replicas := range drawnAssignments[with["assignment"]] {
		t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: replicas})
	}
	req.Topics = append(req.Topics, t)
	resp, _ := s.ask(version, req).(*kmsg.CreatePartitionsResponse)
	if resp != nil && resp.Topics[0].ErrorCode == 0 && !req.ValidateOnly {
		s.barrier()
		s.settle(t.Topic, t.Count)
	}
}

func (s *sequencer) metadata(version int16, with options) {
	req := kmsg.NewPtrMetadataRequest()
	name := s.topic(with["topic"])
	one := kmsg.NewMetadataRequestTopic()
	if with["by"] != "id" || version < 12 {
		one.Topic = &name
	}
	if with["by"] != "name" {
		one.TopicID = s.id(name)
	}
	req.Topics = append(req.Topics, one)
	s.ask(max(version, 4), req) // which can say that no topic is to be made
}

func (s *sequencer) describePartitions(version int16, with options) {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = int32(with.number("limit"))
	for _, name := range []string{with["topic"], "t0"} {
		req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: s.topic(name)})
	}
	if with["cursor"] != "none" {
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: s.topic(with["cursor"]), Partition: int32(with.number("at"))}
	}
	s.ask(version, req)
}

func (s *sequencer) electLeader(version int16, with options) {
	req := kmsg.NewPtrElectLeadersRequest()
	req.ElectionType, req.TimeoutMillis = int8(with.number("type")), requestTimeoutMs
	req.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []int32{with.partition()}}}
	s.ask(version, req)
}

func (s *sequencer) reassign(version int16, with options) {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = requestTimeoutMs
	q := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	q.Partition = with.partition()
	q.Replicas = map[string][]int32{"1": {1}, "none": {}, "2": {2}, "1,1": {1, 1}, "-1": {-1}}[with["replicas"]]
	req.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []kmsg.AlterPartitionAssignmentsRequestTopicPartition{q}}}
	s.ask(version, req)
}

func (s *sequencer) listReassignments(version int16, with options) {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.TimeoutMillis = requestTimeoutMs
	req.Topics = []kmsg.ListPartitionReassignmentsRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []int32{with.partition()}}}
	s.ask(version, req)
}

func (s *sequencer) describeLogDirs(version int16, with options) {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []int32{with.partition()}}}
	s.ask(version, req)
}
