package inspect

import (
	"math"

	"odradek/broker/commitlog"
	"odradek/broker/record"
)

// link is a whole batch in its place.
type link struct {
	number       int
	position     int64
	base         int64
	delta        int32 // last offset less base
	records      int32
	epoch        int32
	maxTimestamp int64

	producer      int64
	transactional bool
	marker        *record.Marker // of a batch that ends a transaction
}

// disagreement is what the checkpoint and a batch say of its epoch; the same number where they agree.
type disagreement struct{ checkpoint, batch int32 }

func linkOf(p piece) link {
	b := p.batch
	return link{
		number: p.number, position: p.position, base: b.BaseOffset(), delta: b.LastOffsetDelta(), records: b.NumRecords(),
		epoch: b.PartitionLeaderEpoch(), maxTimestamp: b.MaxTimestamp(), producer: b.ProducerID(), transactional: b.IsTransactional(),
	}
}

func (l link) next() int64 { return l.base + int64(l.delta) + 1 }

// chain judges what no CRC covers: base offsets and leader epochs, each against the batch before, the one after and what the
// directory says. A batch is judged when the next is known: if one of two must be wrong, it is the one that the third contradicts.
type chain struct {
	report  *Report
	file    string
	start   int64                  // the segment's base
	epochs  []commitlog.EpochStart // nil: nothing is known
	epochAt string                 // the file that epochs are from
	trusted int64                  // epochs hold before this offset
	// logStart is where the log begins: of what is before it the checkpoint need not tell.
	logStart int64
	index    *indexCheck // nil: it is not looked at
	txns     *txnCheck

	expected int64 // where the next batch begins, or behind
	loose    bool  // what lies between is not known
	epoch    int32 // of the batch before
	said     disagreement
	pending  *link
	gaps     int
	damaged  bool // not all that is in the segment was seen
}

func (c *chain) push(l link) {
	if c.pending != nil {
		c.judge(*c.pending, &l)
	}
	c.pending = &l
}

// broken says that something stands here that is no batch.
func (c *chain) broken() {
	if c.pending != nil {
		c.judge(*c.pending, nil)
		c.pending = nil
	}
	c.loose, c.damaged = true, true
	c.index.lose()
	c.txns.lose()
}

// end closes the segment: the next one begins at next, or the log ends there; -1 is not known. It returns where the segment
// ends.
func (c *chain) end(next int64) int64 {
	if last := c.pending; last != nil {
		wrong := next >= 0 && last.next() != next
		if wrong && c.expected+int64(last.delta)+1 == next && last.base != c.expected {
			c.wrongBase(*last, "%d does not lead to %d, where the log goes on", last.base, next)
			c.take(*last, true, nil)
			return c.expected
		}
		c.judge(*last, nil)
		if wrong && !c.loose && c.expected != next {
			c.report.problem(c.at(*last), "it ends at %d, the log goes on at %d", c.expected, next)
		}
		return c.expected
	}
	if next >= 0 && next != c.expected && !c.loose {
		c.report.file(c.file, "it ends at %d, the log goes on at %d", c.expected, next)
	}
	return c.expected
}

func (c *chain) at(l link) Problem {
	offset := c.expected
	if c.loose {
		offset = l.base
	}
	return Problem{File: c.file, Batch: l.number, Position: l.position, Offset: offset}
}

func (c *chain) wrongBase(l link, format string, args ...any) {
	c.report.problem(c.at(l), "base offset "+format, args...)
}

// judge looks at a batch, with the one that follows it directly, if there is one.
func (c *chain) judge(l link, next *link) {
	wrong := false
	switch {
	case l.base < c.expected:
		wrong = true
		c.wrongBase(l, "%d is before %d, where what stands before it ends", l.base, c.expected)
	case next != nil && l.base != c.expected && l.next() > next.base && next.base >= c.expected:
		wrong = true
		c.wrongBase(l, "%d: it would reach to %d, and the batch after it begins at %d", l.base, l.next(), next.base)
	case l.next()-c.start > math.MaxInt32+1:
		wrong = true
		c.wrongBase(l, "%d is further than a segment reaches from %d", l.base, c.start)
	}
	c.take(l, wrong, next)
}

// take goes on behind a batch whose base offset may be wrong.
func (c *chain) take(l link, wrong bool, next *link) {
	where := c.at(l)
	if !wrong && l.base > c.expected && !c.loose {
		c.gaps++
		c.txns.lose()
	}
	if !wrong || c.loose {
		c.expected = max(c.expected, l.base)
	}
	right := l
	right.base = c.expected
	c.judgeEpoch(where, right, next)
	c.index.batch(right)
	c.txns.batch(right)
	if wrong && c.loose {
		return
	}
	c.expected, c.loose = right.next(), wrong
}

