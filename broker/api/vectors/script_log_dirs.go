package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// describeLogDirs asks for the data directories, all and parts of what is in them.
func describeLogDirs(p *player) {
	p.make("dirs", 2)
	p.do("fill", 9, p.producing(-1, part{"dirs", 1, plain(3).bytes()}))
	p.do("fill", 9, p.producing(-1, part{"dirs", 1, plain(2).bytes()}))
	ask := func(topics ...kmsg.DescribeLogDirsRequestTopic) *kmsg.DescribeLogDirsRequest {
		req := kmsg.NewPtrDescribeLogDirsRequest()
		req.Topics = topics
		return req
	}
	of := func(topic string, partitions ...int32) kmsg.DescribeLogDirsRequestTopic {
		t := kmsg.NewDescribeLogDirsRequestTopic()
		t.Topic, t.Partitions = topic, partitions
		return t
	}
	for v := int16(1); v <= 5; v++ {
		p.do("all", v, ask())
		p.do("a topic", v, ask(of("dirs", 0, 1)))
		p.do("a partition", v, ask(of("dirs", 1)))
		p.do("unknown", v, ask(of("dirs", 7), of("dirs-unknown", 0)))
		p.do("a topic without partitions", v, ask(of("dirs")))
		none := ask()
		none.Topics = []kmsg.DescribeLogDirsRequestTopic{}
		p.do("no topic", v, none)
	}
}
