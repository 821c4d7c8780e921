package validate

import (
	"fmt"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// ShareTopic is the topic whose promises are those of what share groups have settled.
const ShareTopic = "__share_group_state"

// shared is a record as a share group knows it.
type shared struct {
	group     string
	partition history.Partition
	offset    int64
}

// shares holds what members of share groups (KIP-932) did against what brokers promise them: each record comes to some member, is what
// everybody finds at its offset, and does not come again once it is settled. That it comes more than once before is allowed.
func (c *checker) shares() {
	taken := map[shared]bool{}
	for i := range c.table.Takes {
		step := &c.table.Takes[i]
		for k, v := range step.Values {
			offset := step.Offset + int64(k)
			taken[shared{step.Group, step.Partition, offset}] = true
			c.takenRight(step, offset, v)
		}
	}
	c.takenAgain()
	c.untaken(taken)
}

// takenRight holds a record that was taken against what others found at its offset.
func (c *checker) takenRight(step *history.TakeStep, offset int64, v history.ValueID) {
	l := c.log(step.Partition)
	if c.table.SendOf(v) < 0 {
		c.violate(verdict.Phantom, l, fmt.Sprintf("%q at offset %d was sent by nobody", c.table.Value(v), offset), step.Event(c.table, offset))
		return
	}
	if found, ok := l.seen[offset]; ok && found.value != v {
		if c.promises.MayForget(step.Partition.Topic) {
			c.report.Allow(Forgotten)
			return
		}
		c.violate(verdict.InconsistentOffsets, l, fmt.Sprintf("offset %d has %q, and a share group was given %q",
			offset, c.table.Value(found.value), c.table.Value(v)), c.read(found.step, offset), step.Event(c.table, offset))
	}
}

// takenAgain finds records that were acquired by a request that began after they had been settled. A leader that does not know yet that
// another one has taken over does not know either what was settled there: nobody is asked before records are given (KIP-932), so that
// until it hears of its end it gives what it believes available. What is settled with it is refused then.
func (c *checker) takenAgain() {
	type settled struct {
		op *history.SettleOp
		at history.Position
	}
	first := map[shared]settled{}
	for i := range c.table.Settles {
		op := &c.table.Settles[i]
		if op.Outcome != history.OK {
			continue
		}
		for _, at := range op.Positions {
			key := shared{op.Group, history.Partition{Topic: at.Topic, Index: at.Partition}, at.Offset}
			if before, ok := first[key]; !ok || op.Done < before.op.Done {
				first[key] = settled{op, at}
			}
		}
	}
	for i := range c.table.Takes {
		step := &c.table.Takes[i]
		for k := range step.Values {
			offset := step.Offset + int64(k)
			s, ok := first[shared{step.Group, step.Partition, offset}]
			if !ok || step.Invoked <= s.op.Done {
				continue
			}
			if step.LeaderEpoch < s.at.LeaderEpoch {
				c.report.Allow(Deposed)
				continue
			}
			if c.promises.MayForget(ShareTopic) || c.promises.MayForget(step.Partition.Topic) {
				c.report.Allow(Forgotten)
				continue
			}
			c.violate(verdict.TakenAgain, c.log(step.Partition), fmt.Sprintf("group %s: %s had settled offset %d, and %s was given it later",
				step.Group, s.op.Process, offset, step.Process), append(s.op.Events(s.at), step.Event(c.table, offset))...)
			return
		}
	}
}

// untaken finds acknowledged records before where a share group starts in the end, that no member of it was ever given.
func (c *checker) untaken(taken map[shared]bool) {
	var groups []string
	for i := range c.table.Takes {
		if group := c.table.Takes[i].Group; !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	ends := map[string]*history.CommitOp{}
	for i := range c.table.Committed {
		if asked := &c.table.Committed[i]; slices.Contains(groups, asked.Group) {
			ends[asked.Group] = asked
		}
	}
	for _, group := range groups {
		if asked := ends[group]; asked != nil {
			c.untakenBy(group, asked, taken)
		}
	}
}

func (c *checker) untakenBy(group string, asked *history.CommitOp, taken map[shared]bool) {
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		p, _ := s.Place()
		if !s.Acknowledged() || s.Offset < 0 || s.Offset >= asked.Offset(p) || taken[shared{group, p, s.Offset}] {
			continue
		}
		l := c.log(p)
		name, excused := c.lossName(s)
		if !excused {
			name, excused = c.vanished(l, s.Value, s.Offset, asked.Done)
		}
		if excused {
			c.report.Allow(name)
			continue
		}
		c.violate(verdict.Undelivered, l, fmt.Sprintf("share group %s starts at offset %d, and none of its members got %q at offset %d",
			group, asked.Offset(p), c.table.Value(s.Value), s.Offset), append(s.Events(c.table), asked.Events(p)...)...)
		return
	}
}
