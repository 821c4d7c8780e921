package vectors

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// committing asks to commit an offset in the transaction.
func (t *transactor) committing(group, topic string, offset int64, partitions ...int32) *kmsg.TxnOffsetCommitRequest {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = t.id, t.producer, t.epoch, group, -1
	asked := kmsg.NewTxnOffsetCommitRequestTopic()
	asked.Topic = topic
	for _, i := range partitions {
		one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset, one.LeaderEpoch, one.Metadata = i, offset, 2, text("said")
		asked.Partitions = append(asked.Partitions, one)
	}
	req.Topics = append(req.Topics, asked)
	return req
}

func (t *transactor) addGroup(group string) {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = t.id, t.producer, t.epoch, group
	t.do("add group", 3, req)
}

// fetchOffsets asks for a group's offsets, stable and as they are.
func (t *transactor) fetchOffsets(name, group, topic string) {
	for _, stable := range []bool{false, true} {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.RequireStable = stable
		one := kmsg.NewOffsetFetchRequestGroup()
		asked := kmsg.NewOffsetFetchRequestGroupTopic()
		asked.Topic, asked.Partitions = topic, []int32{0, 1}
		one.Group, one.Topics = group, append(one.Topics, asked)
		req.Groups = append(req.Groups, one)
		t.do(fmt.Sprintf("offsets %s, stable %v", name, stable), 9, req)
	}
}

func txnOffsetCommit(p *player) {
	p.make("txo-t", 2)
	p.coordinated()
	for v := int16(0); v <= 5; v++ {
		group := fmt.Sprint("txo-", v)
		t := p.transactor(group)
		commit(p, "commit outside", 8, group, "", -1, "txo-t", 0)
		t.do("without a transaction", v, t.committing(group, "txo-t", 20, 0))
		t.addGroup(group)
		t.do("commit", v, t.committing(group, "txo-t", 21, 0, 1))
		t.do("commit again", v, t.committing(group, "txo-t", 22, 0))
		t.do("unknown topic", v, t.committing(group, "txo-unknown", 22, 0))
		t.do("unknown partition", v, t.committing(group, "txo-t", 22, 0, 7))
		t.do("no group", v, t.committing("", "txo-t", 22, 0))
		if v >= 3 {
			member := t.committing(group, "txo-t", 23, 0)
			member.MemberID, member.Generation = "who", 3
			t.do("unknown member", v, member)
			generation := t.committing(group, "txo-t", 23, 0)
			generation.Generation = 3
			t.do("generation of no group", v, generation)
		}
		for name, change := range t.wrong() {
			req := t.committing(group, "txo-t", 24, 0)
			change(&req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
			t.do(name, v, req)
		}
		t.fetchOffsets("in between", group, "txo-t")
		t.end("commit", 3, true, nil)
		t.fetchOffsets("committed", group, "txo-t")
		t.addGroup(group)
		t.do("commit", v, t.committing(group, "txo-t", 31, 0))
		t.end("abort", 3, false, nil)
		t.fetchOffsets("aborted", group, "txo-t")
		t.addGroup(group)
		t.do("commit", v, t.committing(group, "txo-t", 41, 0))
		commit(p, "commit outside, later", 8, group, "", -1, "txo-t", 0)
		t.end("commit", 3, true, nil)
		t.fetchOffsets("committed before others", group, "txo-t")
		if v >= 3 {
			t.commitAsMember(v)
		}
	}
}

// commitAsMember commits as a member of a group, and as one that is none.
func (t *transactor) commitAsMember(v int16) {
	m := membership{t.player, fmt.Sprint("txo-member-", v)}
	id, generation := m.joined(4, nil)
	t.addGroup(m.group)
	ask := func(name, member string, generation int32, instance *string) {
		req := t.committing(m.group, "txo-t", 51, 0)
		req.MemberID, req.Generation, req.InstanceID = member, generation, instance
		t.do(name, v, req)
	}
	ask("before the assignment", id, generation, nil)
	m.sync("sync", 4, id, generation)
	ask("as a member", id, generation, nil)
	ask("old generation", id, generation-1, nil)
	ask("unknown member", "who", generation, nil)
	ask("by itself", "", -1, nil)
	ask("unknown instance", id, generation, text("nobody"))
	t.end("abort", 3, false, nil)
	m.leave("leave", 5, leaving(id, nil))
}

func writeTxnMarkers(p *player) {
	p.make("markers-t", 2)
	p.coordinated()
	for v := int16(1); v <= 2; v++ {
		t := p.transactor(fmt.Sprint("markers-", v))
		t.init("next epoch", 5, nil)
		t.add("markers-t", 0)
		t.do("produce", 9, t.produces("markers-t", 0, 0))
		ask := func(name string, epoch int16, coordinator int32, commit bool, topic string, partitions ...int32) {
			req := kmsg.NewPtrWriteTxnMarkersRequest()
			m := kmsg.NewWriteTxnMarkersRequestMarker()
			m.ProducerID, m.ProducerEpoch, m.Committed, m.CoordinatorEpoch = t.producer, epoch, commit, coordinator
			m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: topic, Partitions: partitions}}
			req.Markers = append(req.Markers, m)
			t.do(name, v, req)
		}
		ask("unknown topic", t.epoch, 0, true, "markers-unknown", 0)
		ask("unknown partition", t.epoch, 0, true, "markers-t", 0, 9)
		ask("abort without a transaction", t.epoch, 0, false, "markers-t", 1)
		ask("old epoch", t.epoch-1, 0, false, "markers-t", 0)
		ask("later coordinator", t.epoch, 5, false, "markers-t", 0)
		ask("older coordinator", t.epoch, 4, false, "markers-t", 0)
		ask("epoch of the future", t.epoch+1, 5, false, "markers-t", 0)
		ask("internal topic", t.epoch, 0, false, "__consumer_offsets", 0)
	}
}
