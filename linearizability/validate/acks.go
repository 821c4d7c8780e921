package validate

import (
	"fmt"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// ends finds out which final reads came to the end that they had asked for.
func (c *checker) ends() {
	for i := range c.table.Ends {
		end := &c.table.Ends[i]
		l := c.log(end.Partition)
		at := c.cursors[end.Process][end.Partition]
		if at == nil || !at.final {
			continue
		}
		l.asked = end
		// An empty partition is at its end before anything is read.
		if max(at.position, end.Start) >= end.End && (l.end == nil || end.Invoked >= l.end.Invoked) {
			l.end = end
			l.finalTo = max(l.finalTo, end.End)
		}
	}
	for _, name := range c.names {
		c.logs[name].joinGaps()
	}
}

// acks holds each acknowledgement against the readers and the other acknowledgements.
func (c *checker) acks() {
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		if !s.Acknowledged() {
			continue
		}
		p, _ := s.Place()
		l := c.log(p)
		l.lastAcked = i
		if s.Asked.Index >= 0 && s.Asked != p {
			c.violate(verdict.WrongAck, l, fmt.Sprintf("%q was sent to %s and acknowledged in %s", c.table.Value(s.Value), s.Asked, p),
				s.Events(c.table)...)
			continue
		}
		if s.Offset < 0 {
			c.ackWithoutOffset(l, s)
			continue
		}
		c.ackAgainstAck(l, i, s)
		c.ackAgainstReads(l, s)
	}
}

// ackAgainstAck finds two records acknowledged at one offset.
func (c *checker) ackAgainstAck(l *log, i int, s *history.SendOp) {
	first, taken := l.acked[s.Offset]
	if !taken {
		l.acked[s.Offset] = i
		return
	}
	other := &c.table.Sends[first]
	for _, one := range []*history.SendOp{other, s} {
		if name, ok := c.lossName(one); ok {
			c.report.Allow(name)
			return
		}
	}
	c.violate(verdict.InconsistentOffsets, l, fmt.Sprintf("offset %d was given to %q of %s and to %q of %s", s.Offset,
		c.table.Value(other.Value), other.Process, c.table.Value(s.Value), s.Process), c.lastEvent(other), c.lastEvent(s))
}

// ackAgainstReads finds an acknowledged record that is not where it was acknowledged.
func (c *checker) ackAgainstReads(l *log, s *history.SendOp) {
	found, seen := l.seen[s.Offset]
	if seen && found.value == s.Value {
		return // whether the final read found it too is asked of every sighting
	}
	name, mayBeLost := c.lossName(s)
	elsewhere := c.places[s.Value]
	skip, skipped := l.skipped(s.Offset)
	// What was sent once and is elsewhere was never here; what a retry may have appended again was.
	if !seen && (elsewhere.log == nil || !s.Idempotent) {
		if gone, ok := c.vanished(l, s.Value, s.Offset, c.passedAt(l, s.Offset, skip, skipped)); ok {
			c.report.Allow(gone)
			return
		}
	}
	what := fmt.Sprintf("%q of %s was acknowledged at offset %d (acks=%s)", c.table.Value(s.Value), s.Process, s.Offset, acksWord(s.Acks))
	switch {
	case !seen && !l.passed(s.Offset) && !skipped:
		c.beyondTheRead(l, s, what, name, mayBeLost)
	case mayBeLost:
		c.report.Allow(name)
	case elsewhere.log != nil:
		c.violate(verdict.WrongAck, l, fmt.Sprintf("%s and is at offset %d of %s", what, elsewhere.offset, elsewhere.log.name),
			append(s.Events(c.table), c.read(elsewhere.step, elsewhere.offset))...)
	case seen:
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%s, where %s found %q; it is nowhere else", what,
			c.table.Reads[found.step].Process, c.table.Value(found.value)), append(s.Events(c.table), c.read(found.step, s.Offset))...)
	case l.passed(s.Offset):
		events := s.Events(c.table)
		by := "the final read"
		if l.finalStep >= 0 {
			events = append(events, c.read(l.finalStep, -1))
			by = "the final read of " + c.table.Reads[l.finalStep].Process
		}
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%s; %s passed it and found nothing there", what, by), events...)
	default:
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%s; %s passed it and found nothing there", what, c.table.Reads[skip.step].Process),
			append(s.Events(c.table), c.read(skip.step, -1))...)
	}
}

// passedAt is when a reader that found nothing at an offset was done with it: the final one, if it came there.
func (c *checker) passedAt(l *log, offset int64, skip gap, skipped bool) int64 {
	switch {
	case l.finalStep >= 0 && l.passed(offset):
		return c.table.Reads[l.finalStep].Done
	case skipped:
		return c.table.Reads[skip.step].Done
	case l.end != nil:
		return l.end.Done
	}
	return 0
}

// beyondTheRead judges an acknowledged offset that no reader came to: lost when the log is known to end before it.
func (c *checker) beyondTheRead(l *log, s *history.SendOp, what, name string, mayBeLost bool) {
	switch {
	case l.end == nil: // progress says so, once a partition
	case s.Done >= l.end.Invoked:
		c.report.Allow(AckAfterFinal)
	case mayBeLost:
		c.report.Allow(name)
	case s.Offset < l.finalFrom:
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%s; the final read began at offset %d only", what, l.finalFrom), s.Events(c.table)...)
	default:
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%s; %s found the end at offset %d", what, l.end.Process, l.end.End),
			append(s.Events(c.table), l.end.Event())...)
	}
}

