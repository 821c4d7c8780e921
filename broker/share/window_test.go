package share

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"

	"odradek/broker/share/state"
)

var limits = Limits{LockDuration: 10 * time.Second, DeliveriesMax: 3, InFlightMax: 30}

// model is a window as a table of offsets.
type model struct {
	state      map[int64]int8
	deliveries map[int64]int16
	holder     map[int64]string
	until      map[int64]time.Time
	end        int64
}

func (m *model) hold(t *rapid.T, w *Window, remembered []state.Batch) {
	start := w.Start()
	for offset := range m.end {
		done := m.state[offset] == acknowledged || m.state[offset] == archived
		if offset < start && !done {
			t.Fatalf("offset %d is before the start %d and not done with", offset, start)
		}
		if offset == start && done {
			t.Fatalf("the start %d is done with", start)
		}
	}
	for _, s := range w.spans {
		for offset := s.first; offset <= s.last; offset++ {
			if s.state != m.state[offset] || s.deliveries != m.deliveries[offset] || s.member != m.holder[offset] {
				t.Fatalf("offset %d is %+v, should be %d, %d, %q", offset, s, m.state[offset], m.deliveries[offset], m.holder[offset])
			}
		}
	}
	// Whoever takes over from what is remembered knows of everything that is done with, and delivers nothing more often than it may.
	again := NewWindow(start, remembered, limits)
	for _, s := range again.spans {
		for offset := s.first; offset <= s.last; offset++ {
			done := m.state[offset] == acknowledged || m.state[offset] == archived
			if (s.state == acknowledged || s.state == archived) != done && offset < m.end && m.state[offset] != archived {
				t.Fatalf("offset %d is remembered as %d and is %d", offset, s.state, m.state[offset])
			}
			if s.deliveries > m.deliveries[offset] {
				t.Fatalf("offset %d is remembered with %d deliveries of %d", offset, s.deliveries, m.deliveries[offset])
			}
		}
	}
}

// TestWindow holds a window to a table of offsets, whatever members do.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWindow(0, nil, limits)
		m := &model{state: map[int64]int8{}, deliveries: map[int64]int16{}, holder: map[int64]string{}, until: map[int64]time.Time{}}
		now := time.UnixMilli(0)
		remembered := map[int64]state.Batch{}
		remember := func(changes []state.Batch) {
			for _, c := range changes {
				for offset := c.First; offset <= c.Last; offset++ {
					remembered[offset] = state.Batch{First: offset, Last: offset, State: c.State, DeliveryCount: c.DeliveryCount}
				}
			}
		}
		all := func() (batches []state.Batch) {
			for offset := int64(0); offset < w.end; offset++ {
				if b, ok := remembered[offset]; ok && offset >= w.Start() {
					batches = append(batches, b)
				}
			}
			return batches
		}
		back := func(offset int64) {
			m.holder[offset] = ""
			m.state[offset] = available
			if m.deliveries[offset] >= limits.DeliveriesMax {
				m.state[offset] = archived
			}
		}
		member := func() string { return rapid.SampledFrom([]string{"a", "b"}).Draw(t, "member") }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { m.hold(t, w, all()) },
			"acquire": func(t *rapid.T) {
				next, ok := w.Next()
				if !ok {
					if int(w.end-w.start) < limits.InFlightMax {
						t.Fatalf("%d in flight and no more are fetched", w.end-w.start)
					}
					t.Skip()
				}
				first := next + int64(rapid.IntRange(-3, 2).Draw(t, "batch begins"))
				last := max(first, next) + int64(rapid.IntRange(0, 8).Draw(t, "batch"))
				gap := int64(rapid.IntRange(0, 2).Draw(t, "gap"))
				batches := []Range{{first, last}, {last + 1 + gap, last + 3 + gap}}
				records, strict, who := rapid.IntRange(1, 12).Draw(t, "records"), rapid.Bool().Draw(t, "strict"), member()
				given := w.Acquire(who, next, batches, records, strict, now)
				gone := func(from, to int64) { // of what nobody has
					for offset := from; offset <= to; offset++ {
						if m.state[offset] == available {
							m.state[offset] = archived
						}
					}
				}
				gone(next, first-1)
				total, ofFirst := 0, 0
				for _, g := range given {
					for offset := g.First; offset <= g.Last; offset++ {
						if offset < m.end && m.state[offset] != available {
							t.Fatalf("offset %d was %d and is given", offset, m.state[offset])
						}
						m.state[offset], m.holder[offset], m.until[offset] = acquired, who, now.Add(limits.LockDuration)
						m.deliveries[offset]++
						if g.Deliveries != m.deliveries[offset] {
							t.Fatalf("offset %d is given for the %dth time, not the %dth", offset, m.deliveries[offset], g.Deliveries)
						}
						total++
						if offset <= last {
							ofFirst++
						}
					}
				}
				if total == 0 && first <= next || strict && total > records {
					t.Fatalf("%d records of %d were given", total, records)
				}
				if ofFirst < records { // the second batch was looked at
					gone(last+1, last+gap)
				}
				m.end = max(m.end, w.end)
			},
			"acknowledge": func(t *rapid.T) {
				if m.end == 0 {
					t.Skip()
				}
				who := member()
				first := rapid.Int64Range(max(0, w.start-2), m.end).Draw(t, "first")
				last := first + rapid.Int64Range(0, 4).Draw(t, "last")
				types := []int8{rapid.Int8Range(0, 4).Draw(t, "type")}
				if rapid.Bool().Draw(t, "one each") {
					for int64(len(types)) < last-first+1 {
						types = append(types, rapid.Int8Range(0, 4).Draw(t, "type"))
					}
				}
				changes, err := w.Acknowledge(who, []Ack{{Range{first, last}, types}}, now)
				fine := last < m.end
				start := w.start
				for offset := first; offset <= last; offset++ {
					if offset >= start && (m.state[offset] != acquired || m.holder[offset] != who) && err == nil && !(m.state[offset] == acquired) {
						fine = false
					}
				}
				if err == nil && !fine {
					t.Fatal("what was not acquired was acknowledged")
				}
				if err != nil {
					if err != kerr.InvalidRecordState && (err != kerr.InvalidRequest || last < m.end) {
						t.Fatal(err)
					}
					return
				}
				remember(changes)
				for offset := first; offset <= last; offset++ {
					if m.state[offset] != acquired {
						continue
					}
					kind := types[0]
					if len(types) > 1 {
						kind = types[offset-first]
					}
					switch kind {
					case AckRenew:
						m.until[offset] = now.Add(limits.LockDuration)
					case AckAccept:
						m.state[offset], m.holder[offset] = acknowledged, ""
					case AckGap, AckReject:
						m.state[offset], m.holder[offset] = archived, ""
					default:
						back(offset)
					}
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 8).Draw(t, "seconds")) * time.Second)
				remember(w.Expire(now))
				for offset := range m.end {
					if m.state[offset] == acquired && !m.until[offset].After(now) {
						back(offset)
					}
				}
				if next := w.Expires(); !next.IsZero() && !next.After(now) {
					t.Fatal("a lock is still there that has ended")
				}
			},
			"leave": func(t *rapid.T) {
				who := member()
				remember(w.Release(who))
				for offset := range m.end {
					if m.state[offset] == acquired && m.holder[offset] == who {
						back(offset)
					}
				}
			},
			"is not sent": func(t *rapid.T) {
				who := member()
				first := rapid.Int64Range(0, m.end+1).Draw(t, "first")
				last := first + rapid.Int64Range(0, 6).Draw(t, "last")
				remember(w.TakeBack(who, Range{first, last}))
				for offset := first; offset <= last; offset++ {
					if m.state[offset] == acquired && m.holder[offset] == who {
						m.state[offset], m.holder[offset] = available, ""
						m.deliveries[offset]-- // as if it had not been given
					}
				}
			},
		})
	})
}

