package replica

import "github.com/twmb/franz-go/pkg/kerr"

// AppendInEpoch is Append with acks=-1 for a writer whose records follow from what the log held when leaderEpoch began: if
// this node leads another epoch by now, somebody else may have written meanwhile, and the answer is NOT_LEADER_OR_FOLLOWER.
func (p *Partition) AppendInEpoch(batches []byte, leaderEpoch int32, done func(AppendResult)) *PendingAppend {
	a := &PendingAppend{partition: p, done: done}
	p.mu.Lock()
	err, waiting := p.usable(), false
	switch {
	case err != nil:
	case p.lead == nil || p.lead.epoch != leaderEpoch:
		err = kerr.NotLeaderForPartition
	default:
		err, waiting = p.append(a, batches, -1)
	}
	if !waiting {
		a.result.Err = p.asError(err, &a.result)
	}
	p.unlock()
	if !waiting {
		done(a.result)
	}
	return a
}
