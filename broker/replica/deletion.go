package replica

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// DeleteResult is the answer to DeleteRecords.
type DeleteResult struct {
	// LowWatermark is the least log start offset of the replicas that are alive, -1 when it is not known.
	LowWatermark int64
	// Err is nil or a *kerr.Error.
	Err error
}

// DeleteToHighWatermark is the offset that stands for the high watermark in DeleteRecords.
const DeleteToHighWatermark = -1

// DeleteRecords moves the log's start to offset, as this partition's leader. done is called as Append's is: at once for errors,
// and otherwise when the start of every replica that is alive has come as far. Expire ends the wait early. Errors:
// kerr.PolicyViolation where cleanup.policy has no delete, kerr.OffsetOutOfRange beyond the high watermark,
// kerr.NotLeaderForPartition, kerr.KafkaStorageError.
func (p *Partition) DeleteRecords(offset int64, done func(DeleteResult)) *PendingAppend {
	// A deletion waits in a queue as an append does, for the low watermark instead of the high one.
	a := &PendingAppend{partition: p, done: func(r AppendResult) { done(DeleteResult{LowWatermark: r.LogStartOffset, Err: r.Err}) }}
	a.result.LogStartOffset = -1
	p.mu.Lock()
	err := p.deleteRecords(a, offset)
	if err != nil {
		a.result.Err = p.asError(err, &a.result)
	}
	p.unlock()
	if err != nil {
		a.done(a.result)
	}
	return a
}

func (p *Partition) deleteRecords(a *PendingAppend, offset int64) *kerr.Error {
	if err := p.readable(-1, true); err != nil {
		return err
	}
	if !p.settings.Retention.Delete {
		return kerr.PolicyViolation
	}
	if offset == DeleteToHighWatermark {
		offset = p.highWatermark
	}
	if offset < 0 || offset > p.highWatermark {
		return kerr.OffsetOutOfRange
	}
	if offset > p.log.StartOffset() {
		if err := p.advanceStart(offset); err != nil {
			answer := kerr.KafkaStorageError
			errors.As(err, &answer)
			return answer
		}
	}
	a.required = offset
	a.result.LogStartOffset = p.lowWatermark()
	p.deletions.add(a)
	p.releaseDeletions()
	return nil
}

// lowWatermark is the least start offset of this log and of the followers' that are alive, or may be elected without having followed
// first (KIP-966). p.mu is held and this node leads.
func (p *Partition) lowWatermark() int64 {
	mark := p.log.StartOffset()
	for _, f := range p.lead.followers {
		if p.manager.alive(f.id) || slices.Contains(p.registration.ELR, f.id) {
			mark = min(mark, f.logStartOffset)
		}
	}
	return mark
}

// releaseDeletions answers the deletions that all replicas have followed. p.mu is held.
func (p *Partition) releaseDeletions() {
	if p.lead == nil || len(p.deletions.waiting) == 0 {
		return
	}
	mark := p.lowWatermark()
	p.deletions.release(mark, func(a *PendingAppend) {
		a.result.LogStartOffset = mark
		p.succeed(a)
	})
}

// alive says that a node is registered and not fenced.
func (m *Manager) alive(id int32) bool {
	b := m.image.Load().Brokers[id]
	return b != nil && !b.Fenced
}
