package chaos

import (
	"math/rand/v2"
	"strconv"
)

// keepingSeeds is the share of seeds in which a topic doesn't keep everything.
const keepingSeeds = 0.45

// drawKeeping gives one topic of some seeds a retention, a compaction or both, and the clients what goes with it: keys and
// tombstones, pauses long enough to fall behind the log's head, and somebody who deletes records.
func drawKeeping(r *rand.Rand, p *Plan) {
	if r.Float64() >= keepingSeeds {
		return
	}
	t := &p.Cluster.Topics[len(p.Cluster.Topics)-1]
	segment := 1 << between(r, 11, 14)
	t.Config["internal.segment.bytes"] = strconv.Itoa(segment)
	if r.IntN(2) == 0 {
		t.Config["segment.ms"] = strconv.Itoa(between(r, 1000, 6000))
	}
	p.Cluster.Config["log.retention.check.interval.ms"] = strconv.Itoa(between(r, 300, 2000))
	p.Cluster.Config["log.cleaner.backoff.ms"] = strconv.Itoa(between(r, 200, 2000))
	policy := weighted(r, []choiceOf[string]{{"delete", 40}, {"compact", 45}, {"compact,delete", 15}})
	t.Config["cleanup.policy"] = policy
	if policy != "compact" {
		drawRetention(r, t, segment)
		if r.IntN(2) == 0 {
			p.Deleters = append(p.Deleters, Deleter{Topics: []string{t.Name}, Every: millis(between(r, 1000, 8000))})
		}
	}
	if policy != "delete" {
		drawCompaction(r, t, p)
	}
	for i := range p.Consumers {
		if r.IntN(2) == 0 {
			p.Consumers[i].Pause = millis(between(r, 300, 4000))
		}
	}
}

func drawRetention(r *rand.Rand, t *Topic, segment int) {
	if r.IntN(2) == 0 {
		t.Config["retention.bytes"] = strconv.Itoa(segment * between(r, 1, 8))
		return
	}
	t.Config["retention.ms"] = strconv.Itoa(between(r, 8000, 30000))
}

func drawCompaction(r *rand.Rand, t *Topic, p *Plan) {
	t.Config["min.cleanable.dirty.ratio"] = weighted(r, []choiceOf[string]{{"0.01", 50}, {"0.2", 30}, {"0.5", 20}})
	t.Config["delete.retention.ms"] = strconv.Itoa(weighted(r, []choiceOf[int]{{0, 20}, {2000, 40}, {10000, 40}}))
	if r.IntN(4) == 0 {
		t.Config["min.compaction.lag.ms"] = strconv.Itoa(between(r, 1000, 8000))
	} else if r.IntN(4) == 0 {
		t.Config["max.compaction.lag.ms"] = strconv.Itoa(between(r, 3000, 10000))
	}
	for i := range p.Producers {
		if p.Producers[i].Keys == 0 {
			p.Producers[i].Keys = between(r, 2, 30)
		}
		p.Producers[i].Tombstones = weighted(r, []choiceOf[float64]{{0, 30}, {0.05, 40}, {0.3, 30}})
	}
}

// drawSnapshots lets the metadata of some seeds be written out so often that who comes late gets a snapshot instead of entries.
func drawSnapshots(r *rand.Rand, p *Plan) {
	if r.IntN(3) == 0 {
		p.Cluster.Config["internal.metadata.snapshot.entries"] = strconv.Itoa(between(r, 4, 64))
	}
}

// drawSessions leaves, in some seeds, fewer slots for fetch sessions than there are readers: who gets none names every partition in
// every fetch.
func drawSessions(r *rand.Rand, p *Plan) {
	if r.IntN(5) == 0 {
		p.Cluster.Config["max.incremental.fetch.session.cache.slots"] = strconv.Itoa(between(r, 0, 2))
	}
}

// drawBuggify turns some of the broker's points on in a third of the seeds.
func drawBuggify(r *rand.Rand, p *Plan) {
	if r.IntN(3) > 0 {
		return
	}
	b := &Buggify{Share: weighted(r, []choiceOf[float64]{{0.01, 40}, {0.05, 40}, {0.25, 20}})}
	for _, point := range BuggifyPoints {
		if r.IntN(2) == 0 {
			b.Points = append(b.Points, point)
		}
	}
	if b.Points != nil {
		p.Cluster.Buggify = b
	}
}
