package bench

import (
	"fmt"
	"io"
	"time"
)

// Result is what a run measured.
type Result struct {
	Workload Workload  `json:"workload"`
	Began    time.Time `json:"began"`
	Produce  Part      `json:"produce"`
	Consume  Part      `json:"consume"`
	// Broker is what the brokers used in all of the run.
	Broker Usage `json:"broker"`
	// ProduceMs is from when a record was to be sent to its acknowledgement, EndToEndMs to a consumer that read beside.
	ProduceMs  Percentiles `json:"produce_ms"`
	EndToEndMs Percentiles `json:"end_to_end_ms"`
	Series     []Second    `json:"series"`
	// Produced and EndToEnd are all of these latencies.
	Produced Histogram `json:"produce_hdr"`
	EndToEnd Histogram `json:"end_to_end_hdr"`
	// CommitMs is how long the end of a transaction took, if there were any.
	CommitMs Percentiles `json:"commit_ms"`
	// Backlog is how many records were written when consumers that begin late began, CatchUpSeconds how long they took to be as far as
	// what was written half a second ago.
	Backlog        int64   `json:"backlog,omitempty"`
	CatchUpSeconds float64 `json:"catch_up_s,omitempty"`
	// Faults are what was done to the cluster, Phases what clients got before, during and after, if anything was.
	Faults []Struck `json:"faults,omitempty"`
	Phases []Phase  `json:"phases,omitempty"`
	// Repeated is how many reads were of what the group had read before, as when its members change. They count nowhere else.
	Repeated int64   `json:"repeated,omitempty"`
	Machine  Machine `json:"machine"`
	// Command gives such a result again; whoever ran the workload knows it.
	Command string `json:"command,omitempty"`
}

func (r *Result) latencies(produced, consumed *recorder) {
	r.Produced, r.ProduceMs = produced.whole, produced.whole.Percentiles()
	if r.Workload.Read == readBeside { // a backlog's age says nothing
		r.EndToEnd, r.EndToEndMs = consumed.whole, consumed.whole.Percentiles()
	}
}

// Line is the result for scripts.
func (r *Result) Line() string {
	line := fmt.Sprintf("produced_per_s=%.0f produced_mib_per_s=%.1f consumed_mib_per_s=%.1f p50_ms=%.1f p99_ms=%.1f p999_ms=%.1f",
		r.Produce.PerSecond(), r.Produce.MiBPerSecond(), r.Consume.MiBPerSecond(), r.ProduceMs.P50, r.ProduceMs.P99, r.ProduceMs.P999)
	if r.Broker.RSSBytes > 0 {
		line += fmt.Sprintf(" broker_cpu_s_per_gib=%.2f broker_rss_mib=%.0f",
			ratio(r.Broker.CPUSeconds, float64(r.Produce.Bytes)/gib), float64(r.Broker.RSSBytes)/mib)
	}
	return line
}

// Text is the result for people.
func (r *Result) Text() string {
	text := ""
	part := func(name string, p *Part) {
		if p.Records == 0 {
			return
		}
		text += fmt.Sprintf("%s: %d records in %.2f s, %.0f/s, %.1f MiB/s; cores %.0f %% busy, client %.1f s of CPU; limit: %s\n",
			name, p.Records, p.Seconds, p.PerSecond(), p.MiBPerSecond(), 100*p.Busy, p.Client, p.Bound)
		if b := p.Broker; b.RSSBytes > 0 {
			text += fmt.Sprintf("  broker: %.2f s of CPU a GiB, %.1f µs a record, %d reads, %d writes, %d waits, %.0f MiB to disk\n",
				p.BrokerCPUPerGiB(), ratio(1e6*b.CPUSeconds, float64(p.Records)), b.ReadCalls, b.WriteCalls, b.Switches, float64(b.WrittenBytes)/mib)
		}
	}
	part("produce", &r.Produce)
	part("consume", &r.Consume)
	latency := func(name string, p Percentiles) {
		if p.Count > 0 {
			text += fmt.Sprintf("%s ms: p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, p99.99 %.2f, max %.2f\n", name, p.P50, p.P90, p.P99, p.P999, p.P9999, p.Max)
		}
	}
	latency("produce", r.ProduceMs)
	latency("end to end", r.EndToEndMs)
	latency("commit", r.CommitMs)
	for _, f := range r.Faults {
		text += fmt.Sprintf("from %.1f s to %.1f s: %s\n", f.From, f.To, f.Words)
	}
	for _, p := range r.Phases {
		text += fmt.Sprintf("%s (%.1f s): longest gap of a partition %.0f ms in writing, %.0f ms in reading; produce p50 %.2f, p99 %.2f, max %.0f ms; end to end p99 %.2f ms\n",
			p.Name, p.Seconds, p.WriteGapMs, p.ReadGapMs, p.Produce.P50, p.Produce.P99, p.Produce.Max, p.EndToEnd.P99)
	}
	if r.Backlog > 0 {
		text += fmt.Sprintf("backlog: %d records, caught up with after %.1f s\n", r.Backlog, r.CatchUpSeconds)
	}
	return text
}

// Histograms writes the latencies in HdrHistogram's text form, in milliseconds, by the name of what was measured.
func (r *Result) Histograms(create func(name string) (io.WriteCloser, error)) error {
	for _, each := range []struct {
		name      string
		latencies Histogram
	}{{"produce", r.Produced}, {"end-to-end", r.EndToEnd}} {
		if each.latencies.Count() == 0 {
			continue
		}
		w, err := create(each.name)
		if err != nil {
			return err
		}
		err = each.latencies.print(w)
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("histogram %s: %w", each.name, err)
		}
	}
	return nil
}
