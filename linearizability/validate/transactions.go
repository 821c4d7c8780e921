package validate

import (
	"fmt"
	"slices"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// viewed is where a reader of committed records found a value.
type viewed struct {
	view   int
	offset int64
}

// transactions holds what readers of committed records were given against the transactions that it was sent in, and copies
// against what they are copies of.
func (c *checker) transactions() {
	final := map[history.ValueID]viewed{}
	for i := range c.table.Views {
		v := &c.table.Views[i]
		for k, value := range v.Values {
			at := viewed{i, v.Offset + int64(k)}
			if v.Final {
				final[value] = at
			}
			c.abortedView(value, at)
		}
	}
	if !c.table.Viewed {
		return
	}
	for i := range c.table.Txns {
		c.whole(&c.table.Txns[i], final)
	}
	c.copies(final)
}

// abortedView finds a record that was aborted, or whose transaction was still open.
func (c *checker) abortedView(value history.ValueID, at viewed) {
	send := c.table.SendOf(value)
	if send < 0 || c.table.Sends[send].Txn < 0 {
		return // that nobody sent it, other readers say
	}
	s, v := &c.table.Sends[send], &c.table.Views[at.view]
	x := &c.table.Txns[s.Txn]
	l := c.log(v.Partition)
	switch {
	case x.Aborted():
		c.violate(verdict.AbortedRead, l, fmt.Sprintf("%s, a reader of committed records, found %q, whose transaction %s was aborted",
			v.Process, c.table.Value(value), x.Name), append(x.Events(), v.Event(c.table, at.offset))...)
	case v.Done < x.Invoked:
		c.violate(verdict.AbortedRead, l, fmt.Sprintf("%s, a reader of committed records, found %q before its transaction %s was ended",
			v.Process, c.table.Value(value), x.Name), append(x.Events(), v.Event(c.table, at.offset))...)
	}
}

// whole demands that the final view has all of a transaction, or nothing; all, when it is known to be committed.
func (c *checker) whole(x *history.TxnOp, final map[history.ValueID]viewed) {
	var found, missing *history.SendOp
	for _, i := range x.Sends {
		s := &c.table.Sends[i]
		if !s.Acknowledged() {
			continue
		}
		if _, ok := final[s.Value]; ok {
			found = s
		} else if name, excused := c.lossName(s); excused {
			c.report.Allow(name)
		} else {
			missing = s
		}
	}
	if missing == nil || found == nil && !x.Committed() {
		return
	}
	p, _ := missing.Place()
	words := fmt.Sprintf("%q of the committed transaction %s is not read", c.table.Value(missing.Value), x.Name)
	events := append(missing.Events(c.table), x.Events()...)
	if found != nil {
		words = fmt.Sprintf("of transaction %s %q is read, and %q is not", x.Name, c.table.Value(found.Value), c.table.Value(missing.Value))
		at := final[found.Value]
		events = append(events, c.table.Views[at.view].Event(c.table, at.offset))
	}
	c.violate(verdict.TornTransaction, c.log(p), words, events...)
}

// copies demands of a copy in transactions that it is made once, and that none is left out before the last.
func (c *checker) copies(final map[history.ValueID]viewed) {
	copied := map[history.ValueID]*history.SendOp{}
	until := map[*log]int64{}
	var sources []*log
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		if _, ok := final[s.Value]; s.Copies < 0 || !ok {
			continue
		}
		source := c.places[s.Copies]
		if other := copied[s.Copies]; other != nil && source.twice {
			c.report.Allow(Retried) // two records of one value, each copied
		} else if other != nil {
			p, _ := s.Place()
			c.violate(verdict.CopiedTwice, c.log(p), fmt.Sprintf("%q and %q are both copies of %q", c.table.Value(other.Value),
				c.table.Value(s.Value), c.table.Value(s.Copies)), append(other.Events(c.table), s.Events(c.table)...)...)
		}
		copied[s.Copies] = s
		if source.log == nil {
			continue // what became of it, others say
		}
		if _, known := until[source.log]; !known {
			sources = append(sources, source.log)
		}
		until[source.log] = max(until[source.log], source.offset)
	}
	for _, l := range sources {
		c.uncopied(l, until[l], copied)
	}
}

// uncopied finds a record that was passed over, before the last that was copied.
func (c *checker) uncopied(l *log, until int64, copied map[history.ValueID]*history.SendOp) {
	if c.promises.MayForget(l.name.Topic) || c.mayBegin(l.name) {
		return
	}
	offsets := slices.Sorted(slices.Values(l.offsets))
	for _, offset := range offsets {
		found := l.seen[offset]
		if offset >= until || copied[found.value] != nil {
			continue
		}
		c.violate(verdict.CopySkipped, l, fmt.Sprintf("%q at offset %d was not copied, and what is at offset %d was",
			c.table.Value(found.value), offset, until), c.read(found.step, offset))
	}
}
