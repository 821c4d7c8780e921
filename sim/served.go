package sim

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"odradek/chaos"
	"odradek/linearizability/history"
)

// Served is what clients got in one phase of a run, in virtual time: the same seed gives the same figures to the digit.
type Served struct {
	Phase  string
	Length time.Duration
	Sends  int // acknowledged in it
	Failed int // sends that ended in it without being acknowledged
	Read   int // records, by polls that ended in it
	// Latency is that of the acknowledged sends, in microseconds, to three digits.
	Latency *hdrhistogram.Histogram
}

// latencyMax is the longest latency that a histogram tells apart, in microseconds: the longest run that can be drawn is shorter.
const latencyMax = int64(24 * time.Hour / time.Microsecond)

// String is a line for people.
func (s Served) String() string {
	words := fmt.Sprintf("%s: %d sends acknowledged and %d not, %d records read in %v", s.Phase, s.Sends, s.Failed, s.Read, s.Length)
	if s.Sends == 0 {
		return words
	}
	at := func(q float64) time.Duration { return time.Duration(s.Latency.ValueAtQuantile(q)) * time.Microsecond }
	return fmt.Sprintf("%s; latency p50 %v, p99 %v, p99.9 %v, longest %v", words, at(50), at(99), at(99.9), time.Duration(s.Latency.Max())*time.Microsecond)
}

// served sorts what is in a history into the phases of its plan.
func served(phases chaos.Phases, table *history.Table) []Served {
	ends := []chaos.Duration{phases.Calm, phases.FaultsEnd(), phases.HealEnd(), phases.End()}
	all := make([]Served, len(ends))
	from := chaos.Duration(0)
	for i, name := range []string{"calm", "faults", "heal", "read"} {
		all[i] = Served{Phase: name, Length: (ends[i] - from).D(), Latency: hdrhistogram.New(1, latencyMax, 3)}
		from = ends[i]
	}
	of := func(at int64) *Served {
		for i, end := range ends {
			if at < int64(end) {
				return &all[i]
			}
		}
		return &all[len(all)-1]
	}
	for i := range table.Sends {
		send := &table.Sends[i]
		switch {
		case send.Acknowledged():
			s := of(send.Done)
			s.Sends++
			_ = s.Latency.RecordValue(max(1, (send.Done-send.Invoked)/1000)) // within latencyMax
		case send.Ended:
			of(send.Done).Failed++
		}
	}
	for i := range table.Reads {
		of(table.Reads[i].Done).Read += len(table.Reads[i].Values)
	}
	return all
}
