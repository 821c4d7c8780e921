package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept in microseconds to three digits, up to an hour.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, time.Hour.Microseconds(), 3) }

// recorder counts what is done, and how long it took, in the whole and in the second under way.
type recorder struct {
	mu             sync.Mutex
	whole, current *hdrhistogram.Histogram
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
	us := max(took.Microseconds(), 1)
	_ = r.whole.RecordValue(us) // fails above an hour
	_ = r.current.RecordValue(us)
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
	At       float64     `json:"at"` // seconds since the begin, of its end
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
	latencies = percentilesOf(r.current)
	r.current.Reset()
	return done, latencies
}

// Percentiles are latencies in milliseconds.
type Percentiles struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	P9999 float64 `json:"p9999"`
	Max   float64 `json:"max"`
	Count int64   `json:"count"`
}

func percentilesOf(us *hdrhistogram.Histogram) Percentiles {
	at := func(q float64) float64 { return float64(us.ValueAtQuantile(q)) / 1000 }
	return Percentiles{at(50), at(90), at(99), at(99.9), at(99.99), float64(us.Max()) / 1000, us.TotalCount()}
}
