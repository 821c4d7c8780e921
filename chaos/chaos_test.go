package chaos

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// seconds makes a Duration of whole and broken seconds.
func seconds(n float64) Duration { return Duration(n * float64(time.Second)) }

// basePlan is a small valid plan for tests to change.
func basePlan() Plan {
	return Plan{
		Version: PlanVersion, Seed: 1,
		Phases: Phases{seconds(5), seconds(35), seconds(10), seconds(10)},
		Cluster: Cluster{Nodes: 5, Topics: []Topic{
			{Name: "t0", Partitions: 2, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}},
		}},
		Producers: []Producer{{Topics: []string{"t0"}, Acks: "all", BatchBytes: 1000, RecordsPerSecond: 10, ValueBytes: 100, MaxInFlight: 1}},
		Consumers: []Consumer{{Topics: []string{"t0"}, MaxBytes: 1000}},
	}
}

func text(t testing.TB, p Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := WritePlan(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDrawIsDeterministicValidAndWithinTheAtlas(t *testing.T) {
	seen := map[Kind]int{}
	calm := 0
	for seed := range uint64(400) {
		p := Draw(seed)
		if !reflect.DeepEqual(p, Draw(seed)) {
			t.Fatalf("seed %d drawn twice differs", seed)
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if p.Phases.End().D() != RunDefault {
			t.Fatalf("seed %d lasts %s", seed, p.Phases.End())
		}
		if lost := p.Promises().MayLoseAcksAll; lost != nil {
			t.Fatalf("seed %d gives up acks=all of %v:\n%s", seed, lost, text(t, p))
		}
		if len(p.Schedule) == 0 {
			calm++
		}
		for _, f := range p.Schedule {
			seen[f.Kind]++
		}
	}
	for _, k := range Kinds() {
		if hand := slices.Contains(byHand, k); hand != (seen[k] == 0) || !hand && seen[k] < 4 {
			t.Errorf("%s was drawn %d times in 400 seeds", k, seen[k])
		}
	}
	if calm < 4 || calm > 40 {
		t.Errorf("%d of 400 seeds have no fault", calm)
	}
}

func TestDrawForTakesTheLengthAsked(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		time.Second: RunMin, RunMin: RunMin, 45 * time.Second: 45 * time.Second, 5 * time.Minute: 5 * time.Minute,
	} {
		p := DrawFor(3, asked)
		if p.Phases.End().D() != want {
			t.Errorf("DrawFor %s lasts %s, want %s", asked, p.Phases.End(), want)
		}
		if err := p.Validate(); err != nil {
			t.Errorf("DrawFor %s: %v", asked, err)
		}
	}
}

// The standard workload is the same in every seed, and is all that is measured by it; only its faults are the seed's.
func TestStandardVariesInItsFaultsOnly(t *testing.T) {
	one, other := Standard(1, RunDefault), Standard(2, RunDefault)
	for _, p := range []Plan{one, other} {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		if lost := p.Promises().MayLoseAcksAll; lost != nil {
			t.Errorf("gives up acks=all of %v", lost)
		}
	}
	if reflect.DeepEqual(one.Schedule, other.Schedule) {
		t.Error("two seeds have the same faults")
	}
	other.Seed, other.Schedule = one.Seed, one.Schedule
	if !reflect.DeepEqual(one, other) {
		t.Errorf("%+v\nis not\n%+v", one, other)
	}
}

func TestPlanRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Draw(rapid.Uint64().Draw(t, "seed"))
		var first bytes.Buffer
		if err := WritePlan(&first, p); err != nil {
			t.Fatal(err)
		}
		back, err := ReadPlan(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, back) {
			t.Fatalf("came back different:\n%+v\n%+v", p, back)
		}
	})
}

