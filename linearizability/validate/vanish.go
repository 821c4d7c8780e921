package validate

import (
	"cmp"
	"fmt"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// version is a record of a compacted partition that is known to be, or to have been, in the log.
type version struct {
	offset int64
	send   int
	final  bool // the final read found it
}

// vanishing finds out, before anything is held against the final read, where each partition's log begins and which records have
// successors.
func (c *checker) vanishing() {
	for i := range c.table.Ends {
		end := &c.table.Ends[i]
		l := c.log(end.Partition)
		l.start = max(l.start, end.Start)
	}
	for i := range c.table.Deletes {
		d := &c.table.Deletes[i]
		l := c.log(d.Partition)
		l.deletes = append(l.deletes, i)
		l.deletedTo = max(l.deletedTo, d.Offset)
	}
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		if s.Key == "" || s.Outcome == history.Fail || !c.promises.Vanish(s.Asked.Topic).Compacted {
			continue
		}
		at := c.places[s.Value]
		switch {
		case s.Acknowledged() && s.Offset >= 0:
			p, _ := s.Place()
			c.addVersion(c.log(p), s.Key, i, s.Offset)
		case at.log != nil:
			c.addVersion(at.log, s.Key, i, at.offset)
		case s.Tombstone:
			c.lostTombstones[topicKey{s.Asked.Topic, s.Key}] = true
		}
	}
	for _, name := range c.names {
		for _, versions := range c.logs[name].keys {
			slices.SortFunc(versions, func(a, b version) int { return cmp.Compare(a.offset, b.offset) })
		}
	}
}

type topicKey struct{ topic, key string }

func (c *checker) addVersion(l *log, key string, send int, offset int64) {
	if l.keys == nil {
		l.keys = map[string][]version{}
	}
	found, seen := l.seen[offset]
	if _, known := l.keys[key]; !known {
		l.keyNames = append(l.keyNames, key)
	}
	l.keys[key] = append(l.keys[key], version{offset, send, seen && found.final >= 0 && found.value == c.table.Sends[send].Value})
}

// vanished names the exception by which a record that was at an offset may be gone for a reader who was done at a time.
func (c *checker) vanished(l *log, v history.ValueID, offset, done int64) (name string, ok bool) {
	if offset < l.deletedTo {
		return Deleted, true
	}
	promise := c.promises.Vanish(l.name.Topic)
	n := c.table.SendOf(v)
	if n < 0 || !promise.Head && !promise.Compacted {
		return "", false
	}
	s := &c.table.Sends[n]
	age := done - s.Invoked // more than it was by the record's own timestamp, so that nobody is accused of a tie
	if promise.Head && offset < l.start && age >= promise.HeadAfter {
		return Retained, true
	}
	if promise.Compacted && s.Key != "" && age >= promise.CompactedAfter && c.replaced(l, s, offset, age, promise) {
		return Compacted, true
	}
	return "", false
}

// replaced says that a compacted log need not keep a record: a later one of its key is known, or may be a tombstone that nobody
// ever saw; or it is a tombstone itself, old enough to go.
func (c *checker) replaced(l *log, s *history.SendOp, offset, age int64, promise history.Vanishing) bool {
	versions := l.keys[s.Key]
	if n := len(versions); n > 0 && versions[n-1].offset > offset {
		return true
	}
	return s.Tombstone && age >= promise.TombstonesFor || c.lostTombstones[topicKey{l.name.Topic, s.Key}]
}

// undeleted finds records, and log starts, below what DeleteRecords had deleted before anybody asked for them.
func (c *checker) undeleted() {
	for _, name := range c.names {
		l := c.logs[name]
		for _, i := range l.deletes {
			if d := &c.table.Deletes[i]; d.OK {
				c.heldDeleted(l, d)
			}
		}
	}
}

// heldDeleted looks at what was asked after a deletion was confirmed. A poll may return what was fetched before it began; what an assign
// begins with was fetched after.
func (c *checker) heldDeleted(l *log, d *history.DeleteOp) {
	if d.Low < d.Offset {
		c.violate(verdict.Undeleted, l, fmt.Sprintf("%s had everything before offset %d deleted, and was told that offset %d is still there",
			d.Process, d.Offset, d.Low), d.Events()...)
	}
	for i := range c.table.Ends {
		end := &c.table.Ends[i]
		if end.Partition == l.name && end.Invoked > d.Done && end.Start < d.Offset {
			c.violate(verdict.Undeleted, l, fmt.Sprintf("%s had everything before offset %d deleted, and %s was told later that the log begins at %d",
				d.Process, d.Offset, end.Process, end.Start), append(d.Events(), end.Event())...)
			return
		}
	}
	after := map[string]bool{} // processes that began to read after the deletion
	var assigns assignments
	for i := range c.table.Reads {
		step := &c.table.Reads[i]
		goesOn := step.Assign && assigns.goesOn(step, l.name)
		switch {
		case step.Partition != l.name:
		case step.Assign && goesOn:
		case step.Assign:
			after[step.Process] = step.Invoked > d.Done
		case after[step.Process] && step.Offset < d.Offset && len(step.Values) > 0:
			c.violate(verdict.Undeleted, l, fmt.Sprintf("%s had everything before offset %d deleted, and %s, who began to read later, found offset %d",
				d.Process, d.Offset, step.Process, step.Offset), append(d.Events(), c.read(i, step.Offset))...)
			return
		}
	}
}

// assignments follows which assign each process is at, and which was the last to have a partition.
type assignments struct{ at, before, with map[string]int64 }

// goesOn says that an assign of a group's member leaves the partition with it: what it had fetched, it keeps.
func (a *assignments) goesOn(step *history.ReadStep, partition history.Partition) bool {
	if a.at == nil {
		a.at, a.before, a.with = map[string]int64{}, map[string]int64{}, map[string]int64{}
	}
	if a.at[step.Process] != step.ID {
		a.before[step.Process], a.at[step.Process] = a.at[step.Process], step.ID
	}
	if step.Partition != partition {
		return false
	}
	last, had := a.with[step.Process]
	a.with[step.Process] = step.ID
	return had && last == a.before[step.Process] && step.Offset == history.PositionLatest
}

// resurrected finds keys whose tombstone is gone while the final read found what it had buried.
func (c *checker) resurrected() {
	for _, name := range c.names {
		l := c.logs[name]
		if l.end == nil || c.promises.MayForget(name.Topic) {
			continue
		}
		for _, key := range l.keyNames {
			c.buried(l, key)
		}
	}
}

func (c *checker) buried(l *log, key string) {
	versions := l.keys[key]
	newest := versions[len(versions)-1]
	s := &c.table.Sends[newest.send]
	if !s.Tombstone || newest.final || newest.offset >= l.end.End || c.promises.MayLose(l.name.Topic, s.Acks) {
		return
	}
	for _, old := range versions[:len(versions)-1] {
		if !old.final || old.offset < l.start {
			continue
		}
		found := l.seen[old.offset]
		// While the reader was on its way the cleaner may have taken both, one after the other.
		if c.table.Reads[l.finalStep].Done-c.table.Reads[found.final].Invoked >= c.promises.Vanish(l.name.Topic).TombstonesFor {
			continue
		}
		c.violate(verdict.Resurrected, l, fmt.Sprintf("%q of key %q is at offset %d, and the tombstone %q that came after it, at offset %d, is gone",
			c.table.Value(found.value), key, old.offset, c.table.Value(s.Value), newest.offset), append(s.Events(c.table), c.read(found.final, old.offset))...)
		return
	}
}
