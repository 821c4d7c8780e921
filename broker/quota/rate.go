package quota

import "time"

// rate counts in windows what came of late.
type rate struct {
	// windows is a ring; the one at current is being filled. Invariant: they began in the order of the ring.
	windows []window
	current int
	length  time.Duration // of a window
}

type window struct {
	began time.Time
	sum   float64
}

func newRate(samples int, length time.Duration, now time.Time) *rate {
	r := &rate{windows: make([]window, 1, samples), length: length}
	r.windows[0].began = now
	return r
}

// record counts value.
func (r *rate) record(value float64, now time.Time) {
	if now.Sub(r.windows[r.current].began) >= r.length {
		r.current = (r.current + 1) % cap(r.windows)
		if r.current == len(r.windows) {
			r.windows = append(r.windows, window{})
		}
		r.windows[r.current] = window{began: now}
	}
	r.windows[r.current].sum += value
}

// recent is what came in the windows that still count, and the time since the oldest of them began.
func (r *rate) recent(now time.Time) (sum float64, since time.Duration) {
	oldest := now
	lifetime := time.Duration(cap(r.windows)) * r.length
	for _, w := range r.windows {
		if now.Sub(w.began) >= lifetime {
			continue
		}
		sum += w.sum
		if w.began.Before(oldest) {
			oldest = w.began
		}
	}
	return sum, now.Sub(oldest)
}

// perSecond is the rate, and the time it is the average of.
func (r *rate) perSecond(now time.Time) (value float64, over time.Duration) {
	sum, over := r.recent(now)
	// The time before the first window counts too, or the first record of all would be an endless rate.
	if missing := cap(r.windows) - 1 - int(over/r.length); missing > 0 {
		over += time.Duration(missing) * r.length
	}
	return sum / over.Seconds(), over
}

// wait is how long the rate has to rest until it is limit.
func (r *rate) wait(limit float64, now time.Time) time.Duration {
	value, over := r.perSecond(now)
	return untilLimit(value, limit, over)
}

// untilLimit is how long a rate that is the average of some time has to rest until it is limit.
func untilLimit(value, limit float64, over time.Duration) time.Duration {
	if value <= limit {
		return 0
	}
	if limit <= 0 {
		return over
	}
	return time.Duration(min((value-limit)/limit*float64(over), float64(waitMax)))
}

// waitMax bounds a wait that somebody far beyond a small limit would get: nobody waits so long on purpose.
const waitMax = time.Hour

// idle says that nothing is counted any more.
func (r *rate) idle(now time.Time) bool {
	return now.Sub(r.windows[r.current].began) >= time.Duration(cap(r.windows))*r.length
}
