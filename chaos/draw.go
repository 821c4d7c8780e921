package chaos

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// RunDefault is how long a drawn universe lasts in virtual time, and RunMin the shortest that can be drawn.
const (
	RunDefault = 60 * time.Second
	RunMin     = 30 * time.Second
)

// Draw draws the plan of a seed, of RunDefault. The same seed gives the same plan on every machine.
func Draw(seed uint64) Plan { return DrawFor(seed, RunDefault) }

// DrawFor draws the plan of a seed that lasts as long as asked, at least RunMin. Half a minute or less goes to forming the
// cluster, healing and reading; what is left is the fault phase.
//
// It draws in the manner of swarm testing: each seed turns a random half of the families of faults fully off and gives the others
// sizes and rates of its own, because "everything slightly on" finds less. Some families are scenes, several faults that
// belong together. What it draws keeps to the atlas: no promise
// about acks=all is ever given up.
func DrawFor(seed uint64, total time.Duration) Plan {
	p := Plan{Version: PlanVersion, Seed: seed}
	p.Phases = phasesOf(max(total, RunMin))
	p.Cluster = drawCluster(Stream(seed, "cluster"))
	drawClients(Stream(seed, "clients"), &p)
	drawKeeping(Stream(seed, "keeping"), &p)
	drawCopies(Stream(seed, "copies"), &p)
	drawBuggify(Stream(seed, "buggify"), &p)
	drawGroups(Stream(seed, "groups"), &p)
	drawProtocols(Stream(seed, "group-protocols"), &p)
	drawShares(Stream(seed, "shares"), &p)
	drawSnapshots(Stream(seed, "snapshots"), &p)
	drawSessions(Stream(seed, "sessions"), &p)
	drawRacks(Stream(seed, "racks"), &p)
	drawDirs(Stream(seed, "dirs"), &p)
	drawReassignments(Stream(seed, "reassignments"), &p)
	p.Schedule = drawSchedule(Stream(seed, "faults"), &p)
	drawCore(Stream(seed, "core"), &p)
	return p
}

func phasesOf(total time.Duration) Phases {
	edge := min(total/4, 10*time.Second)
	return Phases{Calm: Duration(edge / 2), Heal: Duration(edge), Read: Duration(edge), Faults: Duration(total - edge/2 - 2*edge)}
}

func drawCluster(r *rand.Rand) Cluster {
	c := Cluster{Nodes: weighted(r, []choiceOf[int]{{3, 80}, {5, 7}, {4, 5}, {2, 5}, {1, 3}})}
	session := between(r, 2000, 6000)
	c.Config = map[string]string{
		"broker.session.timeout.ms":      strconv.Itoa(session),
		"broker.heartbeat.interval.ms":   strconv.Itoa(session / 4),
		"replica.lag.time.max.ms":        strconv.Itoa(between(r, 1500, 8000)),
		"replica.fetch.wait.max.ms":      strconv.Itoa(between(r, 100, 500)),
		"replica.fetch.backoff.ms":       strconv.Itoa(between(r, 50, 500)),
		"auto.create.topics.enable":      "false",
		"unclean.leader.election.enable": "false",
	}
	replicas := min(c.Nodes, weighted(r, []choiceOf[int]{{3, 88}, {2, 10}, {1, 2}}))
	insync := min(replicas, weighted(r, []choiceOf[int]{{1, 20}, {2, 74}, {3, 6}}))
	durable := r.Float64() < 0.45
	// Small segments, so that a run of a minute rolls, indexes and recovers many.
	segment := 1 << between(r, 12, 17)
	for i := range between(r, 1, 2) {
		t := Topic{
			Name: fmt.Sprintf("t%d", i), Partitions: between(r, 1, 3), ReplicationFactor: replicas,
			Config: map[string]string{
				"min.insync.replicas":    strconv.Itoa(insync),
				"internal.segment.bytes": strconv.Itoa(segment),
				"index.interval.bytes":   strconv.Itoa(1 << between(r, 8, 12)),
			},
		}
		if durable {
			t.Config["flush.messages"] = "1"
		}
		c.Topics = append(c.Topics, t)
	}
	return c
}

// operationsPerSecond is what the drawn clients make together: records sent, and polls.
const operationsPerSecond = 50

func drawClients(r *rand.Rand, p *Plan) {
	var topics []string
	for _, t := range p.Cluster.Topics {
		topics = append(topics, t.Name)
	}
	producers, consumers := between(r, 1, 3), between(r, 1, 2)
	rate := operationsPerSecond * 0.8 / float64(producers)
	for i := range producers {
		producer := drawProducer(r, topics, math.Round(rate*(0.5+r.Float64())))
		if i == 0 && producer.Acks != "all" {
			producer.Acks = "all" // or the seed would ask for no promise
		}
		p.Producers = append(p.Producers, producer)
	}
	for range consumers {
		p.Consumers = append(p.Consumers, Consumer{
			Topics: topics, MaxBytes: 1 << between(r, 10, 20), MaxWait: millis(between(r, 100, 1000)),
		})
	}
}

func drawProducer(r *rand.Rand, topics []string, rate float64) Producer {
	p := Producer{
		Topics: topics, RecordsPerSecond: rate,
		Acks:        weighted(r, []choiceOf[string]{{"all", 75}, {"1", 17}, {"0", 8}}),
		Linger:      millis(weighted(r, []choiceOf[int]{{0, 40}, {5, 30}, {100, 20}, {500, 10}})),
		BatchBytes:  1 << between(r, 9, 16),
		ValueBytes:  between(r, 20, 400),
		Keys:        weighted(r, []choiceOf[int]{{0, 50}, {3, 20}, {50, 30}}),
		MaxInFlight: between(r, 1, 5),
		Compression: weighted(r, []choiceOf[string]{{"none", 60}, {"gzip", 10}, {"snappy", 10}, {"lz4", 10}, {"zstd", 10}}),
	}
	if p.Acks == "all" {
		p.Idempotent = r.Float64() < 0.7
	}
	return p
}

// A choiceOf is a value and its weight.
type choiceOf[T any] struct {
	value  T
	weight int
}

func weighted[T any](r *rand.Rand, choices []choiceOf[T]) T {
	sum := 0
	for _, c := range choices {
		sum += c.weight
	}
	n := r.IntN(sum)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.value
		}
	}
	panic("chaos: weights do not add up")
}

// between draws a whole number, both ends included.
func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

func millis(n int) Duration { return Duration(time.Duration(n) * time.Millisecond) }
