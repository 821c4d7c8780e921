package model

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// Limits bound what a check may cost. Zero fields take the defaults.
type Limits struct {
	OpsMax    int           // operations a window; default 256
	MaybesMax int           // forks of a partition's tail; default 8
	Timeout   time.Duration // of one window; default 10 s
}

func (l Limits) orDefaults() Limits {
	if l.OpsMax <= 0 {
		l.OpsMax = 256
	}
	if l.MaybesMax <= 0 {
		l.MaybesMax = 8
	}
	if l.Timeout <= 0 {
		l.Timeout = 10 * time.Second
	}
	return l
}

// Check holds each partition of a history against the model. Its violations are all of kind NotLinearizable.
//
// Topics whose acknowledged records may be lost (Promises.MayLoseAcksAll) are not judged, which is noted: once the log may
// go back, there is no one log to be found. Nor are compacted topics, whose log changes behind its end. What leaves a log at its
// head changes nothing of the rest.
func Check(t *history.Table, p history.Promises, limits Limits) verdict.Report {
	c := &checker{table: t, promises: p, limits: limits.orDefaults()}
	for l := range c.logs() {
		c.partition(l)
	}
	return c.report
}

// logs iterates over the partitions that are judged, and notes the topics that are not.
func (c *checker) logs() iter.Seq[*partitionLog] {
	return func(yield func(*partitionLog) bool) {
		names, parts, seen := divide(c.table)
		var skipped []string
		for _, name := range names {
			if why := c.unjudged(name.Topic); why != "" {
				if !slices.Contains(skipped, name.Topic) {
					skipped = append(skipped, name.Topic)
					c.report.Notes = append(c.report.Notes, fmt.Sprintf("topic %s is not held against the model: %s", name.Topic, why))
				}
				continue
			}
			if !yield(build(c.table, c.promises, name, parts[name], seen)) {
				return
			}
		}
	}
}

// unjudged says why a topic is not judged; empty when it is.
func (c *checker) unjudged(topic string) string {
	switch {
	case c.promises.MayForget(topic):
		return "what was acknowledged may be lost"
	case c.promises.Vanish(topic).Compacted:
		return "it is compacted, and two polls may find different records"
	}
	return ""
}

type checker struct {
	table    *history.Table
	promises history.Promises
	limits   Limits
	report   verdict.Report
}

// part is the share of one partition in a history, as indexes.
type part struct{ sends, reads []int }

// divide gives each partition its sends and reads, and says which values were seen anywhere. A send whose partition nobody
// knows belongs to where it was seen first: a client's retries stay in one partition. One that nobody saw belongs to all
// of its topic.
func divide(t *history.Table) (names []history.Partition, parts map[history.Partition]*part, seen []bool) {
	parts, seen = map[history.Partition]*part{}, make([]bool, t.Values())
	of := func(p history.Partition) *part {
		if parts[p] == nil {
			parts[p] = &part{}
			names = append(names, p)
		}
		return parts[p]
	}
	home := make([]history.Partition, t.Values())
	for i := range t.Reads {
		step := &t.Reads[i]
		if step.Assign {
			continue
		}
		of(step.Partition).reads = append(of(step.Partition).reads, i)
		for _, v := range step.Values {
			if !seen[v] {
				seen[v], home[v] = true, step.Partition
			}
		}
	}
	var everywhere []int
	for i := range t.Sends {
		s := &t.Sends[i]
		switch p, ok := s.Place(); {
		case ok:
			of(p).sends = append(of(p).sends, i)
		case seen[s.Value] && home[s.Value].Topic != s.Asked.Topic:
			// Nothing that this send can have done.
		case seen[s.Value]:
			of(home[s.Value]).sends = append(of(home[s.Value]).sends, i)
		default:
			everywhere = append(everywhere, i)
		}
	}
	for _, i := range everywhere {
		for _, name := range names {
			if name.Topic == t.Sends[i].Asked.Topic {
				parts[name].sends = append(parts[name].sends, i)
			}
		}
	}
	return names, parts, seen
}

func (c *checker) partition(l *partitionLog) {
	c.orphans(l)
	forks := c.forks(l)
	windows := l.windows(c.limits.OpsMax, forks)
	c.cuts(l, windows)
	for i := range windows {
		w := &windows[i]
		switch result, info := w.search(c.limits.Timeout); result {
		case porcupine.Illegal:
			c.explain(l, w, w.stuck(info))
		case porcupine.Unknown:
			c.report.Unknown = append(c.report.Unknown,
				fmt.Sprintf("%s: no order of %d operations from offset %d was found or excluded in %s", l.name, len(w.ops), w.start.end, c.limits.Timeout))
		}
	}
}