// judgeEpoch holds a leader epoch against the checkpoint where that is to be believed, and otherwise against the neighbours. Which
// of the two is wrong can't be told: the problem names both, once for a run of batches.
func (c *chain) judgeEpoch(where Problem, l link, next *link) {
	if want, ok := c.epochOf(l.base); ok {
		said := disagreement{want, l.epoch}
		if l.epoch != want && said != c.said {
			c.report.problem(where, "leader epoch %d, %s says %d", l.epoch, c.epochAt, want)
		}
		for _, e := range c.epochs {
			if e.Start > l.base && e.Start < l.next() && e.Start != c.logStart {
				c.report.problem(where, "%s has epoch %d begin at %d, inside of the batch", c.epochAt, e.Epoch, e.Start)
			}
		}
		c.epoch, c.said = want, said
		return
	}
	switch {
	case l.epoch < c.epoch:
		c.report.problem(where, "leader epoch %d after %d", l.epoch, c.epoch)
		return
	case next != nil && l.epoch != c.epoch && l.epoch > next.epoch && next.epoch >= c.epoch:
		c.report.problem(where, "leader epoch %d before %d", l.epoch, next.epoch)
		return
	}
	c.epoch = l.epoch
}

// epochOf is the epoch that the checkpoint has for an offset, -1 for none, where it must have one.
func (c *chain) epochOf(offset int64) (epoch int32, ok bool) {
	if offset >= c.trusted || len(c.epochs) == 0 {
		return 0, false
	}
	epoch = -1
	for _, e := range c.epochs {
		if e.Start > offset {
			break
		}
		epoch = e.Epoch
	}
	return epoch, epoch >= 0 || offset >= c.logStart
}

// indexCheck holds a segment's index files against its batches. A nil one does nothing.
type indexCheck struct {
	report    *Report
	base      int64
	name      string
	entries   []commitlog.OffsetEntry
	byPlace   map[int32]int // entry by position
	found     []bool
	timesName string
	times     []commitlog.TimeEntry
	byOffset  map[int32]int // time entry by offset
	timeFound []bool

	maxTimestamp int64
	lost         bool // not all batches were seen
	bare         bool // the segment is so small that it needs no index
}

func newIndexCheck(report *Report, base int64) *indexCheck {
	return &indexCheck{report: report, base: base, byPlace: map[int32]int{}, byOffset: map[int32]int{}, maxTimestamp: record.NoTimestamp}
}

func (x *indexCheck) setEntries(name string, entries []commitlog.OffsetEntry, left int) {
	x.excess(name, left)
	x.name, x.entries, x.found = name, entries, make([]bool, len(entries))
	for i, e := range entries {
		x.byPlace[e.Position] = i
	}
}

// excess reports bytes after the last entry of an index file.
func (x *indexCheck) excess(name string, left int) {
	if left > 0 {
		x.report.file(name, "%d bytes after the last entry", left)
	}
}

func (x *indexCheck) setTimes(name string, times []commitlog.TimeEntry, left int) {
	x.excess(name, left)
	x.timesName, x.times, x.timeFound = name, times, make([]bool, len(times))
	for i, e := range times {
		x.byOffset[e.Offset] = i
	}
}

func (x *indexCheck) lose() {
	if x != nil {
		x.lost = true
	}
}

// batch takes in a batch, whose base offset is right.
func (x *indexCheck) batch(l link) {
	if x == nil {
		return
	}
	last := l.base + int64(l.delta) - x.base
	if i, ok := x.byPlace[int32(l.position)]; ok && l.position <= math.MaxInt32 {
		x.found[i] = true
		if int64(x.entries[i].Offset) != last && !x.lost {
			x.problem(x.name, i, "it has offset %d for position %d, where the batch ends with %d",
				x.base+int64(x.entries[i].Offset), l.position, x.base+last)
		}
	}
	newest := l.records > 0 && l.maxTimestamp > x.maxTimestamp
	if newest {
		x.maxTimestamp = l.maxTimestamp
	}
	if i, ok := x.byOffset[int32(last)]; ok && last <= math.MaxInt32 {
		x.timeFound[i] = true
		if (x.times[i].Timestamp != x.maxTimestamp || !newest) && !x.lost {
			x.problem(x.timesName, i, "it has time %d for offset %d, up to which the latest is %d", x.times[i].Timestamp, x.base+last, x.maxTimestamp)
		}
	}
}

func (x *indexCheck) problem(name string, entry int, format string, args ...any) {
	x.report.problem(Problem{File: name, Batch: entry + 1, Position: -1, Offset: -1}, format, args...)
}

// end reports the entries that name no batch.
func (x *indexCheck) end() {
	if x == nil || x.lost {
		return
	}
	for i, found := range x.found {
		if !found {
			x.problem(x.name, i, "no batch begins at its position %d (for offset %d)", x.entries[i].Position, x.base+int64(x.entries[i].Offset))
		}
	}
	for i, found := range x.timeFound {
		if !found {
			x.problem(x.timesName, i, "no batch ends with its offset %d (for time %d)", x.base+int64(x.times[i].Offset), x.times[i].Timestamp)
		}
	}
	if n := len(x.times); !x.bare && x.maxTimestamp != record.NoTimestamp && (n == 0 || x.times[n-1].Timestamp < x.maxTimestamp) {
		x.report.file(x.timesName, "its last entry is not of %d, the latest time of the segment", x.maxTimestamp)
	}
}
