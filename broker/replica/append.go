package replica

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/env/buggify"
)

// AppendResult is the answer to an append.
type AppendResult struct {
	commitlog.AppendInfo
	// Err is nil or a *kerr.Error.
	Err error
	// InvalidRecords says, with kerr.InvalidRecord, which records were the reason, if they were some and not all.
	InvalidRecords *commitlog.InvalidRecordsError
	// CurrentLeaderID and CurrentLeaderEpoch are who leads as far as is known here, -1 when unknown: a hint for clients
	// that asked the wrong node (KIP-951).
	CurrentLeaderID    int32
	CurrentLeaderEpoch int32
}

// Append appends batches as this partition's leader. The bytes are stamped in place with offsets and epoch.
//
// done is called exactly once, never with a lock held: before Append returns for errors and acks of 0 and 1; otherwise,
// and for acks=1 when flush.messages asks for every message to be flushed, when the records are as safe as asked for,
// or never will be. It may run on any goroutine and must not block. The answers for acks=-1 come in the order of their
// offsets.
//
// Expire ends the wait early.
func (p *Partition) Append(batches []byte, acks int16, done func(AppendResult)) *PendingAppend {
	return p.run(done, func(a *PendingAppend) (*kerr.Error, bool) {
		return p.append(a, batches, acks, (*commitlog.Log).AppendLeader)
	})
}

// AppendVerified is Append of a transaction's batches, with the guard that its first one here needs (BeginVerification).
func (p *Partition) AppendVerified(batches []byte, acks int16, guard commitlog.Guard, done func(AppendResult)) *PendingAppend {
	return p.run(done, func(a *PendingAppend) (*kerr.Error, bool) {
		return p.append(a, batches, acks, func(l *commitlog.Log, batches []byte, epoch int32) (commitlog.AppendInfo, error) {
			return l.AppendVerified(batches, epoch, guard)
		})
	})
}

// AppendMarker is Append with acks=-1 of a control batch that ends a transaction; bumped is explained at commitlog's.
func (p *Partition) AppendMarker(batch []byte, bumped bool, done func(AppendResult)) *PendingAppend {
	return p.run(done, func(a *PendingAppend) (*kerr.Error, bool) { return p.append(a, batch, -1, asMarker(bumped)) })
}

// appendTo is how the log takes batches, by who wrote them.
type appendTo func(l *commitlog.Log, batches []byte, leaderEpoch int32) (commitlog.AppendInfo, error)

func asCoordinator(guard commitlog.Guard) appendTo {
	return func(l *commitlog.Log, batches []byte, epoch int32) (commitlog.AppendInfo, error) {
		return l.AppendCoordinator(batches, epoch, guard)
	}
}

func asMarker(bumped bool) appendTo {
	return func(l *commitlog.Log, batch []byte, epoch int32) (commitlog.AppendInfo, error) {
		return l.AppendMarker(batch, epoch, bumped)
	}
}

// run has f append under p.mu, and sees to an answer that is known at once.
func (p *Partition) run(done func(AppendResult), f func(a *PendingAppend) (answer *kerr.Error, waiting bool)) *PendingAppend {
	a := &PendingAppend{partition: p, done: done}
	p.mu.Lock()
	err, waiting := f(a)
	if !waiting {
		a.result.Err = p.asError(err, &a.result)
	}
	p.unlock()
	if !waiting {
		done(a.result)
	}
	return a
}

// append does what Append does under p.mu. waiting says that the answer will come through a queue.
func (p *Partition) append(a *PendingAppend, batches []byte, acks int16, to appendTo) (answer *kerr.Error, waiting bool) {
	if answer := p.usable(); answer != nil {
		return answer, false
	}
	if p.lead == nil {
		return kerr.NotLeaderForPartition, false
	}
	if acks == -1 && (p.lead.underMinISR() || buggify.Fires(buggify.RefuseAppend)) {
		return kerr.NotEnoughReplicas, false
	}
	info, err := to(p.log, batches, p.lead.epoch)
	if err != nil {
		errors.As(err, &a.result.InvalidRecords)
		answer, fatal := answerFor(err)
		if fatal {
			p.fail(err)
		} else {
			p.resignOver(p.log, answer, err)
		}
		return answer, false
	}
	a.result.AppendInfo = info
	a.required = info.LastOffset + 1
	if acks == -1 {
		p.uncommitted.add(a)
		waiting = true
	}
	if !info.Duplicate {
		p.grown()
	}
	if waiting {
		p.uncommitted.release(p.highWatermark, p.succeed)
		return nil, true
	}
	if acks == 1 && p.settings.durable() && p.log.SyncedOffset() < a.required {
		p.unsynced.add(a)
		return nil, true
	}
	return nil, false
}

// grown follows up on an append by the leader. p.mu is held.
func (p *Partition) grown() {
	p.fire()
	p.armSync()
	p.watchLag()
	p.advance(time.Now())
}

// asError completes an answer: clients that came to the wrong node are told the right one. p.mu is held.
func (p *Partition) asError(err *kerr.Error, result *AppendResult) error {
	result.CurrentLeaderID, result.CurrentLeaderEpoch = p.hint(err)
	if err == nil {
		return nil
	}
	return err
}
