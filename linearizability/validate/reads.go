package validate

import (
	"fmt"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// reads goes through what consumers did, in their order.
func (c *checker) reads() {
	for i := range c.table.Reads {
		step := &c.table.Reads[i]
		if step.Assign {
			c.assign(i, step)
		} else {
			c.run(i, step)
		}
	}
}

func (c *checker) assign(i int, step *history.ReadStep) {
	if step.First || c.cursors[step.Process] == nil {
		c.cursors[step.Process] = map[history.Partition]*cursor{}
	}
	position := step.Offset
	switch position {
	case history.PositionEarliest:
		position = 0
		if c.mayBegin(step.Partition) {
			position = -1
		}
	case history.PositionLatest:
		position = -1
	}
	c.cursors[step.Process][step.Partition] = &cursor{position: position, final: step.Final, step: i}
	l := c.log(step.Partition)
	if step.Final {
		if !l.finalAssigned || position < l.finalFrom {
			l.finalFrom = max(position, 0)
		}
		l.finalAssigned = true
	}
}

// mayBegin says that a partition's first offset may be another than 0.
func (c *checker) mayBegin(p history.Partition) bool {
	return c.promises.Vanish(p.Topic).Head || slices.ContainsFunc(c.table.Deletes, func(d history.DeleteOp) bool { return d.Partition == p })
}

func (c *checker) run(i int, step *history.ReadStep) {
	l := c.log(step.Partition)
	at := c.cursors[step.Process][step.Partition]
	if at == nil { // polled without an assign in the history: nothing is known of its position
		at = &cursor{position: -1, step: i}
		if c.cursors[step.Process] == nil {
			c.cursors[step.Process] = map[history.Partition]*cursor{}
		}
		c.cursors[step.Process][step.Partition] = at
	}
	c.follow(l, at, i, step)
	for k, v := range step.Values {
		c.observe(l, step.Offset+int64(k), v, i, at.final)
	}
	at.position, at.step = step.After, i
	if at.final && step.After > l.finalTo {
		l.finalTo, l.finalStep = step.After, i
	}
}

// follow holds a run against the position before it.
func (c *checker) follow(l *log, at *cursor, i int, step *history.ReadStep) {
	switch {
	case at.position < 0:
	case step.Offset < at.position:
		if c.promises.MayForget(l.name.Topic) {
			c.report.Allow(Forgotten)
			break
		}
		c.violate(verdict.NonMonotonicPoll, l,
			fmt.Sprintf("%s was at offset %d and then read offset %d", step.Process, at.position, step.Offset),
			c.read(at.step, at.position-1), c.read(i, step.Offset))
	case step.Offset > at.position:
		l.gaps = append(l.gaps, gap{at.position, step.Offset, i})
	}
	if end := step.Offset + int64(len(step.Values)); step.After > end {
		l.gaps = append(l.gaps, gap{end, step.After, i})
	}
}

// observe takes note of a value at an offset.
func (c *checker) observe(l *log, offset int64, v history.ValueID, i int, final bool) {
	found, known := l.seen[offset]
	switch {
	case !known:
		found = sighting{value: v, step: i, final: -1}
		l.offsets = append(l.offsets, offset)
	case found.value != v:
		if !c.promises.MayForget(l.name.Topic) || (final && found.final >= 0) {
			c.violate(verdict.InconsistentOffsets, l, fmt.Sprintf("offset %d is %q to %s and %q to %s", offset,
				c.table.Value(found.value), c.table.Reads[found.step].Process, c.table.Value(v), c.table.Reads[i].Process),
				c.read(found.step, offset), c.read(i, offset))
		} else {
			c.report.Allow(Forgotten)
		}
		if !final {
			return // the first sighting stands, unless the final read knows better
		}
		found = sighting{value: v, step: i, final: -1}
	}
	if final && found.final < 0 {
		found.final = i
	}
	l.seen[offset] = found
	c.locate(l, offset, v, i)
	if !known {
		c.origin(l, offset, v, i)
	}
}

// locate holds an observation against where its value was found before.
func (c *checker) locate(l *log, offset int64, v history.ValueID, i int) {
	at := &c.places[v]
	if at.log == nil {
		*at = place{log: l, offset: offset, step: i}
		return
	}
	if at.twice || (at.log == l && at.offset == offset) {
		return
	}
	at.twice = true
	n := c.table.SendOf(v)
	switch {
	case n < 0: // a phantom, and said to be one
	case !c.table.Sends[n].Idempotent:
		c.report.Allow(Retried)
	case c.promises.MayForget(l.name.Topic):
		c.report.Allow(Forgotten)
	default:
		s := &c.table.Sends[n]
		c.violate(verdict.Duplicate, l, fmt.Sprintf("%q, sent once by the idempotent %s, is at offset %d of %s and at offset %d of %s",
			c.table.Value(v), s.Process, at.offset, at.log.name, offset, l.name),
			s.Events(c.table)[0], c.read(at.step, at.offset), c.read(i, offset))
	}
}

// origin holds the first sighting of a value at an offset against its send.
func (c *checker) origin(l *log, offset int64, v history.ValueID, i int) {
	n := c.table.SendOf(v)
	if n < 0 {
		c.violate(verdict.Phantom, l, fmt.Sprintf("%q at offset %d was sent by nobody", c.table.Value(v), offset), c.read(i, offset))
		return
	}
	s := &c.table.Sends[n]
	switch {
	case s.Asked.Topic != l.name.Topic || (s.Asked.Index >= 0 && s.Asked != l.name):
		c.violate(verdict.Phantom, l, fmt.Sprintf("%q at offset %d was sent to %s", c.table.Value(v), offset, s.Asked),
			s.Events(c.table)[0], c.read(i, offset))
	case c.table.Reads[i].Done < s.Invoked:
		c.violate(verdict.Phantom, l, fmt.Sprintf("%q at offset %d was read before it was sent", c.table.Value(v), offset),
			c.read(i, offset), s.Events(c.table)[0])
	}
	if s.Outcome == history.Fail {
		c.violate(verdict.AbortedRead, l, fmt.Sprintf("%q at offset %d was sent in vain: %s", c.table.Value(v), offset, s.Error),
			append(s.Events(c.table), c.read(i, offset))...)
	}
}