// forks gives the appends with an unknown outcome that may explain offsets beyond what was read; none when they cannot, or
// need not, be told.
func (c *checker) forks(l *partitionLog) []op {
	if l.loosened == 0 {
		return nil
	}
	tail := len(l.appends) - l.firstUnexplained()
	if l.loose || len(l.maybes) == 0 || len(l.maybes) > c.limits.MaybesMax || tail > c.limits.OpsMax {
		c.report.Notes = append(c.report.Notes,
			fmt.Sprintf("%s: %d offsets from %d, where nobody read, are left unexplained", l.name, l.loosened, l.frontier))
		return nil
	}
	var forks []op
	for _, i := range l.maybes {
		s := &c.table.Sends[i]
		forks = append(forks, op{maybe: true, call: s.Invoked, ret: never, send: i, token: token(c.table.Value(s.Value))})
	}
	return forks
}

// orphans finds records that were read and that no send explains.
func (c *checker) orphans(l *partitionLog) {
	next := 0
	for _, offset := range l.known {
		for next < len(l.appends) && l.appends[next].place < offset {
			next++
		}
		if next < len(l.appends) && l.appends[next].place == offset {
			continue
		}
		c.violate(l, fmt.Sprintf("the record read at offset %d was appended by no send that can have put it there", offset), c.readerOf(l, offset)...)
		return // one says it: what follows may be of the same cause
	}
}

// cuts holds real time against the order of the windows: nothing in an earlier one begins after something in a later one has ended.
func (c *checker) cuts(l *partitionLog, windows []window) {
	var latest *op
	for i := range windows {
		for k := range windows[i].ops {
			if o := &windows[i].ops[k]; latest != nil && o.ret < latest.call {
				c.outOfTime(l, latest, o)
				return
			}
		}
		for k := range windows[i].ops {
			if o := &windows[i].ops[k]; !o.maybe && (latest == nil || o.call > latest.call) {
				latest = o
			}
		}
	}
}

// explain says why a window has no order: by two operations that exclude each other if there are such, else by the
// one that fits nowhere.
func (c *checker) explain(l *partitionLog, w *window, stuck int) {
	var latest *op
	for i := range w.ops {
		o := &w.ops[i]
		if o.maybe {
			continue
		}
		if latest != nil && o.ret < latest.call {
			c.outOfTime(l, latest, o)
			return
		}
		if latest == nil || o.call > latest.call {
			latest = o
		}
	}
	if stuck < 0 {
		c.violate(l, fmt.Sprintf("no order explains %d operations from offset %d", len(w.ops), w.start.end))
		return
	}
	o := &w.ops[stuck]
	events := c.events(o)
	if stuck > 0 {
		events = append(c.events(&w.ops[stuck-1]), events...)
	}
	c.violate(l, fmt.Sprintf("no order of %d operations from offset %d has a place for %s", len(w.ops), w.start.end, c.words(o)), events...)
}

// outOfTime reports that what comes first in the log began after what comes later had ended.
func (c *checker) outOfTime(l *partitionLog, first, later *op) {
	c.violate(l, fmt.Sprintf("%s comes before %s in the log, and began after that had ended", c.words(first), c.words(later)),
		append(c.events(later), c.events(first)...)...)
}

func (c *checker) violate(l *partitionLog, words string, events ...history.Event) {
	c.report.Add(verdict.Violation{Kind: verdict.NotLinearizable, Partition: l.name, Words: words, Events: events})
}

// words names an operation.
func (c *checker) words(o *op) string {
	if o.read {
		return fmt.Sprintf("the poll of %s up to offset %d", c.table.Reads[o.step].Process, o.place-1)
	}
	s := &c.table.Sends[o.send]
	if o.maybe {
		return fmt.Sprintf("the append of %q, whose outcome is unknown", c.table.Value(s.Value))
	}
	return fmt.Sprintf("the append of %q at offset %d", c.table.Value(s.Value), o.place)
}

func (c *checker) events(o *op) []history.Event {
	if o.read {
		return []history.Event{c.table.Reads[o.step].Event(c.table, o.place-1)}
	}
	return c.table.Sends[o.send].Events(c.table)
}

// readerOf finds a read of an offset.
func (c *checker) readerOf(l *partitionLog, offset int64) []history.Event {
	for i := range c.table.Reads {
		step := &c.table.Reads[i]
		if !step.Assign && step.Partition == l.name && step.Offset <= offset && offset < step.Offset+int64(len(step.Values)) {
			return []history.Event{step.Event(c.table, offset)}
		}
	}
	return nil
}