func TestEverySubsetOfAScheduleIsValidAndPromisesNoLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Draw(rapid.Uint64Max(1000).Draw(t, "seed"))
		if rapid.Bool().Draw(t, "beyond the atlas") && p.Cluster.Nodes > 1 {
			p.Schedule = append(p.Schedule,
				Fault{At: seconds(9), For: seconds(1), Kind: PowerLoss, Target: Node(1)},
				Fault{At: seconds(9), For: seconds(1), Kind: PowerLoss, Target: Node(2)},
				Fault{At: seconds(9), For: seconds(1), Kind: Crash, Target: Node(2)})
		}
		smaller := p
		smaller.Schedule = slices.DeleteFunc(slices.Clone(p.Schedule), func(Fault) bool { return rapid.Bool().Draw(t, "drop") })
		if err := smaller.Validate(); err != nil {
			t.Fatal(err)
		}
		before, after := p.Promises(), smaller.Promises()
		for _, topic := range after.MayLoseAcksAll {
			if !slices.Contains(before.MayLoseAcksAll, topic) {
				t.Fatalf("with fewer faults, topic %s may lose what it may not with more: %v", topic, smaller.Schedule)
			}
		}
	})
}

func TestPromises(t *testing.T) {
	power := func(s Selector) Fault { return Fault{At: seconds(6), For: seconds(1), Kind: PowerLoss, Target: s} }
	disk := func(k Kind, s Selector) Fault {
		f := Fault{At: seconds(6), For: seconds(1), Kind: k, Target: s, Params: Params{Share: 1, Op: "read"}}
		switch k {
		case BitRot:
			f.Params.Op = ""
		case CrashLoop:
			f.Params = Params{Every: seconds(1)}
		case OldVersion, FullDisk, WipeDisk, OldDisk, SwapDisks:
			f.Params = Params{}
		}
		return f
	}
	crash := func(s Selector) Fault { return Fault{At: seconds(6), For: seconds(1), Kind: Crash, Target: s} }
	for _, c := range []struct {
		name     string
		insync   string
		durable  bool
		unclean  bool
		schedule Schedule
		all, one bool // may be lost
	}{
		{"no faults", "1", false, false, nil, false, false},
		{"crashes of all keep the page cache", "1", false, false, Schedule{crash(Everyone)}, false, true},
		{"one node's power with min.insync 2", "2", false, false, Schedule{power(Node(1)), power(Node(1))}, false, true},
		{"one node's power with min.insync 1", "1", false, false, Schedule{power(Node(1))}, true, true},
		{"two nodes' power", "2", false, false, Schedule{power(Node(1)), power(Node(2))}, true, true},
		{"everybody's power", "2", false, false, Schedule{power(Everyone)}, true, true},
		{"everybody's power, synced", "1", true, false, Schedule{power(Everyone), crash(Node(2))}, false, true},
		{"the leader's power once", "2", false, false, Schedule{power(LeaderOf("t0", 0))}, false, true},
		{"the leader's power twice", "2", false, false, Schedule{power(LeaderOf("t0", 0)), power(LeaderOf("t0", 0))}, true, true},
		{"one node's power and another's crash", "2", false, false, Schedule{power(Node(1)), crash(Node(2))}, true, true},
		{"one node's power and its own crash", "2", false, false, Schedule{power(Node(1)), crash(Node(1))}, false, true},
		{"failing, full and rotten disks", "2", false, false, Schedule{
			disk(DiskError, Everyone), disk(FullDisk, Everyone), disk(BitRot, Everyone), disk(SwapDisks, Nodes(1, 2))}, false, true},
		{"one node's power, another's disk fails", "2", false, false, Schedule{power(Node(1)), disk(DiskError, Node(2))}, true, true},
		{"a wiped disk", "2", true, false, Schedule{disk(WipeDisk, Node(1))}, false, true},
		{"a wiped disk with min.insync 1", "1", true, false, Schedule{disk(WipeDisk, Node(1))}, true, true},
		{"a disk wiped twice", "2", true, false, Schedule{disk(WipeDisk, Node(1)), disk(WipeDisk, Node(1))}, true, true},
		{"a wiped disk and the same node's power", "2", true, false, Schedule{disk(WipeDisk, Node(1)), power(Node(1))}, false, true},
		{"a wiped disk and another's power", "2", true, false, Schedule{disk(WipeDisk, Node(1)), power(Node(2))}, true, true},
		{"an observer's disk rolled back", "2", false, false, Schedule{disk(OldDisk, Node(4))}, false, true},
		{"a voter's disk rolled back", "2", true, false, Schedule{disk(OldDisk, Node(3))}, true, true},
		{"an older build", "2", false, false, Schedule{power(Node(1)), disk(OldVersion, Node(2))}, false, true},
		{"a crash loop and another's power", "2", false, false, Schedule{power(Node(1)), disk(CrashLoop, Node(2))}, true, true},
		{"unclean election", "2", true, true, Schedule{crash(Node(2))}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := basePlan()
			config := p.Cluster.Topics[0].Config
			config["min.insync.replicas"] = c.insync
			if c.durable {
				config["flush.messages"] = "1"
			}
			if c.unclean {
				config["unclean.leader.election.enable"] = "true"
			}
			p.Schedule = c.schedule
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			got := p.Promises()
			if all := len(got.MayLoseAcksAll) > 0; all != c.all {
				t.Errorf("acks=all may be lost: %v, want %v", all, c.all)
			}
			if one := len(got.MayLoseAcksOne) > 0; one != c.one {
				t.Errorf("acks=1 may be lost: %v, want %v", one, c.one)
			}
			if !got.Progress {
				t.Error("no progress is demanded of a plan with a heal and a read phase")
			}
		})
	}
}

