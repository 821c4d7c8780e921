package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func describeQuorum(p *player) {
	ask := func(name string, partitions ...int32) *kmsg.DescribeQuorumRequest {
		req := kmsg.NewPtrDescribeQuorumRequest()
		t := kmsg.NewDescribeQuorumRequestTopic()
		t.Topic = name
		for _, index := range partitions {
			q := kmsg.NewDescribeQuorumRequestTopicPartition()
			q.Partition = index
			t.Partitions = append(t.Partitions, q)
		}
		req.Topics = append(req.Topics, t)
		return req
	}
	for v := int16(0); v <= 2; v++ {
		p.do("the quorum", v, ask("__cluster_metadata", 0))
		p.do("another partition", v, ask("__cluster_metadata", 1))
		p.do("another topic", v, ask("quorum", 0))
		p.do("nothing", v, kmsg.NewPtrDescribeQuorumRequest())
		p.do("two partitions", v, ask("__cluster_metadata", 0, 1))
	}
}