// ackWithoutOffset judges by the value alone: the broker knew the record as a duplicate, and did not say where it is.
func (c *checker) ackWithoutOffset(l *log, s *history.SendOp) {
	if c.places[s.Value].log != nil || l.end == nil {
		return
	}
	if s.Done >= l.end.Invoked {
		c.report.Allow(AckAfterFinal)
	} else if name, ok := c.lossName(s); ok {
		c.report.Allow(name)
	} else if name, ok := c.vanished(l, s.Value, 0, l.end.Done); ok {
		c.report.Allow(name) // nobody knows where it was
	} else {
		c.violate(verdict.LostWrite, l, fmt.Sprintf("%q of %s was acknowledged (acks=%s) and is nowhere", c.table.Value(s.Value), s.Process,
			acksWord(s.Acks)), append(s.Events(c.table), l.end.Event())...)
	}
}

// order holds each idempotent producer's acknowledged records against the order in which they were sent.
func (c *checker) order() {
	type stream struct {
		process   string
		partition history.Partition
	}
	last := map[stream]int{}
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		if !s.Idempotent || !s.Acknowledged() || s.Offset < 0 {
			continue
		}
		p, _ := s.Place()
		key := stream{s.Process, p}
		before, ok := last[key]
		if !ok || c.table.Sends[before].Offset < s.Offset {
			last[key] = i
			continue
		}
		if c.promises.MayForget(p.Topic) {
			c.report.Allow(Forgotten)
			last[key] = i
			continue
		}
		b := &c.table.Sends[before]
		c.violate(verdict.Reordered, c.log(p), fmt.Sprintf("the idempotent %s sent %q before %q; they are at offsets %d and %d", s.Process,
			c.table.Value(b.Value), c.table.Value(s.Value), b.Offset, s.Offset), append(b.Events(c.table), s.Events(c.table)...)...)
	}
}

// skips finds records in what consumers passed over.
func (c *checker) skips() {
	for _, name := range c.names {
		l := c.logs[name]
		if len(l.gaps) == 0 {
			continue
		}
		slices.Sort(l.offsets)
		for _, g := range l.gaps {
			first, _ := slices.BinarySearch(l.offsets, g.from)
			for _, offset := range l.offsets[first:] {
				if offset >= g.to {
					break
				}
				found := l.seen[offset]
				if c.promises.MayForget(name.Topic) && found.final < 0 {
					c.report.Allow(Forgotten)
					continue
				}
				if gone, ok := c.vanished(l, found.value, offset, c.table.Reads[g.step].Done); ok {
					c.report.Allow(gone)
					continue
				}
				c.violate(verdict.PollSkip, l, fmt.Sprintf("%s went from offset %d to %d over %q at offset %d", c.table.Reads[g.step].Process,
					g.from, g.to, c.table.Value(found.value), offset), c.read(found.step, offset), c.read(g.step, g.to))
				break
			}
		}
	}
}

// forgotten finds records that were read once and that the final read passed without finding.
func (c *checker) forgotten() {
	for _, name := range c.names {
		l := c.logs[name]
		for _, offset := range l.offsets {
			found := l.seen[offset]
			if found.final >= 0 || !l.finalAssigned {
				continue
			}
			gone := l.passed(offset) || offset < l.finalFrom ||
				(l.end != nil && offset >= l.end.End && c.table.Reads[found.step].Done < l.end.Invoked)
			if !gone {
				continue
			}
			if c.promises.MayForget(name.Topic) {
				c.report.Allow(Forgotten)
				continue
			}
			if name, ok := c.vanished(l, found.value, offset, c.passedAt(l, offset, gap{}, false)); ok {
				c.report.Allow(name)
				continue
			}
			c.violate(verdict.LostWrite, l, fmt.Sprintf("%q at offset %d was read by %s; the final read does not find it",
				c.table.Value(found.value), offset, c.table.Reads[found.step].Process), c.read(found.step, offset))
		}
	}
}

// progress demands that some final read came to the end of every partition that it was assigned, or that has acknowledged records.
func (c *checker) progress() {
	if !c.promises.Progress {
		return
	}
	for _, name := range c.names {
		l := c.logs[name]
		if l.end != nil || (l.lastAcked < 0 && !l.finalAssigned) {
			continue
		}
		var words string
		switch {
		case !l.finalAssigned:
			words = "no final read of it was begun"
		case l.asked == nil:
			words = "the final reader was not told where it ends"
		default:
			words = fmt.Sprintf("the final read came to offset %d of %d", l.finalTo, l.asked.End)
		}
		var events []history.Event
		if l.lastAcked >= 0 {
			s := &c.table.Sends[l.lastAcked]
			words += fmt.Sprintf("; %q was acknowledged at offset %d", c.table.Value(s.Value), s.Offset)
			events = s.Events(c.table)
		}
		c.violate(verdict.Unseen, l, words, events...)
	}
}

func acksWord(a history.Acks) string {
	if a == history.AcksAll {
		return "all"
	}
	return fmt.Sprint(int(a))
}
