package share

import (
	"iter"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/share/state"
)

// Limits are a group's.
type Limits struct {
	LockDuration  time.Duration // share.record.lock.duration.ms
	DeliveriesMax int16         // share.delivery.count.limit
	InFlightMax   int           // share.partition.max.record.locks
}

// The delivery states of records. Those that are acquired are available to whoever reads the state from the log.
const (
	available    int8 = 0
	acquired     int8 = 1
	acknowledged int8 = 2
	archived     int8 = 4
)

// How a consumer acknowledges a record.
const (
	AckGap     int8 = 0 // there is no such record
	AckAccept  int8 = 1
	AckRelease int8 = 2 // to be delivered again
	AckReject  int8 = 3 // never to be delivered again
	AckRenew   int8 = 4 // still at work: the lock begins anew
)

// span is a run of offsets in one state.
type span struct {
	first, last int64
	state       int8
	deliveries  int16
	// member has acquired the records, until then.
	member string
	until  time.Time
}

// Range is offsets from First to Last.
type Range struct{ First, Last int64 }

// Acquired is what a member was given, for the Deliveries'th time.
type Acquired struct {
	Range
	Deliveries int16
}

// Ack is what a member says of the records of a range: one type for all, or one each.
type Ack struct {
	Range
	Types []int8
}

// Window is the part of a share-partition that is in flight: everything before its start is done with, nothing from its end on was ever
// fetched. It does no I/O and reads no clock. What changes in it that has to be remembered is returned as batches.
//
// A record's life, as its deliveries are counted:
//
//	available ──acquire──▶ acquired ──accept──▶ acknowledged
//	    ▲                     │ ├─────reject──▶ archived ◀──there is no such record── available
//	    └──release, time-out──┘ └──the last delivery, released or timed out──▶ archived
type Window struct {
	// spans ascend without gaps from start to end. Invariant: the first is neither acknowledged nor archived.
	spans      []span
	start, end int64
	limits     Limits
}

// NewWindow makes a window of what was remembered. Records between its batches were not delivered yet.
func NewWindow(start int64, batches []state.Batch, limits Limits) *Window {
	w := &Window{start: start, end: start, limits: limits}
	for _, b := range batches {
		if b.First < w.end {
			b.First = w.end
		}
		if b.Last < b.First {
			continue
		}
		w.extend(b.First-1, available)
		s := span{first: b.First, last: b.Last, state: b.State, deliveries: b.DeliveryCount}
		if s.state == acquired {
			s.state = available
		}
		w.spans = append(w.spans, s)
		w.end = b.Last + 1
	}
	w.advance()
	return w
}

// Start is the offset before which all is done with.
func (w *Window) Start() int64 { return w.start }

// extend puts what lies between the end and last into the window.
func (w *Window) extend(last int64, as int8) {
	if last >= w.end {
		w.spans = append(w.spans, span{first: w.end, last: last, state: as})
		w.end = last + 1
	}
}

// Complete counts the records in the window that are done with.
func (w *Window) Complete() (n int32) {
	for _, s := range w.spans {
		if s.state == acknowledged || s.state == archived {
			n += int32(s.last - s.first + 1)
		}
	}
	return n
}

// Next is where to read for what can be acquired; ok is false when nothing may be, because too much is in flight.
func (w *Window) Next() (offset int64, ok bool) {
	for _, s := range w.spans {
		if s.state == available {
			return s.first, true
		}
	}
	return w.end, w.end-w.start < int64(w.limits.InFlightMax)
}

// TrimTo drops what is before the log's start.
func (w *Window) TrimTo(logStart int64) {
	if logStart <= w.start {
		return
	}
	if logStart >= w.end {
		w.spans, w.start, w.end = nil, logStart, logStart
		return
	}
	at := w.cut(logStart)
	w.spans, w.start = slices.Delete(w.spans, 0, at), logStart
	w.advance()
}

// cut splits the span that offset lies in, so that one begins there, and returns its place.
func (w *Window) cut(offset int64) int {
	at, _ := slices.BinarySearchFunc(w.spans, offset, func(s span, offset int64) int {
		switch {
		case s.last < offset:
			return -1
		case s.first > offset:
			return 1
		}
		return 0
	})
	if at == len(w.spans) || w.spans[at].first == offset {
		return at
	}
	rest := w.spans[at]
	w.spans[at].last, rest.first = offset-1, offset
	w.spans = slices.Insert(w.spans, at+1, rest)
	return at + 1
}

// Acquire gives a member what is available of the batches that were read from an offset on, in order, up to so many records. Unless strict, the
// batch in which the limit lies is given whole. Between them there is nothing: compaction has taken what may have been in flight once.
func (w *Window) Acquire(member string, from int64, batches []Range, recordsMax int, strict bool, now time.Time) []Acquired {
	var given []Acquired
	for _, b := range batches {
		if recordsMax <= 0 {
			break
		}
		w.skip(Range{from, b.First - 1})
		from = b.Last + 1
		w.extend(b.Last, available)
		last := b.Last
		for at := w.cut(max(b.First, w.start)); at < len(w.spans) && w.spans[at].first <= last; at++ {
			if w.spans[at].state != available {
				continue
			}
			if strict && recordsMax <= 0 {
				break
			}
			if room := int64(recordsMax); strict && w.spans[at].last-w.spans[at].first+1 > room {
				w.cut(w.spans[at].first + room)
			}
			if w.spans[at].last > last {
				w.cut(last + 1)
			}
			s := &w.spans[at]
			s.state, s.member, s.until = acquired, member, now.Add(w.limits.LockDuration)
			s.deliveries++
			recordsMax -= int(s.last - s.first + 1)
			given = append(given, Acquired{Range{s.first, s.last}, s.deliveries})
		}
	}
	w.advance()
	return given
}