func TestWindowOfARememberedState(t *testing.T) {
	w := NewWindow(10, []state.Batch{{First: 10, Last: 12, State: acknowledged, DeliveryCount: 1}, {First: 15, Last: 16, State: acquired, DeliveryCount: 2}}, limits)
	if w.Start() != 13 {
		t.Fatalf("begins at %d", w.Start())
	}
	given := w.Acquire("a", 13, []Range{{13, 20}}, 100, false, time.UnixMilli(0))
	want := []Acquired{{Range{13, 14}, 1}, {Range{15, 16}, 3}, {Range{17, 20}, 1}}
	if !slices.Equal(given, want) {
		t.Errorf("given %v, want %v", given, want)
	}
	w.TrimTo(18)
	if _, err := w.Acknowledge("a", []Ack{{Range{13, 20}, []int8{AckAccept}}}, time.UnixMilli(0)); err != nil || w.Start() != 21 {
		t.Errorf("begins at %d, %v", w.Start(), err)
	}
}

// TestGapInTheWindow: what was given back, and compaction took from the log then, is done with as soon as somebody reads over it. The start
// does not wait for it, nor do reads begin there for ever.
func TestGapInTheWindow(t *testing.T) {
	now := time.UnixMilli(0)
	w := NewWindow(0, nil, limits)
	w.Acquire("a", 0, []Range{{0, 9}, {10, 19}}, 100, false, now)
	w.TakeBack("a", Range{0, 19})
	if given := w.Acquire("a", 0, []Range{{10, 19}}, 100, false, now); len(given) != 1 || given[0] != (Acquired{Range{10, 19}, 1}) {
		t.Errorf("given %v", given)
	}
	if next, _ := w.Next(); next != 20 || w.Start() != 10 {
		t.Errorf("begins at %d and reads at %d", w.Start(), next)
	}
	if _, err := w.Acknowledge("a", []Ack{{Range{10, 19}, []int8{AckAccept}}}, now); err != nil || w.Start() != 20 {
		t.Errorf("begins at %d: %v", w.Start(), err)
	}
}

// TestWhatIsNotSentDoesNotUseUpDeliveries: connections that end over a record, more often than it may be delivered, leave it to the next.
func TestWhatIsNotSentDoesNotUseUpDeliveries(t *testing.T) {
	w := NewWindow(0, nil, limits)
	for range limits.DeliveriesMax + 2 {
		if given := w.Acquire("a", 0, []Range{{0, 0}}, 1, true, time.UnixMilli(0)); len(given) != 1 || given[0].Deliveries != 1 {
			t.Fatalf("given %v", given)
		}
		if changes := w.TakeBack("a", Range{0, 5}); len(changes) != 1 || changes[0].DeliveryCount != 0 || changes[0].State != available {
			t.Fatalf("remembered as %v", changes)
		}
	}
}
