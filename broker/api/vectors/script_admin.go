package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func apiVersions(p *player) {
	ask := func(name, software string) *kmsg.ApiVersionsRequest {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = software, "1.0"
		return req
	}
	for v := int16(0); v <= 4; v++ {
		p.do("all", v, ask("all", "vectors"))
	}
	p.do("no software name", 3, ask("", ""))
	p.do("bad software name", 4, ask("", "-a b-"))
	p.doAs("version of the future", 99, 0, ask("", "vectors"))
}

func metadata(p *player) {
	ask := func(create bool, names ...string) *kmsg.MetadataRequest {
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = create
		req.Topics = []kmsg.MetadataRequestTopic{}
		for _, name := range names {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = text(name)
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	p.make("meta-a", 3)
	for v := int16(0); v <= 13; v++ {
		p.do("one topic", v, ask(false, "meta-a"))
		p.do("no topics", v, ask(false))
		all := ask(false)
		all.Topics = nil
		p.do("all topics", v, all)
		if v >= 4 {
			p.do("unknown and bad names", v, ask(false, "meta-unknown", "bad/name", "", ".", "meta-a"))
		}
		p.do("the same name twice", v, ask(false, "meta-a", "meta-a"))
		if v >= 8 {
			req := ask(false, "meta-a")
			req.IncludeTopicAuthorizedOperations, req.IncludeClusterAuthorizedOperations = true, v <= 10
			p.do("authorized operations", v, req)
		}
		if v >= 10 {
			req := ask(false)
			for _, id := range [][16]byte{p.id("meta-a"), {1, 2, 3}} {
				t := kmsg.NewMetadataRequestTopic()
				t.TopicID = id
				if v < 12 {
					t.Topic = text("")
				}
				req.Topics = append(req.Topics, t)
			}
			p.do("by id", v, req)
		}
	}
	p.do("create on asking", 4, ask(true, "meta-made-4"))
	p.do("create on asking, bad name", 12, ask(true, "meta made"))
	p.do("create on asking, internal", 12, ask(true, "meta-made-12"))
}

func createTopics(p *player) {
	assigned := func(name string, partition int32, replicas ...int32) kmsg.CreateTopicsRequestTopic {
		t := topic(name, -1, -1)
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = partition, replicas
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
		return t
	}
	for v := int16(2); v <= 7; v++ {
		name := "create-" + string('0'+rune(v))
		p.do("plain", v, creation(topic(name, 2, 1)))
		p.do("again", v, creation(topic(name, 2, 1)))
		p.do("with configs", v, creation(topic(name+"-configs", 1, 1, "segment.bytes", "2097152", "cleanup.policy", "compact,delete")))
		p.do("defaults", v, creation(topic(name+"-defaults", -1, -1)))
		p.do("assigned", v, creation(assigned(name+"-assigned", 0, 1)))
		p.do("names", v, creation(topic("bad name", 1, 1), topic("", 1, 1), topic("..", 1, 1), topic(name+"-"+long(250), 1, 1)))
		p.do("numbers", v, creation(topic(name+"-x1", 0, 1), topic(name+"-x2", -2, 1), topic(name+"-x3", 1, 0), topic(name+"-x4", 1, 2), topic(name+"-x5", 1, -2)))
		p.do("bad configs", v, creation(topic(name+"-y1", 1, 1, "no.such.key", "1"), topic(name+"-y2", 1, 1, "segment.bytes", "ten"), topic(name+"-y3", 1, 1, "retention.ms", "-2")))
		p.do("bad assignments", v, creation(assigned(name+"-z1", 1, 1), assigned(name+"-z2", 0, 99), assigned(name+"-z3", 0, 1, 1), assigned(name+"-z4", 0)))
		both := assigned(name+"-z5", 0, 1)
		both.NumPartitions, both.ReplicationFactor = 1, 1
		p.do("assignment and numbers", v, creation(both))
		p.do("twice in one request", v, creation(topic(name+"-twice", 1, 1), topic(name+"-twice", 1, 1)))
		check := creation(topic(name+"-check", 1, 1), topic(name, 1, 1))
		check.ValidateOnly = true
		p.do("validate only", v, check)
		p.do("none", v, creation())
	}
	p.do("collides", 7, creation(topic("create.7", 1, 1)))
	p.do("collides with a dot", 7, creation(topic("create_7", 1, 1), topic("create_7_", 1, 1)))
}

func long(n int) string {
	name := make([]byte, n)
	for i := range name {
		name[i] = 'x'
	}
	return string(name)
}

func deleteTopics(p *player) {
	for v := int16(1); v <= 6; v++ {
		name := "delete-" + string('0'+rune(v))
		p.make(name+"-a", 1)
		p.make(name+"-b", 1)
		named := kmsg.NewPtrDeleteTopicsRequest()
		named.TimeoutMillis = requestTimeoutMs
		names := []string{name + "-a", name + "-unknown", "bad name"}
		named.TopicNames = names
		for _, n := range names {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic = text(n)
			named.Topics = append(named.Topics, t)
		}
		p.do("by name", v, named)
		if v < 6 {
			twice := kmsg.NewPtrDeleteTopicsRequest()
			twice.TimeoutMillis, twice.TopicNames = requestTimeoutMs, []string{name + "-b", name + "-b"}
			p.do("twice in one request", v, twice)
			continue
		}
		byID := func(ids ...[16]byte) *kmsg.DeleteTopicsRequest {
			req := kmsg.NewPtrDeleteTopicsRequest()
			req.TimeoutMillis = requestTimeoutMs
			for _, id := range ids {
				t := kmsg.NewDeleteTopicsRequestTopic()
				t.TopicID = id
				req.Topics = append(req.Topics, t)
			}
			return req
		}
		p.do("by id", v, byID(p.id(name+"-b"), [16]byte{1, 2, 3}))
		p.do("neither name nor id", v, byID([16]byte{}))
		p.make(name+"-c", 1)
		both := byID(p.id(name + "-c"))
		both.Topics[0].Topic = text(name + "-c")
		p.do("name and id", v, both)
		twice := byID(p.id(name+"-c"), p.id(name+"-c"))
		p.do("twice in one request", v, twice)
	}
	p.do("gone", 12, func() *kmsg.MetadataRequest {
		req := kmsg.NewPtrMetadataRequest()
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = text("delete-1-a")
		req.Topics = append(req.Topics, t)
		return req
	}())
}

func createPartitions(p *player) {
	ask := func(name string, count int32, replicas ...int32) kmsg.CreatePartitionsRequestTopic {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, count
		for _, r := range replicas {
			a := kmsg.NewCreatePartitionsRequestTopicAssignment()
			a.Replicas = []int32{r}
			t.Assignment = append(t.Assignment, a)
		}
		return t
	}
	all := func(topics ...kmsg.CreatePartitionsRequestTopic) *kmsg.CreatePartitionsRequest {
		req := kmsg.NewPtrCreatePartitionsRequest()
		req.TimeoutMillis, req.Topics = requestTimeoutMs, topics
		return req
	}
	for v := int16(0); v <= 3; v++ {
		name := "partitions-" + string('0'+rune(v))
		p.make(name, 2)
		check := all(ask(name, 5))
		check.ValidateOnly = true
		p.do("validate only", v, check)
		p.do("more", v, all(ask(name, 3)))
		p.do("the same", v, all(ask(name, 3)))
		p.do("fewer", v, all(ask(name, 1)))
		p.do("less than none", v, all(ask(name, -1)))
		p.do("assigned", v, all(ask(name, 5, 1, 1)))
		p.do("assigned badly", v, all(ask(name, 6, 99)))
		p.do("assigned too few", v, all(ask(name, 8, 1)))
		p.do("unknown", v, all(ask("partitions-unknown", 5)))
		p.do("twice in one request", v, all(ask(name, 9), ask(name, 9)))
	}
}

func electLeaders(p *player) {
	p.make("elect", 2)
	for v := int16(0); v <= 2; v++ {
		ask := func(kind int8, names ...string) *kmsg.ElectLeadersRequest {
			req := kmsg.NewPtrElectLeadersRequest()
			req.ElectionType, req.TimeoutMillis = kind, requestTimeoutMs
			for _, name := range names {
				t := kmsg.NewElectLeadersRequestTopic()
				t.Topic, t.Partitions = name, []int32{0, 7}
				req.Topics = append(req.Topics, t)
			}
			return req
		}
		p.do("preferred", v, ask(0, "elect", "elect-unknown"))
		if v >= 1 {
			p.do("unclean", v, ask(1, "elect"))
		}
	}
}

func describeCluster(p *player) {
	for v := int16(0); v <= 2; v++ {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.EndpointType = 1
		p.do("brokers", v, req)
		with := kmsg.NewPtrDescribeClusterRequest()
		with.EndpointType, with.IncludeClusterAuthorizedOperations = 1, true
		p.do("authorized operations", v, with)
		if v >= 1 {
			controllers := kmsg.NewPtrDescribeClusterRequest()
			controllers.EndpointType = 2
			p.do("controllers", v, controllers)
			other := kmsg.NewPtrDescribeClusterRequest()
			other.EndpointType = 3
			p.do("endpoint type that is none", v, other)
		}
		if v >= 2 {
			fenced := kmsg.NewPtrDescribeClusterRequest()
			fenced.EndpointType, fenced.IncludeFencedBrokers = 1, true
			p.do("fenced ones too", v, fenced)
		}
	}
}

func describeTopicPartitions(p *player) {
	p.make("describe-a", 3)
	p.make("describe-b", 2)
	ask := func(limit int32, cursor string, partition int32, names ...string) *kmsg.DescribeTopicPartitionsRequest {
		req := kmsg.NewPtrDescribeTopicPartitionsRequest()
		req.ResponsePartitionLimit = limit
		if cursor != "" {
			c := kmsg.NewDescribeTopicPartitionsRequestCursor()
			c.Topic, c.Partition = cursor, partition
			req.Cursor = &c
		}
		for _, name := range names {
			t := kmsg.NewDescribeTopicPartitionsRequestTopic()
			t.Topic = name
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	p.do("two topics", 0, ask(2000, "", 0, "describe-b", "describe-a"))
	p.do("limit", 0, ask(2, "", 0, "describe-a", "describe-b"))
	p.do("limit at the end of a topic", 0, ask(3, "", 0, "describe-a", "describe-b"))
	p.do("cursor", 0, ask(2, "describe-a", 2, "describe-a", "describe-b"))
	p.do("cursor of a topic that is not asked for", 0, ask(2, "describe-aa", 0, "describe-a", "describe-b"))
	p.do("cursor before nothing", 0, ask(2, "describe-c", 0, "describe-a", "describe-b"))
	p.do("negative cursor", 0, ask(2, "describe-a", -1, "describe-a"))
	p.do("unknown and bad names", 0, ask(2000, "", 0, "describe-unknown", "bad name", "describe-a"))
	p.do("no limit", 0, ask(0, "", 0, "describe-a"))
	p.do("twice", 0, ask(2000, "", 0, "describe-a", "describe-a"))
}
