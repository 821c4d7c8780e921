package clock_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/sim/clock"
)

func TestEventsOfOneMomentFireInTheOrderOfArming(t *testing.T) {
	var q clock.Queue
	var fired []int
	for i := range 10 {
		q.After(time.Second, func() { fired = append(fired, i) })
	}
	for q.Step() {
	}
	if !slices.Equal(fired, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) || q.Now() != clock.Time(time.Second) {
		t.Errorf("fired %v at %v", fired, q.Now())
	}
}

func TestLateEventFiresNow(t *testing.T) {
	var q clock.Queue
	e := clock.NewEvent(func() {})
	q.Arm(e, 5)
	q.Spend(10)
	q.Step()
	if q.Now() != 10 {
		t.Errorf("the present went back to %d", q.Now())
	}
	q.Arm(e, 3)
	if e.At() != 10 {
		t.Errorf("armed for the past: %d", e.At())
	}
}

// Against a plain list: any sequence of arming, moving and cancelling leaves the same order.
func TestQueueOrder(t *testing.T) {
	type entry struct {
		at    clock.Time
		order int
	}
	rapid.Check(t, func(t *rapid.T) {
		var q clock.Queue
		const count = 8
		model := map[int]entry{}
		var fired int
		events := make([]*clock.Event, count)
		for i := range events {
			events[i] = clock.NewEvent(func() { fired = i })
		}
		for order := range rapid.IntRange(0, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, count-1).Draw(t, "event")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				q.Cancel(events[i])
				delete(model, i)
			case 1:
				first, found := 0, false
				for k, e := range model {
					if f := model[first]; !found || e.at < f.at || e.at == f.at && e.order < f.order {
						first, found = k, true
					}
				}
				if q.Step() != found || found && fired != first {
					t.Fatalf("fired %d, want %d (%v)", fired, first, found)
				}
				delete(model, first)
			default:
				at := clock.Time(rapid.IntRange(0, 5).Draw(t, "at"))
				q.Arm(events[i], at)
				model[i] = entry{max(at, q.Now()), order}
			}
			for k, e := range events {
				if _, armed := model[k]; armed != e.Armed() {
					t.Fatalf("event %d: armed is %v", k, e.Armed())
				}
			}
		}
	})
}

func TestLocalClock(t *testing.T) {
	var l clock.Local
	hour := clock.Time(time.Hour)
	if got := l.Wall(hour); got != clock.Epoch+int64(time.Hour) {
		t.Errorf("after an hour the calendar shows %d", got)
	}
	before := l.Mono(hour)
	l.SetDrift(hour, 1000)
	if got := l.Mono(hour); got != before {
		t.Errorf("a drift that begins moves the clock from %d to %d", before, got)
	}
	if got := l.Mono(2*hour) - l.Mono(hour); got != int64(time.Hour)+int64(3600*time.Millisecond) {
		t.Errorf("an hour with 1000 ppm of drift lasts %d", got)
	}
	l.Step(-time.Minute)
	if got := l.Wall(2*hour) - l.Mono(2*hour); got != l.Wall(0)-l.Mono(0) || l.Wall(0) != clock.Epoch-int64(time.Minute)+l.Mono(0)-int64(time.Second) {
		t.Errorf("a step of a minute back: %d", got)
	}
}

// A drifting clock never goes back, and a span of it is over when it says so.
func TestDriftingClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l clock.Local
		now := clock.Time(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now"))
		l.SetDrift(now, rapid.Int64Range(-600_000, 600_000).Draw(t, "ppm"))
		step := rapid.Int64Range(0, int64(time.Minute)).Draw(t, "step")
		if a, b := l.Mono(now), l.Mono(now+clock.Time(step)); b < a || step > 10 && b == a {
			t.Fatalf("from %d to %d in %d ns", a, b, step)
		}
		span := rapid.Uint64Range(0, uint64(time.Hour)).Draw(t, "span")
		if got := l.Mono(now.Add(l.Span(span))) - l.Mono(now); got < int64(span) || got > int64(span)+5 {
			t.Fatalf("a span of %d lasted %d", span, got)
		}
	})
}
