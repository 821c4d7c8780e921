package group

import "time"

// The shortest interval that a member is told, and how many heartbeats a second those of a whole group may be at it.
const (
	intervalMin     = 200 * time.Millisecond
	beatsASecondMax = 200
)

// interval is until when the member's next heartbeat is asked for: the group's own interval once the group rests. While there is news to
// expect it is shorter, since members hear of news by no other way: a group that just changed is likely to change again, as when many
// members start, so that the time until the next heartbeat is as long as the last change is ago; and who waits for what others have yet to
// give up hears of it soon. KIP-848 has the coordinator say the interval in each answer, and clients keep to the last one.
func (b *beat) interval() time.Duration {
	most := b.m.cfg.Consumer.Times(b.g.id).HeartbeatInterval
	least := min(max(intervalMin, time.Duration(len(b.members))*time.Second/beatsASecondMax), most)
	if b.member.state == memberUnreleased || b.epoch > b.assignmentEpoch || b.assignmentEpoch > b.c.assignmentEpoch {
		return least
	}
	rests := b.now.Sub(time.UnixMilli(b.c.assignedMs))
	if rests < 0 { // a clock that was ahead said when
		return most
	}
	return min(max(rests, least), most)
}
