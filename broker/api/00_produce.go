package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// Produce, key 0, versions 3 to 13 (advertised from 0).
//
// acks 0: nothing is answered, and an error ends the connection, as the producer has no other way to learn of it. acks 1: the
// leader has the records. acks -1: every in-sync replica has them, or timeout_ms passed: REQUEST_TIMED_OUT, and they may
// yet be committed.
//
//	v8   errors of single records: those without a key in a compacted topic (KIP-467)
//	v10  the current leader, and its address, with NOT_LEADER_OR_FOLLOWER (KIP-951)
//	v11  TRANSACTION_ABORTABLE: the partition is not part of the transaction (KIP-890)
//	v12  the partition becomes part of the transaction
//	v13  topics by id (KIP-516)
func (h *Handler) produce(ctx context.Context, c call, req *kmsg.ProduceRequest) {
	p := newPendingProduce(h, c, req)
	if refusal := h.checkProduce(c, req); refusal != nil {
		p.refuseAll(refusal)
		return
	}
	img := h.Controller.Image()
	if req.TransactionID != nil {
		p.verify(ctx, img)
	}
	for t := range req.Topics {
		topic, err := h.topicFor(c, OpWrite, img, c.Version >= 13, req.Topics[t].TopicID, req.Topics[t].Topic)
		if err == nil && isInternal(topic.Name) {
			err = kerr.InvalidTopicException // the coordinators' own: their machines have to know every record
		}
		for i := range req.Topics[t].Partitions {
			p.append(t, i, topic, err)
		}
	}
	p.begun()
}

// checkProduce refuses a request as a whole.
func (h *Handler) checkProduce(c call, req *kmsg.ProduceRequest) error {
	switch {
	case req.TransactionID != nil && !h.mayTransact(c, OpWrite, *req.TransactionID), req.TransactionID == nil && anyTransactional(req):
		return kerr.TransactionalIDAuthorizationFailed
	}
	return nil
}

// anyTransactional says whether there are records of a transaction in a request.
func anyTransactional(req *kmsg.ProduceRequest) bool {
	for t := range req.Topics {
		for i := range req.Topics[t].Partitions {
			if batch, _, err := record.Split(req.Topics[t].Partitions[i].Records); err == nil && batch.IsTransactional() {
				return true
			}
		}
	}
	return false
}

// append hands one partition's records over. err says why its topic is not to be written to.
func (p *pendingProduce) append(t, i int, topic *metadata.Topic, err error) {
	part := &p.req.Topics[t].Partitions[i]
	if err == nil && topic.Partition(part.Partition) == nil {
		err = kerr.UnknownTopicOrPartition
	}
	var batch record.Batch
	if err == nil {
		batch, err = checkRecords(part.Records, p.call.Version)
	}
	if err == nil && (p.req.Acks < -1 || p.req.Acks > 1) {
		err = kerr.InvalidRequiredAcks
	}
	var partition Partition
	if err == nil {
		partition, err = p.h.partitionOf(topic, part.Partition)
	}
	if err == nil && (batch.IsControl() || batch.NumRecords() == 0 || batch.BaseOffset() != 0) {
		err = kerr.InvalidRecord
	}
	at := p.next
	p.next++
	if err != nil {
		p.done(at, refused(err))
		return
	}
	done := func(result replica.AppendResult) { p.done(at, result) }
	if p.verdicts == nil {
		p.pending = append(p.pending, partition.Append(part.Records, p.req.Acks, done))
		return
	}
	if v := p.verdicts[at]; v.err != nil {
		done(refused(v.err))
	} else {
		p.pending = append(p.pending, partition.AppendVerified(part.Records, p.req.Acks, v.guard, done))
	}
}

func refused(err error) replica.AppendResult {
	result := replica.AppendResult{Err: err, CurrentLeaderID: metadata.NoLeader, CurrentLeaderEpoch: -1}
	return result
}

// versionZstd is the first in which batches may be compressed with zstd (KIP-110).
const versionZstd = 7

// checkRecords holds a partition's bytes to what Kafka asks of produce requests: exactly one batch, of magic 2, in a codec that the
// version knows. Everything else about the batch is the leader's to check.
func checkRecords(records []byte, version int16) (record.Batch, error) {
	batch, rest, err := record.Split(records)
	switch {
	case errors.Is(err, record.ErrTruncated), errors.Is(err, record.ErrUnsupportedMagic):
		return batch, kerr.InvalidRecord
	case err != nil:
		return batch, fmt.Errorf("%w: %w", kerr.CorruptMessage, err)
	case len(rest) > 0:
		return batch, kerr.InvalidRecord
	case batch.Codec() == record.Zstd && version < versionZstd:
		return batch, kerr.UnsupportedCompressionType
	}
	return batch, nil
}

// arm starts the clock for what is still awaited.
func (p *pendingProduce) arm() {
	timeout := time.Duration(max(p.req.TimeoutMillis, 0)) * time.Millisecond
	p.timer = time.AfterFunc(timeout, func() {
		for _, each := range p.pending {
			each.Expire()
		}
	})
}

// errProduceFailed is why a connection ends over a produce that is not answered.
var errProduceFailed = errors.New("produce with acks=0 failed")

func produceFailure(topic string, partition int32, code int16) error {
	return fmt.Errorf("%w: %s-%d: %w", errProduceFailed, topic, partition, kerr.ErrorForCode(code))
}
