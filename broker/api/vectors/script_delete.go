package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// deletion is one partition's share of a DeleteRecords.
type deletion struct {
	topic     string
	partition int32
	offset    int64
}

func deleting(deletions ...deletion) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = requestTimeoutMs
	for i, each := range deletions {
		if i == 0 || deletions[i-1].topic != each.topic {
			t := kmsg.NewDeleteRecordsRequestTopic()
			t.Topic = each.topic
			req.Topics = append(req.Topics, t)
		}
		q := kmsg.NewDeleteRecordsRequestTopicPartition()
		q.Partition, q.Offset = each.partition, each.offset
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, q)
	}
	return req
}

func deleteRecords(p *player) {
	p.make("delete", 6)
	p.do("make compacted", 7, creation(topic("delete-compacted", 1, 1, "cleanup.policy", "compact"), topic("delete-both", 1, 1, "cleanup.policy", "compact,delete")))
	p.settle("delete-compacted", 1)
	p.settle("delete-both", 1)
	p.do("fill both", 9, p.producing(-1, part{"delete-both", 0, plain(2).bytes()}))
	for v := int16(0); v <= 2; v++ {
		at := int32(v)
		for range 3 {
			p.do("fill", 9, p.producing(-1, part{"delete", at, plain(2).bytes()}, part{"delete", at + 3, plain(2).bytes()}))
		}
		p.do("nothing", v, deleting(deletion{"delete", at, 0}))
		p.do("within a batch", v, deleting(deletion{"delete", at, 3}))
		p.do("what is gone", v, deleting(deletion{"delete", at, 1}))
		p.do("before the start", 11, p.fetching(0, -1, want{"delete", at, 2}))
		p.do("at the start", 11, p.fetching(0, -1, want{"delete", at, 3}))
		p.do("the earliest", 5, listing("delete", at, -2))
		p.do("beyond the end", v, deleting(deletion{"delete", at, 7}))
		p.do("to no offset", v, deleting(deletion{"delete", at, -2}))
		p.do("all", v, deleting(deletion{"delete", at, -1}, deletion{"delete", at + 3, 6}))
		p.do("all again", v, deleting(deletion{"delete", at, -1}))
		p.do("the earliest of none", 5, listing("delete", at, -2))
		p.do("after all", 9, p.producing(-1, part{"delete", at, plain(1).bytes()}))
		p.do("unknown topic", v, deleting(deletion{"delete-unknown", 0, 0}, deletion{"delete", at, 6}))
		p.do("unknown partition", v, deleting(deletion{"delete", 17, 0}))
		p.do("compacted", v, deleting(deletion{"delete-compacted", 0, 0}))
		p.do("compacted, to no offset", v, deleting(deletion{"delete-compacted", 0, -7}))
		p.do("compacted and deleted", v, deleting(deletion{"delete-both", 0, 1}))
		p.do("nothing at all", v, deleting())
	}
}

func listing(topic string, partition int32, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	q := kmsg.NewListOffsetsRequestTopicPartition()
	q.Partition, q.CurrentLeaderEpoch, q.Timestamp = partition, -1, timestamp
	t.Partitions = append(t.Partitions, q)
	req.Topics = append(req.Topics, t)
	return req
}

// produceCompacted produces records without keys to topics that need them.
func produceCompacted(p *player) {
	p.do("make", 7, creation(topic("compacted", 1, 1, "cleanup.policy", "compact"), topic("compacted-too", 1, 1, "cleanup.policy", "delete,compact")))
	p.settle("compacted", 1)
	p.settle("compacted-too", 1)
	keyless := plain(2)
	keyless.keyless = true
	for v := int16(3); v <= 13; v++ {
		p.do("with keys", v, p.producing(-1, part{"compacted", 0, plain(2).bytes()}))
		p.do("without keys", v, p.producing(-1, part{"compacted", 0, keyless.bytes()}))
		p.do("without keys, compacted and deleted", v, p.producing(1, part{"compacted-too", 0, keyless.bytes()}, part{"compacted", 0, plain(1).bytes()}))
	}
}
