package sim

import (
	"bytes"
	"strings"
	"testing"

	"odradek/chaos"
	"odradek/linearizability/history"
	"odradek/linearizability/validate"
	"odradek/sim/guest"
)

// keepingPlan is a universe whose topic doesn't keep everything.
func keepingPlan(config map[string]string) chaos.Plan {
	plan := smallPlan()
	plan.Cluster.Config["log.retention.check.interval.ms"] = "300"
	plan.Cluster.Config["log.cleaner.backoff.ms"] = "300"
	topic := &plan.Cluster.Topics[0]
	topic.Config["internal.segment.bytes"] = "2048"
	for key, value := range config {
		topic.Config[key] = value
	}
	return plan
}

// What a topic is told to forget is gone from the universe, and the checkers know why.
func TestTopicsForget(t *testing.T) {
	deleter := func(p *chaos.Plan) {
		p.Deleters = []chaos.Deleter{{Topics: []string{"t0"}, Every: seconds(0.5)}}
	}
	few := func(p *chaos.Plan) { p.Producers[0].Keys, p.Producers[0].Tombstones = 5, 0.2 }
	for _, c := range []struct {
		name   string
		config map[string]string
		change func(p *chaos.Plan)
		short  bool
		gone   string // the exception that is made
	}{
		{"retention by size", map[string]string{"retention.bytes": "4096"}, func(*chaos.Plan) {}, false, validate.Retained},
		{"retention by time", map[string]string{"retention.ms": "3000", "segment.ms": "1000"}, func(*chaos.Plan) {}, false, validate.Retained},
		{"deleted records", nil, deleter, true, validate.Deleted},
		{"compaction", map[string]string{
			"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "2000"}, few, true, validate.Compacted},
		{"both", map[string]string{
			"cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.01", "retention.bytes": "4096"}, few, false, validate.Compacted},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("two are enough in a hurry")
			}
			plan := keepingPlan(c.config)
			c.change(&plan)
			result := observe(t, plan).pass()
			if result.Report.Allowed[c.gone] < 10 {
				t.Errorf("%v, with %d records acknowledged", result.Report.Allowed, result.Acked)
			}
		})
	}
}

// A consumer that falls behind the log's start is told that its offset is out of range, and goes on where the log begins.
func TestSlowConsumersStartOver(t *testing.T) {
	if testing.Short() {
		t.Skip("TestTopicsForget is enough in a hurry")
	}
	plan := keepingPlan(map[string]string{"retention.bytes": "2048"})
	plan.Producers[0].RecordsPerSecond = 60
	plan.Consumers[0].MaxBytes, plan.Consumers[0].Pause = 1024, seconds(1)
	o := observe(t, plan)
	o.pass()
	table, err := history.Collect(bytes.NewReader(o.written.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, step := range table.Reads {
		if step.Process == "consumer-1" && step.Assign && step.Offset == history.PositionEarliest && step.ID > 1 {
			again++
		}
	}
	if again == 0 {
		t.Error("the consumer never started over")
	}
}

// A node that comes late to metadata that was written out gets the snapshot.
func TestSnapshotsOfTheMetadataAreSent(t *testing.T) {
	if testing.Short() {
		t.Skip("metadata has tests of its own")
	}
	plan := smallPlan(fault(chaos.WipeDisk, 1, chaos.Node(2), chaos.Params{}))
	plan.Cluster.Config["internal.metadata.snapshot.entries"] = "4"
	o := observe(t, plan)
	o.pass()
	for _, n := range o.brokers {
		entries, err := n.Disk().List(guest.DataDir + "/__cluster_metadata/snapshots")
		if err != nil || len(entries) == 0 || !strings.HasSuffix(entries[0].Name, ".snap") {
			t.Errorf("%s has the snapshots %v: %v", n.Name(), entries, err)
		}
	}
	// Entries from the first on are not there any more for a newcomer to get.
	entries, err := o.brokers[1].Disk().List(guest.DataDir + "/__cluster_metadata/log")
	if err != nil || len(entries) == 0 || strings.TrimLeft(entries[0].Name, "0") == "1.log" {
		t.Errorf("the wiped node has the log %v: %v", entries, err)
	}
}
