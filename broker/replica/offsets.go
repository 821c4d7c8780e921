package replica

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/wire"
)

// The timestamps of ListOffsets that are no times.
const (
	TimestampLatest                = -1
	TimestampEarliest              = -2
	TimestampMax                   = -3
	TimestampEarliestLocal         = -4 // KIP-405
	TimestampLatestTiered          = -5 // KIP-1005
	TimestampEarliestPendingUpload = -6 // KIP-1023
)

// OffsetAtTime is an answer of ListOffset; -1 where there is no offset, no time, no epoch.
type OffsetAtTime struct {
	Offset      int64
	Timestamp   int64 // milliseconds
	LeaderEpoch int32
}

var noOffset = OffsetAtTime{Offset: -1, Timestamp: -1, LeaderEpoch: -1}

// ListOffset finds the first offset whose record is of timestamp or later, or one of those that the negative timestamps
// ask for. Only the leader answers, and only with what isolation lets its reader see. The error is a *kerr.Error.
func (p *Partition) ListOffset(currentLeaderEpoch int32, isolation Isolation, timestamp int64) (OffsetAtTime, error) {
	p.mu.Lock()
	if err := p.readable(currentLeaderEpoch, true); err != nil {
		p.mu.Unlock()
		return noOffset, err
	}
	log, end, epoch := p.log, p.readableEnd(isolation), p.leaderEpoch
	// A fresh leader may know of a lower high watermark than the one before announced: until its followers have confirmed
	// what it started with, an answer could go back behind an earlier one (KIP-207).
	uncertain := isolation != LogEnd && p.highWatermark < p.lead.epochStart
	p.mu.Unlock()

	switch timestamp {
	case TimestampLatest:
		if uncertain {
			return noOffset, kerr.OffsetNotAvailable
		}
		return OffsetAtTime{Offset: end, Timestamp: -1, LeaderEpoch: epoch}, nil
	case TimestampEarliest, TimestampEarliestLocal:
		start := log.StartOffset()
		return OffsetAtTime{Offset: start, Timestamp: -1, LeaderEpoch: log.EpochAt(start)}, nil
	case TimestampLatestTiered, TimestampEarliestPendingUpload:
		return noOffset, nil // nothing is tiered
	}
	found, err := p.search(log, timestamp, end)
	if err == nil && found.Offset < 0 && uncertain {
		err = kerr.OffsetNotAvailable
	}
	return found, err
}

// search looks for a timestamp before the offset end.
func (p *Partition) search(log *commitlog.Log, timestamp, end int64) (OffsetAtTime, error) {
	var found OffsetAtTime
	var err error
	if timestamp == TimestampMax {
		found.Offset, found.Timestamp, found.LeaderEpoch, err = log.MaxTimestamp(end)
	} else {
		found.Offset, found.Timestamp, found.LeaderEpoch, err = log.OffsetForTimestamp(timestamp, end)
	}
	if err != nil {
		return noOffset, p.readFailed(log, err).Err
	}
	return found, nil
}

// OffsetForLeaderEpoch returns the largest epoch up to the asked one that the log knows, and the offset behind its last
// record; -1 and -1 when the asked epoch is larger than all that are known. Only the leader answers. The error is a
// *kerr.Error.
func (p *Partition) OffsetForLeaderEpoch(currentLeaderEpoch, epoch int32) (wire.EpochEndOffset, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.readable(currentLeaderEpoch, true); err != nil {
		return wire.EpochEndOffset{Epoch: -1, EndOffset: -1}, err
	}
	found, end := p.log.EpochEndOffset(epoch)
	return wire.EpochEndOffset{Epoch: found, EndOffset: end}, nil
}
