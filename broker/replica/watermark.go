package replica

import "time"

// highWatermark returns the offset before which every record is on all in-sync replicas, given that the leader itself
// holds (durably, where that is asked for) all before localEnd. The result may be below current when a member of the ISR
// has not been heard yet; the caller keeps the larger.
//
// Three rules besides the minimum over the ISR:
//   - While the ISR is smaller than min.insync.replicas nothing becomes committed (KIP-966), or a replica that left an ISR
//     that was large enough could not be elected again without loss.
//   - A follower that is about to join counts as a member (see isrState.inMaximal).
//   - A follower that keeps up and may join also counts, or an active partition's high watermark would run ahead of it at
//     each of its fetches and it would never reach it.
func (l *leaderState) highWatermark(localEnd int64, now time.Time, lagMax time.Duration, eligible eligibility) int64 {
	if l.underMinISR() {
		return -1
	}
	mark := localEnd
	for _, f := range l.followers {
		if f.logEndOffset >= mark {
			continue
		}
		if l.isr.inMaximal(f.id) || f.caughtUp(localEnd, now, lagMax) && eligible(f.id, f.brokerEpoch) {
			mark = f.logEndOffset
		}
	}
	return mark
}

// underMinISR says that the committed ISR is too small for the high watermark to move and for acks=-1 to be accepted.
func (l *leaderState) underMinISR() bool {
	return len(l.isr.committed) < minISR(l.minISR, l.replicas)
}
