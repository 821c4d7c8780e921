package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
)

// The versions of Produce in which transactions change.
const (
	versionProduceAbortable = 11 // TRANSACTION_ABORTABLE is known
	versionProduceAdds      = 12 // the partition becomes part of the transaction by this (KIP-890)
)

// verifyRoundsMax bounds how often the coordinator is asked for one request. A second time is needed when the marker of the
// transaction before came in after the guard was taken out.
const verifyRoundsMax = 4

// unverifiedPart is a partition's records in a transaction that may have none here yet.
type unverifiedPart struct {
	at        int // place in the request
	partition Partition
	name      txn.Partition
	producer  producerKey
}

// producerKey is one producer in one of its epochs.
type producerKey struct {
	id    int64
	epoch int16
}

// verify sees to it that the partitions of a transaction's records are part of it, before they are appended: the coordinator is
// asked about those that have none of its records yet. The connection waits for the answer: what its producer sends next
// has to come after this.
func (p *pendingProduce) verify(ctx context.Context, img *metadata.Image) {
	p.verdicts = make([]verdict, len(p.results))
	parts := p.transactional(img)
	for range verifyRoundsMax {
		if parts = p.takeGuards(parts); len(parts) == 0 {
			return
		}
		p.askAbout(ctx, parts)
	}
}

// transactional are the parts of a request that are of a transaction and that this node may take.
func (p *pendingProduce) transactional(img *metadata.Image) (parts []unverifiedPart) {
	at := -1
	for t := range p.req.Topics {
		topic, err := p.h.topicFor(p.call, OpWrite, img, p.call.Version >= 13, p.req.Topics[t].TopicID, p.req.Topics[t].Topic)
		for i := range p.req.Topics[t].Partitions {
			at++
			asked := &p.req.Topics[t].Partitions[i]
			batch, _, splitErr := record.Split(asked.Records)
			if err != nil || splitErr != nil || !batch.IsTransactional() {
				continue // there is another answer, or nothing to verify
			}
			if partition, err := p.h.partitionOf(topic, asked.Partition); err == nil {
				parts = append(parts, unverifiedPart{
					at, partition, txn.Partition{Topic: topic.Name, Index: asked.Partition},
					producerKey{batch.ProducerID(), batch.ProducerEpoch()},
				})
			}
		}
	}
	return parts
}

// takeGuards takes out guards, and returns the parts about which the coordinator is to be asked: those that have a new one.
func (p *pendingProduce) takeGuards(parts []unverifiedPart) (open []unverifiedPart) {
	for _, part := range parts {
		v := &p.verdicts[part.at]
		guard, needed, err := part.partition.BeginVerification(part.producer.id, part.producer.epoch)
		if v.err != nil || err != nil || !needed || guard == v.guard {
			continue
		}
		v.guard = guard
		open = append(open, part)
	}
	return open
}

// askAbout asks the coordinator about parts: once for each producer, of which there is one.
func (p *pendingProduce) askAbout(ctx context.Context, parts []unverifiedPart) {
	for len(parts) > 0 {
		producer := parts[0].producer
		r := enlist.Request{
			Claim:  txn.Claim{TransactionalID: *p.req.TransactionID, ProducerID: producer.id, ProducerEpoch: producer.epoch},
			Verify: p.call.Version < versionProduceAdds,
		}
		var same, others []unverifiedPart
		for _, part := range parts {
			if part.producer == producer {
				same, r.Partitions = append(same, part), append(r.Partitions, part.name)
			} else {
				others = append(others, part)
			}
		}
		for i, err := range p.h.askCoordinator(ctx, r) {
			p.verdicts[same[i].at].err = unverified(err, p.call.Version >= versionProduceAbortable, p.call.Version >= versionProduceAdds)
		}
		parts = others
	}
}

// askCoordinator asks the coordinator. Without a transactional id there is none.
func (h *Handler) askCoordinator(ctx context.Context, r enlist.Request) []*kerr.Error {
	if r.TransactionalID != "" {
		return h.Enlist.Ask(ctx, r)
	}
	all := make([]*kerr.Error, len(r.Partitions))
	for i := range all {
		all[i] = kerr.InvalidRequest
	}
	return all
}
