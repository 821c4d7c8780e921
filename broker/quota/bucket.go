package quota

import "time"

// bucket holds tokens, which come at a rate and are kept up to a burst. It may owe some.
type bucket struct {
	tokens float64
	at     time.Time // when tokens was true
}

func newBucket(burst float64, now time.Time) *bucket { return &bucket{tokens: burst, at: now} }

// refill brings the tokens up to now.
func (b *bucket) refill(perSecond, burst float64, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(burst, b.tokens+perSecond*passed.Seconds())
		b.at = now
	}
	b.tokens = min(burst, b.tokens) // the limit may have sunk
}

// wait is how long it takes until nothing is owed.
func (b *bucket) wait(perSecond float64) time.Duration {
	if b.tokens >= 0 {
		return 0
	}
	if perSecond <= 0 {
		return waitMax
	}
	return time.Duration(min(-b.tokens/perSecond*float64(time.Second), float64(waitMax)))
}
