package chaos

import (
	"strings"
	"testing"
)

// withFault writes basePlan with one fault, given as JSON.
func withFault(t testing.TB, fault string) string {
	return strings.Replace(text(t, basePlan()), `"schedule": null`, `"schedule": [`+fault+`]`, 1)
}

func TestReadPlanTakesEveryKind(t *testing.T) {
	for _, fault := range []string{
		`{"at":"6s","for":"1s","kind":"isolate","target":"node/1","params":{"clients":true}}`,
		`{"at":"6s","for":"1s","kind":"split","target":"nodes/1,3"}`,
		`{"at":"6s","for":"1s","kind":"one-way","target":"controller","params":{"direction":"in"}}`,
		`{"at":"6s","for":"1s","kind":"bridge","target":"leader/t0/1"}`,
		`{"at":"6s","for":"1s","kind":"ring","target":"all"}`,
		`{"at":"6s","kind":"reset","target":"all"}`,
		`{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"bytes_per_second":100000,
		  "delay":{"distribution":"bimodal","mean":"1ms","slow":"200ms","slow_share":0.1}}}`,
		`{"at":"6s","for":"1s","kind":"crash","target":"node/5"}`,
		`{"at":"6s","for":"1s","kind":"crash-at-call","target":"node/1","params":{"call":100}}`,
		`{"at":"6s","for":"1s","kind":"crash-at-point","target":"node/1","params":{"point":"sync-dir","nth":3}}`,
		`{"at":"6s","for":"1s","kind":"power-loss","target":"all"}`,
		`{"at":"6s","for":"1s","kind":"stop","target":"node/1"}`,
		`{"at":"6s","for":"1s","kind":"slow-disk","target":"node/1","params":{"factor":2.5}}`,
		`{"at":"6s","for":"1s","kind":"stall-disk","target":"node/1"}`,
		`{"at":"39s","for":"1s","kind":"pause","target":"node/1"}`,
		`{"at":"6s","for":"1s","kind":"disk-error","target":"all","params":{"op":"sync","share":0.5}}`,
		`{"at":"6s","for":"1s","kind":"full-disk","target":"node/1","params":{"bytes":4096}}`,
		`{"at":"6s","for":"1s","kind":"failed-directory","target":"controller","params":{"dir":1}}`,
		`{"at":"6s","for":"1s","kind":"bit-rot","target":"controller","params":{"share":0.01}}`,
		`{"at":"6s","for":"1s","kind":"misdirected-write","target":"node/1","params":{"share":0.01}}`,
		`{"at":"6s","for":"1s","kind":"wipe-disk","target":"node/1"}`,
		`{"at":"6s","for":"1s","kind":"old-disk","target":"node/4"}`,
		`{"at":"6s","for":"1s","kind":"swap-disks","target":"nodes/2,5"}`,
		`{"at":"6s","for":"1s","kind":"lose-connections","target":"all","params":{"clients":true}}`,
		`{"at":"6s","for":"1s","kind":"no-connects","target":"node/1","params":{"refuse":true}}`,
		`{"at":"6s","for":"1s","kind":"short-io","target":"all","params":{"share":1}}`,
		`{"at":"6s","for":"9s","kind":"crash-loop","target":"controller","params":{"every":"300ms"}}`,
		`{"at":"6s","for":"1s","kind":"memory-limit","target":"node/1","params":{"bytes":1048576}}`,
		`{"at":"6s","for":"1s","kind":"old-version","target":"node/1"}`,
		`{"at":"6s","for":"1s","kind":"clock-step","target":"node/1","params":{"step":"-1h"}}`,
		`{"at":"6s","for":"1s","kind":"clock-drift","target":"node/1","params":{"ppm":-200}}`,
		`{"at":"6s","stays":true,"kind":"crash","target":"node/1"}`,
		`{"at":"6s","stays":true,"kind":"isolate","target":"node/2","params":{"clients":true}}`,
	} {
		if _, err := ReadPlan(strings.NewReader(withFault(t, fault))); err != nil {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestReadPlanSaysWhatIsWrongWithAFault(t *testing.T) {
	for _, c := range []struct{ name, fault, words string }{
		{"unknown kind", `{"at":"6s","for":"1s","kind":"flood","target":"all"}`, `kind "flood": allowed are isolate, split`},
		{"unknown field", `{"at":"6s","untl":"1s"}`, `plan.schedule[0]: unknown field "untl": allowed are at, for, kind, params, stays, target`},
		{"unknown param", `{"at":"6s","for":"1s","kind":"crash","target":"all","params":{"dly":1}}`, `plan.schedule[0].params: unknown field "dly"`},
		{"case matters", `{"At":"6s"}`, `unknown field "At"`},
		{"unknown delay field", `{"params":{"delay":{"p99":1}}}`, `plan.schedule[0].params.delay: unknown field "p99"`},
		{"param of another kind", `{"at":"6s","for":"1s","kind":"crash","target":"all","params":{"call":1}}`, `crash does not take call: allowed are none`},
		{"param missing", `{"at":"6s","for":"1s","kind":"one-way","target":"all"}`, `one-way needs direction`},
		{"slow in no way", `{"at":"6s","for":"1s","kind":"slow-link","target":"all"}`, `needs delay or bytes_per_second`},
		{"direction", `{"at":"6s","for":"1s","kind":"one-way","target":"all","params":{"direction":"up"}}`, `allowed are in, out`},
		{"point", `{"at":"6s","for":"1s","kind":"crash-at-point","target":"all","params":{"point":"x"}}`, `allowed are create, remove, rename, sync`},
		{"op", `{"at":"6s","for":"1s","kind":"disk-error","target":"all","params":{"op":"x","share":1}}`, `allowed are read, write, sync`},
		{"disk share", `{"at":"6s","for":"1s","kind":"bit-rot","target":"all","params":{"share":2}}`, `more than 0 and at most 1`},
		{"dir", `{"at":"6s","for":"1s","kind":"failed-directory","target":"node/1","params":{"dir":2}}`, `failed-directory of dir 2: allowed are 1 to 1`},
		{"room", `{"at":"6s","for":"1s","kind":"full-disk","target":"all","params":{"bytes":-1}}`, `bytes -1: allowed are 0 and above`},
		{"three swapped", `{"at":"6s","for":"1s","kind":"swap-disks","target":"nodes/1,2,3"}`, `two nodes by number`},
		{"everybody wiped", `{"at":"6s","for":"1s","kind":"wipe-disk","target":"all"}`, `one node by number`},
		{"every", `{"at":"6s","for":"1s","kind":"crash-loop","target":"all","params":{"every":"-1s"}}`, `every -1s: allowed are more than 0`},
		{"step", `{"at":"6s","for":"1s","kind":"clock-step","target":"all","params":{"step":"-10000h"}}`, `allowed is up to`},
		{"ppm", `{"at":"6s","for":"1s","kind":"clock-drift","target":"all","params":{"ppm":1000000}}`, `allowed are up to 500000 either way`},
		{"factor", `{"at":"6s","for":"1s","kind":"slow-disk","target":"all","params":{"factor":0.5}}`, `allowed is more than 1`},
		{"call", `{"at":"6s","for":"1s","kind":"crash-at-call","target":"all","params":{"call":-1}}`, `allowed are 1 to`},
		{"bandwidth", `{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"bytes_per_second":1}}`, `allowed is 1024 or more`},
		{"distribution", `{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"delay":{"distribution":"normal","mean":"1s"}}}`, `allowed are constant, exponential, bimodal`},
		{"delay", `{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"delay":{"distribution":"constant","mean":"1h"}}}`, `at most 1m0s`},
		{"slow of a constant", `{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"delay":{"distribution":"constant","mean":"1s","slow":"2s"}}}`, `for bimodal only`},
		{"share", `{"at":"6s","for":"1s","kind":"slow-link","target":"all","params":{"delay":{"distribution":"bimodal","mean":"1s","slow":"2s","slow_share":1}}}`, `a share between 0 and 1`},
		{"before the fault phase", `{"at":"1s","for":"1s","kind":"crash","target":"all"}`, `allowed is the fault phase, from 5s to 40s`},
		{"into the heal phase", `{"at":"39s","for":"2s","kind":"crash","target":"all"}`, `allowed is the fault phase`},
		{"negative", `{"at":"-1s","for":"2s","kind":"crash","target":"all"}`, `allowed is 0 or later`},
		{"never undone", `{"at":"6s","kind":"crash","target":"all"}`, `needs a time after which it is undone`},
		{"stays for a time", `{"at":"6s","for":"1s","stays":true,"kind":"crash","target":"node/1"}`, `what stays is not undone`},
		{"a role stays", `{"at":"6s","stays":true,"kind":"crash","target":"controller"}`, `allowed are crash, isolate of one node by its number`},
		{"a slow disk stays", `{"at":"6s","stays":true,"kind":"slow-disk","target":"node/1","params":{"factor":2}}`, `slow-disk of node/1 cannot stay`},
		{"reset for a time", `{"at":"6s","for":"1s","kind":"reset","target":"all"}`, `happens at once`},
		{"bare number", `{"at":6,"kind":"reset","target":"all"}`, `is not a string such as "1.5s"`},
		{"no unit", `{"at":"6","kind":"reset","target":"all"}`, `is not written as "1.5s"`},
		{"node that is not there", `{"at":"6s","kind":"reset","target":"node/6"}`, `the cluster has nodes 1 to 5`},
		{"node 0", `{"at":"6s","kind":"reset","target":"node/0"}`, `allowed are node/N`},
		{"two as one", `{"at":"6s","kind":"reset","target":"node/1,2"}`, `allowed are node/N`},
		{"descending", `{"at":"6s","kind":"reset","target":"nodes/2,1"}`, `allowed are node/N`},
		{"more than all", `{"at":"6s","kind":"reset","target":"all/1"}`, `allowed are node/N`},
		{"unknown topic", `{"at":"6s","kind":"reset","target":"leader/x/0"}`, `no topic "x"`},
		{"unknown partition", `{"at":"6s","kind":"reset","target":"leader/t0/2"}`, `partitions 0 to 1`},
		{"leader of nothing", `{"at":"6s","kind":"reset","target":"leader/t0"}`, `allowed are node/N`},
		{"unknown role", `{"at":"6s","kind":"reset","target":"boss"}`, `controller`},
		{"ring of one", `{"at":"6s","for":"1s","kind":"ring","target":"node/1"}`, `allowed target is all`},
		{"bridge of two", `{"at":"6s","for":"1s","kind":"bridge","target":"nodes/1,2"}`, `a target of one node`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadPlan(strings.NewReader(withFault(t, c.fault)))
			if err == nil {
				t.Fatal("was accepted")
			}
			if !strings.Contains(err.Error(), c.words) {
				t.Errorf("%q lacks %q", err, c.words)
			}
		})
	}
}

func TestValidateSaysWhatIsWrongWithAPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Plan)
		words  string
	}{
		{"version", func(p *Plan) { p.Version = 2 }, "reads version 1"},
		{"move of no topic", func(p *Plan) { p.Reassignments = []Reassignment{{At: p.Phases.Calm, Topic: "x"}} }, `topic "x" is not`},
		{"move of no partition", func(p *Plan) { p.Reassignments = []Reassignment{{At: p.Phases.Calm, Topic: "t0", Partition: 2}} }, "t0 has 0 to 1"},
		{"move too early", func(p *Plan) { p.Reassignments = []Reassignment{{Topic: "t0"}} }, "allowed is the fault phase"},
		{"move to nobody", func(p *Plan) {
			p.Reassignments = []Reassignment{{At: p.Phases.Calm, Topic: "t0", Replicas: []int{1, 6}}}
		}, "allowed are nodes 1 to 5, each once"},
		{"move twice to a node", func(p *Plan) {
			p.Reassignments = []Reassignment{{At: p.Phases.Calm, Topic: "t0", Replicas: []int{1, 1}}}
		}, "each once"},
		{"no time", func(p *Plan) { p.Phases = Phases{} }, "allowed is more than 0"},
		{"negative phase", func(p *Plan) { p.Phases.Heal = -1 }, "allowed are 0 to"},
		{"overflow", func(p *Plan) { p.Phases.Heal = 1 << 62 }, "allowed are 0 to"},
		{"no nodes", func(p *Plan) { p.Cluster.Nodes = 0 }, "cluster.nodes 0: allowed are 1 to"},
		{"too few nodes", func(p *Plan) { p.Cluster.Nodes = 2 }, "replication_factor 3: allowed are 1 to 2"},
		{"topic name", func(p *Plan) { p.Cluster.Topics[0].Name = "a/b" }, `name "a/b"`},
		{"topic twice", func(p *Plan) { p.Cluster.Topics = append(p.Cluster.Topics, p.Cluster.Topics[0]) }, "named twice"},
		{"partitions", func(p *Plan) { p.Cluster.Topics[0].Partitions = 0 }, "partitions 0"},
		{"min.insync", func(p *Plan) { p.Cluster.Topics[0].Config["min.insync.replicas"] = "4" }, `"4": allowed are 1 to 3`},
		{"min.insync word", func(p *Plan) { p.Cluster.Topics[0].Config["min.insync.replicas"] = "two" }, `"two": allowed`},
		{"tombstones without keys", func(p *Plan) { p.Producers[0].Tombstones = 0.5 }, "only with keys"},
		{"compacted without keys", func(p *Plan) { p.Cluster.Topics[0].Config["cleanup.policy"] = "compact" }, "takes only records with a key"},
		{"pause", func(p *Plan) { p.Consumers[0].Pause = -1 }, "pause -1ns: allowed are 0 to 1m"},
		{"deleter", func(p *Plan) { p.Deleters = []Deleter{{Topics: []string{"t0"}}} }, "deleters[0]: every 0s"},
		{"deleter of a compacted topic", func(p *Plan) {
			p.Producers[0].Keys = 1
			p.Cluster.Topics[0].Config["cleanup.policy"] = "compact"
			p.Deleters = []Deleter{{Topics: []string{"t0"}, Every: 1}}
		}, "cleanup.policy of t0 has no delete"},
		{"group", func(p *Plan) { p.Groups = []Group{{Name: "g", Topics: []string{"t0"}, Members: 1, Session: 1}} }, `balancer ""`},
		{"group without members", func(p *Plan) { p.Groups = []Group{{Name: "g", Topics: []string{"t0"}}} }, "members 0"},
		{"too many members", func(p *Plan) { p.Groups = []Group{{Name: "g", Members: 1 << 30}} }, "allowed are 64"},
		{"buggify", func(p *Plan) { p.Cluster.Buggify = &Buggify{Points: []string{"x"}} }, `point "x": allowed are roll-early`},
		{"buggify never", func(p *Plan) { p.Cluster.Buggify = &Buggify{} }, "share 0: allowed is more than 0"},
		{"acks", func(p *Plan) { p.Producers[0].Acks = "-1" }, `producers[0]: acks "-1": allowed are "0", "1", "all"`},
		{"idempotent", func(p *Plan) { p.Producers[0].Acks, p.Producers[0].Idempotent = "1", true }, `allowed is "all"`},
		{"rate", func(p *Plan) { p.Producers[0].RecordsPerSecond = 0 }, "records_per_second"},
		{"value", func(p *Plan) { p.Producers[0].ValueBytes = 1 }, "value_bytes"},
		{"keys", func(p *Plan) { p.Producers[0].Keys = -1 }, "keys"},
		{"batch", func(p *Plan) { p.Producers[0].BatchBytes = 0 }, "batch_bytes"},
		{"linger", func(p *Plan) { p.Producers[0].Linger = -1 }, "linger"},
		{"in flight", func(p *Plan) { p.Producers[0].MaxInFlight = 0 }, "max_in_flight"},
		{"codec", func(p *Plan) { p.Producers[0].Compression = "rar" }, "allowed are none, gzip"},
		{"topics", func(p *Plan) { p.Producers[0].Topics = []string{"x"} }, `no topic "x"`},
		{"no topics", func(p *Plan) { p.Consumers[0].Topics = nil }, "consumers[0]: topics: at least one"},
		{"fetch", func(p *Plan) { p.Consumers[0].MaxBytes = 0 }, "max_bytes"},
		{"wait", func(p *Plan) { p.Consumers[0].MaxWait = -1 }, "max_wait"},
		{"clients", func(p *Plan) { p.Consumers = make([]Consumer, 100) }, "101 clients: allowed are 64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := basePlan()
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			c.change(&p)
			err := p.Validate()
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v lacks %q", err, c.words)
			}
		})
	}
}

func TestReadPlanRefusesWhatIsNoPlan(t *testing.T) {
	good := text(t, basePlan())
	for _, c := range []struct{ name, text, words string }{
		{"empty", "", "plan: "},
		{"no version", "{}", "odradek_plan"},
		{"another version first", `{"odradek_plan": 2, "new_field": 1}`, "odradek_plan 2: this program reads version 1"},
		{"unknown field at the top", `{"odradek_plan": 1, "nodes": 3}`, `plan: unknown field "nodes": allowed are app, cluster,`},
		{"two plans", good + good, "line 49"},
		{"broken line", "{\n\"odradek_plan\": 1,\n]", "line 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadPlan(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v lacks %q", err, c.words)
			}
		})
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add(text(f, basePlan()))
	f.Add(text(f, Draw(7)))
	f.Add(`{"odradek_plan": 1}`)
	f.Fuzz(func(t *testing.T, input string) {
		p, err := ReadPlan(strings.NewReader(input))
		if err != nil {
			return
		}
		p.Promises()
		if _, err := ReadPlan(strings.NewReader(text(t, p))); err != nil {
			t.Fatalf("what was accepted and written is refused: %v", err)
		}
	})
}