// skip is done with offsets that have no records and that nobody has acquired. It need not be remembered: whoever takes over reads the same.
func (w *Window) skip(r Range) {
	w.extend(r.Last, archived)
	for at := range w.within(r) {
		if s := &w.spans[at]; s.state == available {
			s.become(archived)
		}
	}
}

// within iterates over the places of the spans in a range, which are cut to fit.
func (w *Window) within(r Range) iter.Seq[int] {
	return func(yield func(int) bool) {
		first, last := max(r.First, w.start), min(r.Last, w.end-1)
		if last < first {
			return
		}
		at := w.cut(first)
		w.cut(last + 1)
		for ; at < len(w.spans) && w.spans[at].last <= last && yield(at); at++ {
		}
	}
}

// Acknowledge takes over what a member says of records that it acquired, all of it or nothing. What was done with meanwhile is passed over.
func (w *Window) Acknowledge(member string, acks []Ack, now time.Time) ([]state.Batch, *kerr.Error) {
	before := *w
	w.spans = slices.Clone(w.spans)
	var changes []state.Batch
	for _, ack := range acks {
		changed, err := w.acknowledge(member, ack, now)
		if err != nil {
			*w = before
			return nil, err
		}
		changes = append(changes, changed...)
	}
	w.advance()
	return changes, nil
}

func (w *Window) acknowledge(member string, ack Ack, now time.Time) (changes []state.Batch, err *kerr.Error) {
	n := ack.Last - ack.First + 1
	if n <= 0 || len(ack.Types) == 0 || len(ack.Types) > 1 && int64(len(ack.Types)) != n {
		return nil, kerr.InvalidRequest
	}
	if ack.Last >= w.end {
		return nil, kerr.InvalidRequest
	}
	for offset := max(ack.First, w.start); offset <= ack.Last; {
		kind, last := ack.run(offset)
		at := w.cut(offset)
		w.cut(last + 1)
		s := &w.spans[at]
		if s.state != acquired || s.member != member {
			return nil, kerr.InvalidRecordState
		}
		switch kind {
		case AckRenew:
			s.until = now.Add(w.limits.LockDuration)
		case AckAccept:
			changes = append(changes, s.become(acknowledged))
		case AckGap, AckReject:
			changes = append(changes, s.become(archived))
		case AckRelease:
			changes = append(changes, w.release(s))
		default:
			return nil, kerr.InvalidRequest
		}
		offset = s.last + 1
	}
	return changes, nil
}

// run is the type of an offset, and how far it goes.
func (a Ack) run(offset int64) (kind int8, last int64) {
	if len(a.Types) == 1 {
		return a.Types[0], a.Last
	}
	i := int(offset - a.First)
	kind = a.Types[i]
	for i+1 < len(a.Types) && a.Types[i+1] == kind {
		i++
	}
	return kind, a.First + int64(i)
}

func (s *span) become(next int8) state.Batch {
	s.state, s.member, s.until = next, "", time.Time{}
	return state.Batch{First: s.first, Last: s.last, State: next, DeliveryCount: s.deliveries}
}

// release makes records available again, unless that was their last delivery.
func (w *Window) release(s *span) state.Batch {
	if s.deliveries >= w.limits.DeliveriesMax {
		return s.become(archived)
	}
	return s.become(available)
}

// Release takes back what a member that goes has acquired.
func (w *Window) Release(member string) (changes []state.Batch) {
	for i := range w.spans {
		if s := &w.spans[i]; s.state == acquired && s.member == member {
			changes = append(changes, w.release(s))
		}
	}
	w.advance()
	return changes
}

// TakeBack takes back what a member has acquired and was never sent. That delivery does not count: or records would be done with that nobody
// ever saw, only because connections ended.
func (w *Window) TakeBack(member string, r Range) (changes []state.Batch) {
	for at := range w.within(r) {
		if s := &w.spans[at]; s.state == acquired && s.member == member {
			s.deliveries--
			changes = append(changes, s.become(available))
		}
	}
	w.advance()
	return changes
}

// Expire takes back what was acquired for too long.
func (w *Window) Expire(now time.Time) (changes []state.Batch) {
	for i := range w.spans {
		if s := &w.spans[i]; s.state == acquired && !s.until.After(now) {
			changes = append(changes, w.release(s))
		}
	}
	w.advance()
	return changes
}

// Expires is when the first lock ends, zero when there is none.
func (w *Window) Expires() (first time.Time) {
	for _, s := range w.spans {
		if s.state == acquired && (first.IsZero() || s.until.Before(first)) {
			first = s.until
		}
	}
	return first
}

// advance moves the start over what is done with, and joins neighbours that are alike.
func (w *Window) advance() {
	n := 0
	for n < len(w.spans) && (w.spans[n].state == acknowledged || w.spans[n].state == archived) {
		n++
	}
	w.spans = slices.Delete(w.spans, 0, n)
	w.start = w.end
	if len(w.spans) > 0 {
		w.start = w.spans[0].first
	}
	joined := w.spans[:0]
	for _, s := range w.spans {
		if n := len(joined); n > 0 && joined[n-1].alike(s) {
			joined[n-1].last = s.last
			continue
		}
		joined = append(joined, s)
	}
	w.spans = joined
}

func (s span) alike(next span) bool {
	next.first, next.last = s.first, s.last
	return s == next
}
