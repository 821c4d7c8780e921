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

// alterReplicaLogDirs asks for moves of replicas, on a node with one directory.
func alterReplicaLogDirs(p *player) {
	p.make("moved", 2)
	all := kmsg.NewPtrDescribeLogDirsRequest()
	described, _ := p.do("all", 2, all).(*kmsg.DescribeLogDirsResponse)
	if described == nil || len(described.Dirs) == 0 {
		return
	}
	here := described.Dirs[0].Dir
	ask := func(dir string, parts ...part) *kmsg.AlterReplicaLogDirsRequest {
		req := kmsg.NewPtrAlterReplicaLogDirsRequest()
		d := kmsg.NewAlterReplicaLogDirsRequestDir()
		d.Dir = dir
		for _, each := range parts {
			t := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
			t.Topic, t.Partitions = each.topic, []int32{each.partition}
			d.Topics = append(d.Topics, t)
		}
		req.Dirs = append(req.Dirs, d)
		return req
	}
	for v := int16(1); v <= 2; v++ {
		p.do("where it is", v, ask(here, part{topic: "moved"}, part{topic: "moved", partition: 1}))
		p.do("unknown directory", v, ask("/no/such/directory", part{topic: "moved"}))
		p.do("unknown topic", v, ask(here, part{topic: "moved-unknown"}, part{topic: "moved"}))
		p.do("unknown partition", v, ask(here, part{topic: "moved", partition: 7}))
		p.do("unknown topic and directory", v, ask("/no/such/directory", part{topic: "moved-unknown"}))
		p.do("nothing", v, kmsg.NewPtrAlterReplicaLogDirsRequest())
	}
}
