package main

import (
	"fmt"
	"io"
	"strings"

	"odradek/chaos"
)

// describePlan says in words what a universe is made of. Its faults are told of when they have struck.
func describePlan(out io.Writer, plan *chaos.Plan) {
	phases := plan.Phases
	fmt.Fprintf(out, "seed %d: %s, %d faults; %v calm, %v of faults, %v to heal, %v to read\n",
		plan.Seed, count(plan.Cluster.Nodes, "node"), len(plan.Schedule), phases.Calm, phases.Faults, phases.Heal, phases.Read)
	for _, t := range plan.Cluster.Topics {
		fmt.Fprintf(out, "topic %s: %s of %s, min.insync.replicas %d", t.Name, count(t.Partitions, "partition"),
			count(t.ReplicationFactor, "replica"), plan.Cluster.MinInsyncReplicas(t))
		if plan.Cluster.Durable(t) {
			fmt.Fprint(out, ", acknowledged when synced")
		}
		fmt.Fprintln(out)
	}
	for i, p := range plan.Producers {
		fmt.Fprintf(out, "producer-%d: %v records/s of %d bytes to %s, acks %s", i+1, p.RecordsPerSecond, p.ValueBytes, strings.Join(p.Topics, " and "), p.Acks)
		for _, word := range []struct {
			is   bool
			text string
		}{
			{p.Idempotent, "idempotent"}, {p.Keys > 0, count(p.Keys, "key")}, {p.Linger > 0, "linger " + p.Linger.String()},
			{p.Compression != "" && p.Compression != "none", p.Compression},
		} {
			if word.is {
				fmt.Fprint(out, ", ", word.text)
			}
		}
		fmt.Fprintln(out)
	}
	for i, c := range plan.Consumers {
		fmt.Fprintf(out, "consumer-%d: %s from the beginning\n", i+1, strings.Join(c.Topics, " and "))
	}
}

func count(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
