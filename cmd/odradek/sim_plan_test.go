package main

import (
	"bytes"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/sim"
)

func TestPlanInWords(t *testing.T) {
	plan := chaos.Plan{
		Seed:   4,
		Phases: chaos.Phases{Calm: chaos.Duration(5 * time.Second), Faults: chaos.Duration(35 * time.Second), Heal: chaos.Duration(10 * time.Second), Read: chaos.Duration(10 * time.Second)},
		Cluster: chaos.Cluster{Nodes: 3, Config: map[string]string{"min.insync.replicas": "2"}, Topics: []chaos.Topic{
			{Name: "t0", Partitions: 2, ReplicationFactor: 3, Config: map[string]string{"flush.messages": "1"}},
			{Name: "t1", Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"min.insync.replicas": "1"}},
		}},
		Producers: []chaos.Producer{
			{Topics: []string{"t0", "t1"}, Acks: "all", Idempotent: true, RecordsPerSecond: 12.5, ValueBytes: 100, Keys: 3, Linger: chaos.Duration(5 * time.Millisecond), Compression: "lz4"},
			{Topics: []string{"t0"}, Acks: "0", RecordsPerSecond: 3, ValueBytes: 20, Compression: "none"},
		},
		Consumers: []chaos.Consumer{{Topics: []string{"t0", "t1"}}},
		Schedule:  make(chaos.Schedule, 2),
	}
	var out bytes.Buffer
	describePlan(&out, &plan)
	want := `seed 4: 3 nodes, 2 faults; 5s calm, 35s of faults, 10s to heal, 10s to read
topic t0: 2 partitions of 3 replicas, min.insync.replicas 2, acknowledged when synced
topic t1: 1 partition of 1 replica, min.insync.replicas 1
producer-1: 12.5 records/s of 100 bytes to t0 and t1, acks all, idempotent, 3 keys, linger 5ms, lz4
producer-2: 3 records/s of 20 bytes to t0, acks 0
consumer-1: t0 and t1 from the beginning
`
	if out.String() != want {
		t.Errorf("%s\nis not\n%s", &out, want)
	}
}

func TestSeedRange(t *testing.T) {
	if first, last, err := seedRange("3..17"); err != nil || first != 3 || last != 17 {
		t.Errorf("%d, %d, %v", first, last, err)
	}
	for _, text := range []string{"", "3", "3..", "..3", "5..4", "a..b", "1..2..3", "-1..2"} {
		if _, _, err := seedRange(text); err == nil {
			t.Errorf("%q is a range", text)
		}
	}
}

// What names a universe in one line has to name the same universe again.
func TestSourceOfAUniverse(t *testing.T) {
	for want, o := range map[string]simOptions{
		"--seed 9":           {length: chaos.RunDefault},
		"--seed 9 --for 45s": {length: 45 * time.Second},
		"--plan p.json":      {length: chaos.RunDefault, planFile: "p.json"},
	} {
		if got := o.source(9); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

func TestFailuresByKind(t *testing.T) {
	var out bytes.Buffer
	o := simOptions{length: 45 * time.Second}
	o.printFailures(&out, &sim.Tally{ByKind: map[string][]uint64{"lost-write": {3}, "unseen": {2, 5}}})
	want := "unseen: 2 seeds; the first again: bin/odradek sim --seed 2 --for 45s\nlost-write: 1 seed; the first again: bin/odradek sim --seed 3 --for 45s\n"
	if out.String() != want {
		t.Errorf("%s\nis not\n%s", &out, want)
	}
}
