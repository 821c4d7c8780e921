package bench

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram is latencies, in microseconds to three digits, up to an hour. The zero value is empty and takes none. Its JSON is a
// string, HdrHistogram's own compressed form (V2, base64), which its other tools read too.
type Histogram struct{ us *hdrhistogram.Histogram }

func newHistogram() Histogram { return Histogram{hdrhistogram.New(1, time.Hour.Microseconds(), 3)} }

// HistogramOf has these latencies.
func HistogramOf(all ...time.Duration) Histogram {
	h := newHistogram()
	for _, took := range all {
		h.observe(took)
	}
	return h
}

func (h Histogram) observe(took time.Duration) {
	_ = h.us.RecordValue(max(took.Microseconds(), 1)) // fails above an hour
}

// Count is how many latencies there are.
func (h Histogram) Count() int64 {
	if h.us == nil {
		return 0
	}
	return h.us.TotalCount()
}

// At is the latency in milliseconds that so many percent do not exceed.
func (h Histogram) At(percent float64) float64 {
	if h.us == nil {
		return 0
	}
	return float64(h.us.ValueAtQuantile(percent)) / 1000
}

// Merged is all latencies of several.
func Merged(all ...Histogram) Histogram {
	sum := newHistogram()
	for _, each := range all {
		if each.us != nil {
			sum.us.Merge(each.us)
		}
	}
	return sum
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

// Percentiles are those that a result tells.
func (h Histogram) Percentiles() Percentiles {
	return Percentiles{h.At(50), h.At(90), h.At(99), h.At(99.9), h.At(99.99), h.At(100), h.Count()}
}

// hgrmTicks is how many percentiles are told for each halving of the distance to 100.
const hgrmTicks = 5

// print writes HdrHistogram's text form, in milliseconds.
func (h Histogram) print(w io.Writer) error {
	_, err := h.us.PercentilesPrint(w, hgrmTicks, 1000)
	return err
}

// MarshalText gives an empty text for no latencies.
func (h Histogram) MarshalText() ([]byte, error) {
	if h.Count() == 0 {
		return nil, nil
	}
	return h.us.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

// UnmarshalText reads what MarshalText wrote.
func (h *Histogram) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*h = Histogram{}
		return nil
	}
	us, err := hdrhistogram.Decode(text)
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	h.us = us
	return nil
}
