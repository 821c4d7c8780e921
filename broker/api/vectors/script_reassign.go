package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func reassign(p *player) {
	type target struct {
		topic     string
		partition int32
		replicas  []int32 // nil cancels
	}
	ask := func(targets ...target) *kmsg.AlterPartitionAssignmentsRequest {
		req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
		req.TimeoutMillis = requestTimeoutMs
		for _, each := range targets {
			t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
			q := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
			q.Partition, q.Replicas = each.partition, each.replicas
			t.Topic, t.Partitions = each.topic, append(t.Partitions, q)
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	list := func(name string, partitions ...int32) *kmsg.ListPartitionReassignmentsRequest {
		req := kmsg.NewPtrListPartitionReassignmentsRequest()
		req.TimeoutMillis = requestTimeoutMs
		if name != "" {
			t := kmsg.NewListPartitionReassignmentsRequestTopic()
			t.Topic, t.Partitions = name, partitions
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	p.make("reassign", 2)
	for v := int16(0); v <= 1; v++ {
		p.do("to where it is", v, ask(target{"reassign", 0, []int32{1}}))
		p.do("cancel nothing", v, ask(target{"reassign", 0, nil}))
		p.do("to an unknown node", v, ask(target{"reassign", 0, []int32{1, 77}}))
		p.do("to an unknown node alone", v, ask(target{"reassign", 0, []int32{77}}))
		p.do("twice the same node", v, ask(target{"reassign", 0, []int32{1, 1}}))
		p.do("to nobody", v, ask(target{"reassign", 0, []int32{}}))
		p.do("to a negative node", v, ask(target{"reassign", 0, []int32{-1}}))
		p.do("unknown partition", v, ask(target{"reassign", 7, []int32{1}}))
		p.do("unknown topic", v, ask(target{"reassign-unknown", 0, []int32{1}}))
		p.do("one good, one bad", v, ask(target{"reassign", 0, []int32{1}}, target{"reassign", 1, []int32{77}}))
		p.do("none", v, ask())
		if v > 0 {
			keep := ask(target{"reassign", 0, []int32{1}})
			keep.AllowReplicationFactorChange = false
			p.do("the same number", v, keep)
			more := ask(target{"reassign", 0, []int32{1, 77}})
			more.AllowReplicationFactorChange = false
			p.do("another number", v, more)
		}
	}
	p.do("list all", 0, list(""))
	p.do("list a topic", 0, list("reassign", 0, 1))
	p.do("list an unknown partition", 0, list("reassign", 7))
	p.do("list an unknown topic", 0, list("reassign-unknown", 0))
}