func TestStreamsAreApart(t *testing.T) {
	if Stream(1, "a").Uint64() == Stream(1, "b").Uint64() || Stream(1, "a").Uint64() == Stream(2, "a").Uint64() {
		t.Error("two streams begin alike")
	}
	if Stream(1, "a").Uint64() != Stream(1, "a").Uint64() {
		t.Error("one stream begins in two ways")
	}
}

func TestFaultString(t *testing.T) {
	f := Fault{At: seconds(7.5), For: seconds(3), Kind: Isolate, Target: LeaderOf("t0", 1), Params: Params{Clients: true}}
	if got, want := f.String(), "7.5s isolate leader/t0/1 for 3s (clients=true)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	f = Fault{At: seconds(1), Kind: Reset, Target: Everyone}
	if got, want := f.String(), "1s reset all"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEveryKindIsDocumented(t *testing.T) {
	for _, k := range Kinds() {
		if k.Doc() == "" || strings.HasSuffix(k.Doc(), ".") {
			t.Errorf("%s: doc %q", k, k.Doc())
		}
	}
	if Kind("nonsense").Doc() != "" {
		t.Error("an unknown kind has a doc")
	}
}

func TestWithVersions(t *testing.T) {
	before := Draw(3)
	p := WithVersions(before)
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	added := p.Schedule[len(before.Schedule):]
	if len(added) == 0 || slices.ContainsFunc(added, func(f Fault) bool { return f.Kind != OldVersion }) {
		t.Errorf("%v", added)
	}
}

// A calendar that is ahead shortens what a topic promises to keep, and one that is behind doesn't.
func TestVanishingWithWrongClocks(t *testing.T) {
	p := basePlan()
	config := p.Cluster.Topics[0].Config
	config["cleanup.policy"], config["retention.ms"], config["min.compaction.lag.ms"], config["delete.retention.ms"] = "compact,delete", "10000", "7000", "2000"
	step := func(by float64) Fault {
		return Fault{At: seconds(6), For: seconds(1), Kind: ClockStep, Target: Node(1), Params: Params{Step: seconds(by)}}
	}
	for _, c := range []struct {
		schedule              Schedule
		head, lag, tombstones float64
	}{
		{nil, 10, 7, 2},
		{Schedule{step(-60)}, 10, 7, 2},
		{Schedule{step(3)}, 7, 4, 0},
		{Schedule{step(3600)}, 0, 0, 0},
		{Schedule{{At: seconds(6), For: seconds(10), Kind: ClockDrift, Target: Node(1), Params: Params{PPM: 100_000}}}, 9, 6, 1},
	} {
		p.Schedule = c.schedule
		got := p.Promises().Vanish("t0")
		if !got.Head || !got.Compacted || got.HeadAfter != int64(seconds(c.head)) || got.CompactedAfter != int64(seconds(c.lag)) || got.TombstonesFor != int64(seconds(c.tombstones)) {
			t.Errorf("%v: %+v", c.schedule, got)
		}
	}
	delete(config, "retention.ms")
	p.Schedule = nil
	if got := p.Promises().Vanish("t0"); got.Head {
		t.Errorf("seven days pass in a minute: %+v", got)
	}
	p.Schedule = Schedule{step(8 * 24 * 3600)}
	if got := p.Promises().Vanish("t0"); !got.Head {
		t.Errorf("a calendar that is eight days ahead keeps everything: %+v", got)
	}
}
