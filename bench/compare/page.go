package compare

import (
	"fmt"
	"strings"
)

// Page is a comparison as it is published, in Markdown.
type Page struct {
	Commands []string // that give it
	Commit   string
	Date     string
	Machine  string // cores, memory, system
	Rows     []string
}

// how is what a reader has to know before the figures.
const how = `Both brokers run on this machine beside the client, and are measured in turns by the same client; a row gives the medians of its rounds.
Ratios are ours to the peer's: of rates more is better, of times, memory and CPU less is. The cores are shared, with the client and with
whatever else the machine did, so that a rate says little by itself: **limit** says what held it (` + "`client`, `broker`, `others`" + ` on the machine's
cores; ` + "`rate`" + ` when one was given and kept; ` + "`waiting`" + ` for disk, replicas or answers), and the broker's CPU-seconds a GiB are the figure to trust.
**Spread** is half the distance between the smallest and largest round, as a part of the median, of the side where it is larger.

The client of the produce and consume rows sends batches of 64 KB that it made before and looks into few of those it gets, so that it costs
little; that of the latency rows sends records one by one at a fixed rate (` + "`bench/presets`" + `), and a latency counts from when a record was to
be sent. A start is from the process to its answers to ApiVersions and Metadata.

Acknowledged means in the page cache of every in-sync replica, the default of both; in rows named ` + "`durable`" + ` it means fsynced (` + "`flush.messages=1`" + `, both).
Rows named ` + "`against_limit`" + ` have in the peer's place a process that moves the same bytes from a connection to a file and back, and nothing else.
`

// Markdown is the page. A row that is none is an error.
func (p Page) Markdown() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Measured against the real Kafka\n\nGenerated on %s at commit %s; %s.\n\n", p.Date, p.Commit, p.Machine)
	for _, command := range p.Commands {
		fmt.Fprintf(&b, "    %s\n", command)
	}
	fmt.Fprintf(&b, "\n%s\n", how)
	b.WriteString("| row | unit | ours | peer | ratio | spread | broker CPU s/GiB, ours | peer | ratio | limit, ours | peer | rounds |\n")
	b.WriteString("|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|---:|\n")
	for _, row := range p.Rows {
		fields := map[string]string{}
		for each := range strings.FieldsSeq(row) {
			name, value, ok := strings.Cut(each, "=")
			if !ok {
				return "", fmt.Errorf("%q in the row %q is no name=value", each, row)
			}
			fields[name] = value
		}
		if fields["row"] == "" {
			return "", fmt.Errorf("%q is no row", row)
		}
		for i, name := range []string{"row", "unit", "ours", "peer", "ratio", "spread", "ours_cpu", "peer_cpu", "cpu_ratio", "ours_limit", "peer_limit", "rounds"} {
			value := strings.Trim(fields[name], "-")
			if i == 0 {
				value = strings.ReplaceAll(value, "_", " ")
			}
			fmt.Fprintf(&b, "| %s ", value)
		}
		b.WriteString("|\n")
	}
	return b.String(), nil
}
