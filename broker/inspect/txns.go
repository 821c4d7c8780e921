package inspect

import (
	"odradek/broker/commitlog"
	"odradek/broker/record"
)

// txnCheck holds the indexes of aborted transactions against the markers in the log, over all its segments.
type txnCheck struct {
	report *Report
	// open are the transactions that were begun and not ended, by producer: their first offsets.
	open map[int64]int64
	// whole says that the log was seen from its first record on, without a gap: only then is it known where transactions begin.
	whole bool

	name    string // of the segment's file
	trusted bool   // it is to be believed
	entries map[int64]commitlog.AbortedTxn
	numbers map[int64]int // of the entries, by last offset, counted from 1
}

// segment begins a segment whose file says entries.
func (x *txnCheck) segment(name string, trusted bool, entries []commitlog.AbortedTxn) {
	x.name, x.trusted = name, trusted
	x.entries, x.numbers = map[int64]commitlog.AbortedTxn{}, map[int64]int{}
	for i, e := range entries {
		x.entries[e.LastOffset], x.numbers[e.LastOffset] = e, i+1
	}
}

func (x *txnCheck) lose() { x.whole = false }

// batch takes in a batch, whose base offset is right.
func (x *txnCheck) batch(l link) {
	switch {
	case l.producer == record.NoProducerID:
	case l.marker != nil:
		first, begun := x.open[l.producer]
		delete(x.open, l.producer)
		if l.marker.Type == record.ControlAbort {
			x.aborted(l, first, begun)
		}
	case l.transactional:
		if _, begun := x.open[l.producer]; !begun {
			x.open[l.producer] = l.base
		}
	}
}

func (x *txnCheck) aborted(l link, first int64, begun bool) {
	entry, known := x.entries[l.base]
	delete(x.entries, l.base)
	if !x.trusted || !known && !(x.whole && begun) {
		return
	}
	if !known {
		x.report.file(x.name, "it lacks the transaction of producer %d that was aborted at %d", l.producer, l.base)
		return
	}
	stable := l.next()
	for _, other := range x.open {
		stable = min(stable, other)
	}
	if !x.whole {
		first, stable = entry.FirstOffset, entry.LastStableOffset
	}
	if want := (commitlog.AbortedTxn{ProducerID: l.producer, FirstOffset: first, LastOffset: l.base, LastStableOffset: stable}); entry != want {
		x.report.problem(Problem{File: x.name, Batch: x.numbers[l.base], Position: -1, Offset: -1}, "it has %+v, the log %+v", entry, want)
	}
}

// end reports, when a segment was seen, the entries whose marker is not there.
func (x *txnCheck) end(damaged bool) {
	if !x.trusted || damaged {
		return
	}
	for number := 1; number <= len(x.numbers); number++ {
		for last, e := range x.entries {
			if x.numbers[last] == number {
				x.report.problem(Problem{File: x.name, Batch: number, Position: -1, Offset: -1}, "no transaction was aborted at its offset %d (producer %d)", last, e.ProducerID)
			}
		}
	}
}
