package group

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// pendingOffsets are the offsets that were committed in transactions which are still open. Others see them once their transaction is
// committed; that they are there, who asks for stable offsets is told.
type pendingOffsets struct {
	byProducer map[int64]map[offsetPlace]offset
	open       map[offsetPlace]int // transactions in which the offset is committed
	groups     map[string]int      // and those of any offset of the group
}

// offsetPlace is where an offset is committed.
type offsetPlace struct {
	group, topic string
	partition    int32
}

var _ coord.Transactional = (*Machine)(nil)

func newPendingOffsets() pendingOffsets {
	return pendingOffsets{byProducer: map[int64]map[offsetPlace]offset{}, open: map[offsetPlace]int{}, groups: map[string]int{}}
}

func (p *pendingOffsets) set(producer int64, at offsetPlace, o offset) {
	if p.byProducer[producer] == nil {
		p.byProducer[producer] = map[offsetPlace]offset{}
	}
	if _, again := p.byProducer[producer][at]; !again {
		p.open[at]++
		p.groups[at.group]++
	}
	p.byProducer[producer][at] = o
}

func (p *pendingOffsets) drop(producer int64, at offsetPlace) {
	if _, ok := p.byProducer[producer][at]; !ok {
		return
	}
	delete(p.byProducer[producer], at)
	if len(p.byProducer[producer]) == 0 {
		delete(p.byProducer, producer)
	}
	if p.open[at]--; p.open[at] == 0 {
		delete(p.open, at)
	}
	if p.groups[at.group]--; p.groups[at.group] == 0 {
		delete(p.groups, at.group)
	}
}

// forget drops an offset whatever the transaction: it was deleted.
func (p *pendingOffsets) forget(at offsetPlace) {
	if p.open[at] == 0 {
		return
	}
	for producer := range p.byProducer {
		p.drop(producer, at)
	}
}

// of are the places of a group, in no order.
func (p *pendingOffsets) of(group string) []offsetPlace {
	var places []offsetPlace
	if p.groups[group] == 0 {
		return nil
	}
	for at := range p.open {
		if at.group == group {
			places = append(places, at)
		}
	}
	return places
}

// ReplayPending implements coord.Transactional.
func (m *Machine) ReplayPending(producerID int64, r coord.Record) error {
	if version := recordType(r); version != keyOffsetCommit && version != keyOffsetCommitOld {
		return nil
	}
	at, value, err := m.readOffset(r)
	if err != nil || value == nil {
		return err
	}
	m.groupOrNew(at.group)
	m.pending.set(producerID, at, *value)
	return nil
}

// ReplayEnd implements coord.Transactional. Of two commits of an offset the later one counts, which need not be the one whose
// transaction ended later.
func (m *Machine) ReplayEnd(producerID int64, committed bool) {
	for at, o := range maps.Clone(m.pending.byProducer[producerID]) {
		m.pending.drop(producerID, at)
		g := m.groupOrNew(at.group)
		if known, ok := g.offsets[at.topic][at.partition]; committed && (!ok || known.order < o.order) {
			g.setOffset(at.topic, at.partition, o)
		}
		m.forgetIfNothing(g)
	}
}

// CommitInTransaction is TxnOffsetCommit; topics that may not be committed to are left out of req. The answer is a
// *kmsg.TxnOffsetCommitResponse.
func (m *Machine) CommitInTransaction(to coord.Caller, req *kmsg.TxnOffsetCommitRequest, producer coord.Producer, now time.Time) coord.Effects {
	if err := m.committingInTransaction(req); err != nil {
		return coord.Effects{Prompt: []coord.Reply{{To: to, Response: TxnCommitResponse(req, err)}}}
	}
	resp := kmsg.NewPtrTxnOffsetCommitResponse()
	e := coord.Effects{Producer: &producer, Replies: []coord.Reply{{To: to, Response: resp}}}
	for _, topic := range req.Topics {
		answer := kmsg.NewTxnOffsetCommitResponseTopic()
		answer.Topic = topic.Topic
		for _, part := range topic.Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition = part.Partition
			o := offset{offset: part.Offset, leaderEpoch: part.LeaderEpoch, committedMs: now.UnixMilli(), expiresMs: -1}
			if part.Metadata != nil {
				o.metadata = *part.Metadata
			}
			if len(o.metadata) > m.cfg.MetadataBytesMax {
				one.ErrorCode = kerr.OffsetMetadataTooLarge.Code
			} else {
				e.Records = append(e.Records, offsetRecord(req.Group, topic.Topic, part.Partition, o))
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return e
}

// committingInTransaction says whether offsets may be committed as req does. Whoever says nothing of a member may: the
// transaction's producer answers for it.
func (m *Machine) committingInTransaction(req *kmsg.TxnOffsetCommitRequest) *kerr.Error {
	g := m.groups[req.Group]
	if g != nil && g.newer() {
		return m.consumerCommitInTransaction(g, req)
	}
	switch {
	case g == nil && req.Generation >= 0:
		return kerr.IllegalGeneration
	case g == nil, req.Generation < 0 && g.state == Empty:
		return nil
	case req.Generation < 0 && req.MemberID == "" && req.InstanceID == nil:
		return nil
	}
	if _, err := g.validate(req.MemberID, req.InstanceID); err != nil {
		return err
	}
	if req.Generation != g.generation {
		return kerr.IllegalGeneration
	}
	return nil
}

// TxnCommitResponse answers every partition of req alike.
func TxnCommitResponse(req *kmsg.TxnOffsetCommitRequest, err *kerr.Error) *kmsg.TxnOffsetCommitResponse {
	resp := kmsg.NewPtrTxnOffsetCommitResponse()
	for _, topic := range req.Topics {
		answer := kmsg.NewTxnOffsetCommitResponseTopic()
		answer.Topic = topic.Topic
		for _, part := range topic.Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = part.Partition, err.Code
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// FetchStable is Fetch for who waits for transactions: an offset that is committed in one that is open is UNSTABLE_OFFSET_COMMIT.
func (m *Machine) FetchStable(to coord.Caller, req kmsg.OffsetFetchRequestGroup) coord.Effects {
	e := m.Fetch(to, req)
	for i, r := range e.Replies {
		resp := r.Response.(kmsg.OffsetFetchResponseGroup)
		for _, topic := range resp.Topics {
			for j := range topic.Partitions {
				if m.pending.open[offsetPlace{req.Group, topic.Topic, topic.Partitions[j].Partition}] > 0 {
					topic.Partitions[j] = unstable(topic.Partitions[j].Partition)
				}
			}
		}
		e.Replies[i].Response = resp
	}
	return e
}

func unstable(index int32) kmsg.OffsetFetchResponseGroupTopicPartition {
	part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	nothing := ""
	part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = index, -1, -1, &nothing
	part.ErrorCode = kerr.UnstableOffsetCommit.Code
	return part
}

// pendingTombstones delete what is committed to a group in open transactions and nowhere else.
func (m *Machine) pendingTombstones(g *group) []coord.Record {
	var all []coord.Record
	places := m.pending.of(g.id)
	slices.SortFunc(places, func(a, b offsetPlace) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	for _, at := range places {
		if _, ok := g.offsets[at.topic][at.partition]; !ok {
			all = append(all, offsetTombstone(at.group, at.topic, at.partition))
		}
	}
	return all
}
