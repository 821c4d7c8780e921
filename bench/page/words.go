package page

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"odradek/bench"
	"odradek/reports"
)

// number writes what counts of a figure: three digits.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e7:
		return fmt.Sprintf("%.1f M", v/1e6)
	case a >= 1e5:
		return fmt.Sprintf("%.0f k", v/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a == 0:
		return "0"
	}
	return fmt.Sprintf("%.2f", v)
}

// bytesOf writes a size.
func bytesOf(n int64) string {
	switch f := float64(n); {
	case f >= 1<<30:
		return number(f/(1<<30)) + " GiB"
	case f >= 1<<20:
		return number(f/(1<<20)) + " MiB"
	case f >= 10_000:
		return number(f/(1<<10)) + " KiB"
	}
	return fmt.Sprintf("%d B", n)
}

// workload says in words what is written and read.
func workload(w bench.Workload) []string {
	size := bytesOf(int64(w.RecordBytes))
	if w.RecordBytesMax > w.RecordBytes {
		size += " to " + bytesOf(int64(w.RecordBytesMax))
	}
	for i, each := range w.RecordSizes {
		if i == 0 {
			size = ""
		}
		size += fmt.Sprintf("%s (share %g) ", bytesOf(int64(each.Bytes)), each.Share)
	}
	replicas := "the cluster's default of replicas"
	if w.ReplicationFactor > 0 {
		replicas = several(int(w.ReplicationFactor), "replica")
	}
	pace, length := "as many as go", fmt.Sprintf("%d records", w.Records)
	if w.Rate > 0 {
		pace = fmt.Sprintf("%d records a second, whatever comes back (open loop)", w.Rate)
	}
	if w.Records == 0 {
		length = "until the faults are over"
	}
	if w.Seconds > 0 {
		length = fmt.Sprintf("%g s", w.Seconds)
	}
	said := []string{
		fmt.Sprintf("%s of %s, %s each", several(w.Topics, "topic"), several(int(w.Partitions), "partition"), replicas),
		fmt.Sprintf("values of %s, %.0f %% zeros, compression %s, acks %s, %s", strings.TrimSpace(size), 100*w.Compressible, w.Compression, w.Acks, keys(w)),
		fmt.Sprintf("%s, %s: %s, in batches of at most %s, linger %d ms", several(w.Producers, "producer"), pace, length, bytesOf(int64(w.BatchBytes)), w.LingerMs),
	}
	if w.Client == "batches" {
		said = append(said, fmt.Sprintf("the client sends batches that it made before, %d at once from a producer to each broker, and looks into few of those it gets", w.InFlight))
	}
	if w.TransactionRecords > 0 {
		said = append(said, fmt.Sprintf("in transactions of %d records a producer, read when they are committed", w.TransactionRecords))
	}
	if w.Read != "no" {
		said = append(said, readers(w))
	}
	for _, key := range slices.Sorted(maps.Keys(w.TopicConfigs)) {
		said = append(said, key+"="+w.TopicConfigs[key])
	}
	return said
}

func keys(w bench.Workload) string {
	switch {
	case w.Keys == 0:
		return "no keys"
	case w.KeySkew > 0:
		return fmt.Sprintf("%d keys by Zipf's law, exponent %g", w.Keys, w.KeySkew)
	}
	return fmt.Sprintf("%d keys, evenly", w.Keys)
}

func readers(w bench.Workload) string {
	who := several(w.Consumers, "consumer")
	if w.Groups > 0 {
		who = several(w.Groups, "group") + " of " + who
	}
	switch {
	case w.BacklogSeconds > 0:
		return who + fmt.Sprintf(", which begin after %g s and catch up with what is written", w.BacklogSeconds)
	case w.Read == "beside":
		return who + ", which read as it is written"
	}
	return who + ", which read when all is written"
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func machine(m bench.Machine) []string {
	first := []string{several(m.Cores, "core")}
	for _, each := range []string{m.CPU, m.System} {
		if each != "" {
			first = append(first, each)
		}
	}
	if m.MemoryBytes > 0 {
		first = append(first, bytesOf(m.MemoryBytes)+" of memory")
	}
	said := []string{strings.Join(first, ", ")}
	if m.Load > 0 {
		said = append(said, fmt.Sprintf("a load of %s over the minute before", number(m.Load)))
	}
	return said
}

// bounds are the words for what held a part back.
var bounds = map[string]string{
	"rate":    "the rate that was asked for was kept",
	"client":  "client-bound: this client used most of the cores, and the brokers could have done more",
	"broker":  "broker-bound: the brokers used most of the cores",
	"others":  "bound by others: the cores were busy with something else, and the rate says little",
	"waiting": "the cores were not busy: it waited for disks, replicas or answers",
}

// limits says of each part what was the limit.
func limits(r *bench.Result) []string {
	var said []string
	for _, each := range parts(r) {
		if each.Records > 0 {
			said = append(said, fmt.Sprintf("%s: %s (cores %.0f %% busy, client %s s of CPU, brokers %s).", each.name, bounds[each.Bound], 100*each.Busy, number(each.Client), brokerCPU(each.Part)))
		}
	}
	return said
}

func brokerCPU(p *bench.Part) string {
	if len(p.Processes) == 0 {
		return "not measured: no process was named, or they came and went"
	}
	return number(p.Broker.CPUSeconds) + " s"
}

// part is a part of a run with its name.
type part struct {
	name string
	*bench.Part
}

func parts(r *bench.Result) []part {
	if r.Workload.Read == "beside" { // one stretch of time: the brokers' cost is that of both
		return []part{{"Writing and reading", &r.Produce}}
	}
	return []part{{"Writing", &r.Produce}, {"Reading", &r.Consume}}
}

func figures(r *bench.Result) []reports.Figure {
	var all []reports.Figure
	add := func(ok bool, name, value string) {
		if ok {
			all = append(all, reports.Figure{Name: name, Value: value})
		}
	}
	add(true, "records written a second", number(r.Produce.PerSecond()))
	add(true, "MiB/s written", number(r.Produce.MiBPerSecond()))
	add(r.Consume.Records > 0, "MiB/s read", number(r.Consume.MiBPerSecond()))
	add(r.ProduceMs.Count > 0, "ms, produce p99", number(r.ProduceMs.P99))
	add(r.EndToEndMs.Count > 0, "ms, end to end p99", number(r.EndToEndMs.P99))
	if len(r.Phases) > 1 {
		add(true, "ms, longest gap in writing", number(r.Phases[1].WriteGapMs))
		add(true, "ms, longest gap in reading", number(r.Phases[1].ReadGapMs))
	}
	add(r.Backlog > 0, fmt.Sprintf("s to catch up with %s records", number(float64(r.Backlog))), number(r.CatchUpSeconds))
	add(r.CommitMs.Count > 0, "ms, commit p99", number(r.CommitMs.P99))
	add(len(r.Produce.Processes) > 0, "CPU-seconds a GiB written", number(r.Produce.BrokerCPUPerGiB()))
	add(r.Broker.RSSBytes > 0, "held by the brokers", bytesOf(r.Broker.RSSBytes))
	return all
}
