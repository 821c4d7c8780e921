package bench

import (
	"sync"
	"time"
)

// recorder counts what is done, and how long it took, in the whole and in the second under way.
type recorder struct {
	mu             sync.Mutex
	whole, current Histogram
	records, bytes int64
	last           time.Time
}

func newRecorder() *recorder { return &recorder{whole: newHistogram(), current: newHistogram()} }

// add counts records of n bytes together that are done now.
func (r *recorder) add(records, n int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records += records
	r.bytes += n
	r.last = now
}

// timed counts one record whose doing took that long.
func (r *recorder) timed(n int64, took time.Duration, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records++
	r.bytes += n
	r.last = now
	r.observe(took)
}

// observed adds a latency without a record.
func (r *recorder) observed(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe(took)
}

func (r *recorder) observe(took time.Duration) {
	r.whole.observe(took)
	r.current.observe(took)
}

// counts is how much is done.
func (r *recorder) counts() (records, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records, r.bytes
}

// end is when the newest was done; the zero time when nothing was.
func (r *recorder) end() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Second is what was done in one second of a run.
type Second struct {
	At       float64     `json:"at"`   // seconds since the begin, of its end
	Long     float64     `json:"long"` // seconds that it had: a busy machine is not punctual
	Produced int64       `json:"produced"`
	Consumed int64       `json:"consumed"`
	Produce  Percentiles `json:"produce_ms"`
	EndToEnd Percentiles `json:"end_to_end_ms"`
}

// turn ends the second under way: how many records since records, and their latencies.
func (r *recorder) turn(records *int64) (done int64, latencies Percentiles) {
	r.mu.Lock()
	defer r.mu.Unlock()
	done, *records = r.records-*records, r.records
	latencies = r.current.Percentiles()
	r.current.us.Reset()
	return done, latencies
}
