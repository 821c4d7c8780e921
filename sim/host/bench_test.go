package host_test

import (
	"testing"
	"time"
)

// The price of a host call: a guest that reads the clock a million times, which is two million calls.
func BenchmarkClockCall(b *testing.B) {
	var calls uint64
	for b.Loop() {
		w := newWorld(b, 1, nil)
		w.start("a", "calls", "1000000")
		w.run(10 * time.Second)
		calls += w.Calls()
		w.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
}

// A busy small cluster: two clients, three servers, five virtual seconds.
func BenchmarkTroubledUniverse(b *testing.B) {
	runs := 0
	for b.Loop() {
		troubled(b, 1, nil)
		runs++
	}
	b.ReportMetric(5*float64(runs)/b.Elapsed().Seconds(), "virtual-s/s")
}
