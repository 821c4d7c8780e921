package validate

import (
	"cmp"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// Names of allowed exceptions; the package comment says what each excuses.
const (
	LostAcksOne   = "lost-acks-one"
	LostAcksAll   = "lost-acks-all"
	Forgotten     = "forgotten"
	Retried       = "retry-without-idempotence"
	AckAfterFinal = "ack-after-final"
	Deleted       = "deleted"
	Retained      = "retained"
	Compacted     = "compacted"
	Deposed       = "deposed"
)

// Check holds a history against the promises of its run.
func Check(t *history.Table, p history.Promises) verdict.Report {
	c := &checker{
		table: t, promises: p,
		logs:    map[history.Partition]*log{},
		cursors: map[string]map[history.Partition]*cursor{},
		places:  make([]place, t.Values()),

		lostTombstones: map[topicKey]bool{},
	}
	c.reads()
	c.vanishing()
	c.ends()
	c.acks()
	c.order()
	c.skips()
	c.forgotten()
	c.undeleted()
	c.resurrected()
	c.transactions()
	c.groups()
	c.shares()
	c.progress()
	return c.report
}

// checker is the state of one Check.
type checker struct {
	table    *history.Table
	promises history.Promises
	report   verdict.Report
	logs     map[history.Partition]*log
	names    []history.Partition // keys of logs, in the order in which they came up
	cursors  map[string]map[history.Partition]*cursor
	places   []place // by ValueID
	// lostTombstones are keys of which a tombstone was sent that may be in the log, or have been, though nobody saw it.
	lostTombstones map[topicKey]bool
}

// log is what is known of one partition.
type log struct {
	name    history.Partition
	seen    map[int64]sighting // by offset
	offsets []int64            // keys of seen, as they came up
	acked   map[int64]int      // by offset: the first send acknowledged there
	gaps    []gap              // as they came up
	joined  []gap              // ascending, without overlap: see joinGaps

	// The final read: everything in [finalFrom, finalTo) was passed.
	finalAssigned      bool
	finalFrom, finalTo int64
	finalStep          int                // the read that came furthest
	asked              *history.OffsetsOp // the end that a final reader was told last
	end                *history.OffsetsOp // the latest that a final reader came to; nil: none did
	lastAcked          int                // the latest acknowledged send, -1 for none

	// What may have vanished by itself.
	start     int64 // the highest log start that anybody was told
	deletes   []int // DeleteRecords
	deletedTo int64 // what they asked for at most
	keys      map[string][]version
	keyNames  []string // keys of keys, as they came up
}

// sighting is a value that a reader found at an offset.
type sighting struct {
	value history.ValueID
	step  int // the first read that found it
	final int // the first final read that found it, -1 for none
}

// place is where a value was first found.
type place struct {
	log    *log // nil: nowhere
	offset int64
	step   int
	twice  bool // and somewhere else too: said once
}

// gap is a stretch of offsets that a consumer passed without getting a record.
type gap struct {
	from, to int64
	step     int
}

// cursor is a consumer's position in a partition.
type cursor struct {
	position int64 // -1 while unknown
	final    bool
	step     int // that brought it there
}

func (c *checker) log(p history.Partition) *log {
	l := c.logs[p]
	if l == nil {
		l = &log{name: p, seen: map[int64]sighting{}, acked: map[int64]int{}, finalStep: -1, lastAcked: -1}
		c.logs[p] = l
		c.names = append(c.names, p)
	}
	return l
}

// passed says whether an offset lies in what the final read passed.
func (l *log) passed(offset int64) bool { return offset >= l.finalFrom && offset < l.finalTo }

// joinGaps makes of all consumers' gaps ascending ones that do not overlap, so that one can be looked up.
func (l *log) joinGaps() {
	slices.SortStableFunc(l.gaps, func(a, b gap) int { return cmp.Compare(a.from, b.from) })
	for _, g := range l.gaps {
		if n := len(l.joined); n > 0 {
			g.from = max(g.from, l.joined[n-1].to) // what is left belongs to this gap's consumer
		}
		if g.from < g.to {
			l.joined = append(l.joined, g)
		}
	}
}

// skipped finds a gap that holds the offset.
func (l *log) skipped(offset int64) (gap, bool) {
	i, _ := slices.BinarySearchFunc(l.joined, offset, func(g gap, offset int64) int { return cmp.Compare(g.to, offset+1) })
	if i < len(l.joined) && l.joined[i].from <= offset {
		return l.joined[i], true
	}
	return gap{}, false
}

func (c *checker) violate(k verdict.Kind, l *log, words string, events ...history.Event) {
	c.report.Add(verdict.Violation{Kind: k, Partition: l.name, Words: words, Events: events})
}

// lossName names the exception by which a record of this acks may be missing; ok is false when it may not.
func (c *checker) lossName(s *history.SendOp) (name string, ok bool) {
	if !c.promises.MayLose(s.Asked.Topic, s.Acks) {
		return "", false
	}
	if s.Acks == history.AcksAll {
		return LostAcksAll, true
	}
	return LostAcksOne, true
}

// read gives back the event of a read, around an offset.
func (c *checker) read(step int, offset int64) history.Event {
	return c.table.Reads[step].Event(c.table, offset)
}

// lastEvent is a send's completion, or its beginning when it has none.
func (c *checker) lastEvent(s *history.SendOp) history.Event {
	events := s.Events(c.table)
	return events[len(events)-1]
}
