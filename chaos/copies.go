package chaos

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
)

// A Copier is a member of a group that copies records from one topic to another, so many at a time, each time in a transaction
// with the offsets of what it has read. All copiers of a plan are in one group.
type Copier struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Records int     `json:"records"` // in a transaction, at most
	Aborts  float64 `json:"aborts"`  // share of the transactions that it aborts
	Rack    int     `json:"rack,omitempty"`
}

func (c *Copier) check(cluster *Cluster) error {
	switch {
	case c.Records < 1 || c.Records > 10_000:
		return fmt.Errorf("records %d: allowed are 1 to 10000", c.Records)
	case !(c.Aborts >= 0 && c.Aborts <= 1):
		return fmt.Errorf("aborts %v: allowed is a share from 0 to 1", c.Aborts)
	case c.From == c.To:
		return fmt.Errorf("from %q, to %q: allowed are two topics", c.From, c.To)
	}
	if err := cluster.checkRack(c.Rack); err != nil {
		return err
	}
	return cluster.checkTopics([]string{c.From, c.To})
}

// copyingSeeds is the share of seeds in which records are copied.
const copyingSeeds = 0.3

// drawCopies has records of one topic copied to another, in some of the seeds. The topics of the coordinators are as safe as
// those of the plan, or it could not promise anything of copies.
func drawCopies(r *rand.Rand, p *Plan) {
	if r.Float64() >= copyingSeeds {
		return
	}
	from := p.Cluster.Topics[r.IntN(len(p.Cluster.Topics))]
	if _, keeps := from.Config["cleanup.policy"]; keeps {
		return
	}
	to := Topic{Name: "copied", Partitions: between(r, 1, 3), ReplicationFactor: from.ReplicationFactor, Config: maps.Clone(from.Config)}
	p.Cluster.Topics = append(p.Cluster.Topics, to)
	replicas, insync := strconv.Itoa(from.ReplicationFactor), from.Config["min.insync.replicas"]
	maps.Copy(p.Cluster.Config, map[string]string{
		"offsets.topic.num.partitions":             strconv.Itoa(between(r, 1, 3)),
		"offsets.topic.replication.factor":         replicas,
		"transaction.state.log.num.partitions":     strconv.Itoa(between(r, 1, 3)),
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            insync,
		"min.insync.replicas":                      insync,
		"group.initial.rebalance.delay.ms":         "0",
	})
	if p.Cluster.Durable(from) {
		p.Cluster.Config["log.flush.interval.messages"] = "1"
	}
	for range between(r, 1, 2) {
		p.Copiers = append(p.Copiers, Copier{
			From: from.Name, To: to.Name, Records: between(r, 1, 40), Aborts: float64(between(r, 0, 4)) / 10,
		})
	}
	p.Consumers = append(p.Consumers, Consumer{Topics: []string{to.Name}, MaxBytes: 1 << 16, MaxWait: millis(between(r, 100, 500)), Committed: true})
}
