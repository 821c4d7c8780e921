// Package found is the table of bugs that universes have found: each with the plan that showed it, which is run again by the
// tests of package sim and by `make found`, and must pass.
//
// Adding one takes two steps: write the plan as it is today, since later changes of how plans are drawn must not change it,
//
//	bin/odradek sim --seed N --write-plan sim/found/plans/NAME.json
//
// and add a row to the table below. A plan is told by its file: `bin/odradek sim --plan sim/found/plans/NAME.json` runs it alone.
package found

import (
	"bytes"
	"embed"
	"fmt"

	"odradek/chaos"
)

//go:embed plans/*.json
var plans embed.FS

// A Bug is one that a universe found.
type Bug struct {
	Name string // of its plan's file, without the extension
	// Seen is what the run told of, in a sentence, and Cause what was behind it.
	Seen, Cause string
	// Fixed is the subject of the commit that mended it. With the commit before it the plan shows the bug.
	Fixed string
}

// Bugs is the table, in the order in which they were found.
var Bugs = []Bug{
	{
		Name:  "poller-entry-twice",
		Seen:  "a broker spins for seconds, or dies of a sync that fails with \"not pollable\"",
		Cause: "a connection's descriptor was registered with the runtime's poller as a file and as a connection; the poller removed the wrong one",
		Fixed: "guestenv: one poller entry a descriptor",
	},
	{
		Name:  "leadership-word-waits",
		Seen:  "a broker that is asked to stop never does, and answers nobody in the quorum; its replicas fall behind",
		Cause: "raft waits until its word on leadership is taken; who takes it waited for the active controller to end, and that one for raft",
		Fixed: "controller: raft's word on leadership is taken at once",
	},
	{
		Name:  "heartbeat-beside-the-loop",
		Seen:  "no controller is ever elected again: a node stays a candidate and refuses every vote in the name of a leader that is dead",
		Cause: "raft's fast path for heartbeats let a late one of the old leader in while the loop of its successor waited for an fsync",
		Fixed: "controller: heartbeats take their turn in raft's loop",
	},
	{
		Name:  "probes-collide",
		Seen:  "a broker whose disk is well again dies of a failed data directory",
		Cause: "two replicas' errors led to two probes of the disk at once; one renamed the other's file away, and that was taken for the disk's failure",
		Fixed: "replica: one probe of a disk at a time",
	},
	{
		Name:  "pipeline-outlives-its-readers",
		Seen:  "a broker that is asked to stop never does",
		Cause: "raft waited for room in a pipeline of appends, and who took the answers from it had left with the leadership",
		Fixed: "controller: pipelines end with the leadership",
	},
	{
		Name:  "starts-amid-a-batch",
		Seen:  "a replica stays out of the ISR for good, and starts over each time that records are deleted",
		Cause: "DeleteRecords had ended amid a batch; who started over at the new start refused that batch, which begins before it",
		Fixed: "commitlog: an empty log takes a batch that it starts amid",
	},
	{
		Name:  "rot-taken-for-a-torn-end",
		Seen:  "acknowledged records are gone, and others have their offsets",
		Cause: "a node came back from a crash on a machine that went on, and counted as having all it had; a disk that read wrongly twice made it cut its log",
		Fixed: "replica: what would be cut of an intact log is lost first",
	},
	{
		Name:  "deleted-comes-back-with-the-elr",
		Seen:  "a log begins before what DeleteRecords was told is gone",
		Cause: "the deletion waited for the replicas that are alive only; one that was down could lead again from the ELR, with its old start",
		Fixed: "replica: deletions wait for who may be elected",
	},
	{
		Name:  "wrong-read-written-back",
		Seen:  "two brokers tell differently of one partition epoch, and a leader epoch has two leaders",
		Cause: "raft's log was written over itself at opening with what a second, wrong read gave; the node then cut it, and voted without what it had acknowledged",
		Fixed: "raftstore: only what was verified is written again",
	},
	{
		Name:  "returned-directory-not-believed",
		Seen:  "nobody leads any more, though the cluster has healed: one disk was wiped, and a node that has all is not believed",
		Cause: "a process that found a directory missing forgot, for those after it too, what the node could vouch for, though it was never registered",
		Fixed: "controller: what a node can vouch for outlives a process that lacks a directory",
	},
	{
		Name:  "calendar-ahead-holds-assignments",
		Seen:  "a share group's members are given nothing to fetch any more, though the coordinator answers them",
		Cause: "the coordinator's calendar was six hours ahead when it assigned last; set right again, it waited for that time to come",
		Fixed: "group: an assignment is not held back by a time that is to come",
	},
	{
		Name:  "gap-in-a-share-window",
		Seen:  "a broker does nothing but read the same two batches, and the rest of the cluster loses it",
		Cause: "compaction had taken records that a share-partition still counted as available: the fetch found nothing there, and looked again at once",
		Fixed: "share: gaps in the window are done with, and what was never sent is taken back",
	},
	{
		Name:  "late-write-moves-the-start-back",
		Seen:  "a share group is given records again that it had settled, with the broker's word for it",
		Cause: "a write that a leader had given up came after all, moved the start on and with it dropped what was remembered; the leader's next moved it back",
		Fixed: "share/state: the start of a share-partition only rises",
	},
}

// Plan reads the plan that shows the bug.
func (b Bug) Plan() (chaos.Plan, error) {
	text, err := plans.ReadFile(b.file())
	if err != nil {
		return chaos.Plan{}, fmt.Errorf("bug %s has no plan: %w", b.Name, err)
	}
	plan, err := chaos.ReadPlan(bytes.NewReader(text))
	if err != nil {
		return chaos.Plan{}, fmt.Errorf("bug %s: %w", b.Name, err)
	}
	return plan, nil
}

func (b Bug) file() string { return "plans/" + b.Name + ".json" }
