package compare

import (
	"fmt"
	"slices"
	"strings"
)

// Page is a comparison as it is published. In Markdown it is a table; with its curves it is a page of odradek/bench/page.
type Page struct {
	Sides    [2]string
	Commands []string // that give it
	Commit   string
	Date     string
	Machine  string // cores, memory, system
	Groups   []Group
}

// Title says what is beside what.
func (p Page) Title() string {
	if p.Sides[1] == "peer" {
		return "Measured against the real Kafka"
	}
	return fmt.Sprintf("Measured: %s beside %s", p.Sides[0], p.Sides[1])
}

// How is what a reader has to know before the figures, a paragraph each.
func (p Page) How() []string {
	how := []string{fmt.Sprintf("Both brokers run on this machine beside the client, and are measured in turns by the same client; a row gives the medians of its rounds. "+
		"Ratios are %s to %s: of rates more is better, of times, memory and CPU less is. The cores are shared, with the client and with whatever else the "+
		"machine did, so that a rate says little by itself: its limit says what held it (“client”, “broker”, “others” on the machine's cores; “rate” when "+
		"one was given and kept; “waiting” for disk, replicas or answers), and the broker's CPU-seconds a GiB are the figure to trust. Spread is half the "+
		"distance between the smallest and largest round, as a part of the median, of the side where it is larger.", p.Sides[0], p.Sides[1])}
	if slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Unit == "" }) {
		how = append(how, "The client of the produce and consume rows sends batches of 64 KB that it made before and looks into few of those it gets, so that it costs little; that "+
			"of the latency rows sends records one by one at a fixed rate (bench/presets), and a latency counts from when a record was to be sent. What was written before a round is on "+
			"the disk and out of memory when it begins. A start is from the process to its answers to ApiVersions and Metadata.",
			"Acknowledged means in the page cache of every in-sync replica, the default of both; in rows named durable it means fsynced (flush.messages=1, both). "+
				"Rows named against limit have in the second's place a process that moves the same bytes, in batches as long, from a connection to a file and back, and nothing else.")
	}
	if slices.ContainsFunc(p.Groups, func(g Group) bool { return strings.HasPrefix(g.Name, "rebalance_") }) {
		how = append(how, coordinatorsHow)
	}
	return how
}

// coordinatorsHow says what the rows of odradek/bench/coordinators are.
const coordinatorsHow = "Clients are franz-go's, all in one process. A rebalance is of a group of 100 members that read 200 partitions: it forms of all at once, then one more " +
	"joins, then that one leaves; each lasts until the coordinator says that every member has what it is to have and every partition is with one, and its “stable” row until it says that " +
	"the group is Stable, for which in a consumer group also members that keep what they have must have come for the new epoch. " +
	"group.initial.rebalance.delay.ms is 0 on both sides. Classic members heartbeat every 3 s, franz-go's default, or as the row says; those of a consumer " +
	"group (KIP-848) as the broker tells them, group.consumer.heartbeat.interval.ms: 5 s, both sides' default, or as the row says. Where between two heartbeats a change falls is drawn, " +
	"the same for both. A failover is of three nodes, replication 3, a coordinator with 100,000 committed offsets in 1,000 groups: from the kill -9 of its process (“kill”), or " +
	"its SIGTERM (“stop”), until another node answers OffsetFetch with what was committed. A transaction is one record written and committed, 500 of them one after the other: EndTxn to its answer " +
	"(“end”), and the whole (“loop”)."

// Rows are those of all groups.
func (p Page) Rows() (all []Row) {
	for _, g := range p.Groups {
		all = append(all, g.Rows()...)
	}
	return all
}

// Heads are the columns of Cells.
func (p Page) Heads() []string {
	return []string{"row", "unit", p.Sides[0], p.Sides[1], "ratio", "spread", "broker CPU s/GiB, " + p.Sides[0], p.Sides[1], "ratio", "limit, " + p.Sides[0], p.Sides[1], "rounds"}
}

// Cells is the row as a line of a table.
func (r Row) Cells() []string {
	cells := []string{
		strings.ReplaceAll(r.Name, "_", " "), r.Unit, number(r.Ours.Median()), number(r.Peer.Median()), quotient(r.Ours, r.Peer),
		fmt.Sprintf("%.2f", max(r.Ours.Spread(), r.Peer.Spread())), "", "", "", r.OursBound, r.PeerBound, fmt.Sprint(min(len(r.Ours), len(r.Peer))),
	}
	if r.OursCPU.Median() > 0 {
		cells[6], cells[7], cells[8] = fmt.Sprintf("%.2f", r.OursCPU.Median()), fmt.Sprintf("%.2f", r.PeerCPU.Median()), quotient(r.OursCPU, r.PeerCPU)
	}
	return cells
}

// Markdown is the page as a table.
func (p Page) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nGenerated on %s at commit %s; %s.\n\n", p.Title(), p.Date, p.Commit, p.Machine)
	for _, command := range p.Commands {
		fmt.Fprintf(&b, "    %s\n", command)
	}
	fmt.Fprintf(&b, "\n%s\n\n", strings.Join(p.How(), "\n\n"))
	fmt.Fprintf(&b, "| %s |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|---:|\n", strings.Join(p.Heads(), " | "))
	for _, row := range p.Rows() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row.Cells(), " | "))
	}
	return b.String()
}
