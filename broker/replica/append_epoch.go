package replica

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
)

// AppendInEpoch is Append with acks=-1 for a coordinator, whose records follow from what the log held when leaderEpoch began: if
// this node leads another epoch by now, somebody else may have written meanwhile, and the answer is NOT_LEADER_OR_FOLLOWER. guard is
// what a transaction's first batch needs, 0 for other batches.
func (p *Partition) AppendInEpoch(batches []byte, leaderEpoch int32, guard commitlog.Guard, done func(AppendResult)) *PendingAppend {
	return p.appendInEpoch(batches, leaderEpoch, asCoordinator(guard), done)
}

// AppendMarkerInEpoch is AppendMarker for a coordinator, as AppendInEpoch is Append.
func (p *Partition) AppendMarkerInEpoch(batch []byte, bumped bool, leaderEpoch int32, done func(AppendResult)) *PendingAppend {
	return p.appendInEpoch(batch, leaderEpoch, asMarker(bumped), done)
}

func (p *Partition) appendInEpoch(batches []byte, leaderEpoch int32, to appendTo, done func(AppendResult)) *PendingAppend {
	return p.run(done, func(a *PendingAppend) (*kerr.Error, bool) {
		if err := p.usable(); err != nil {
			return err, false
		}
		if p.lead == nil || p.lead.epoch != leaderEpoch {
			return kerr.NotLeaderForPartition, false
		}
		return p.append(a, batches, -1, to)
	})
}
