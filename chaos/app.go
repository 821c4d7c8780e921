package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// An App is a program of somebody's own that lives in the universe in place of the plan's clients: so many instances of it, which die
// and are started again.
type App struct {
	Instances int `json:"instances"`
	// Args are what each instance is given.
	Args  []string `json:"args,omitempty"`
	Kills []Kill   `json:"kills,omitempty"`
}

// A Kill ends an instance as kill -9 does, and starts it again after a while.
type Kill struct {
	At       Duration `json:"at"`
	For      Duration `json:"for"`
	Instance int      `json:"instance"` // counted from 1
}

// End is when the instance is started again.
func (k Kill) End() Duration { return k.At + k.For }

// String is a line for people.
func (k Kill) String() string { return fmt.Sprintf("%s kill app-%d for %s", k.At, k.Instance, k.For) }

// instancesMax bounds an app.
const instancesMax = 32

func (a *App) check(phases Phases) error {
	if a.Instances < 1 || a.Instances > instancesMax {
		return fmt.Errorf("instances %d: allowed are 1 to %d", a.Instances, instancesMax)
	}
	for i, k := range a.Kills {
		if k.Instance < 1 || k.Instance > a.Instances || k.For <= 0 || k.At < phases.Calm || k.End() > phases.FaultsEnd() {
			return fmt.Errorf("kills[%d]: %s: allowed are instances 1 to %d, from %s to %s", i, k, a.Instances, phases.Calm, phases.FaultsEnd())
		}
	}
	return nil
}

// killApart is how far the deaths of an instance are apart, on average, in milliseconds.
const killApart = 5000

// WithApp has a plan's cluster serve a program of somebody's own in place of the plan's clients. Instances die now and then in the
// fault phase. What the program keeps in topics is as safe as the plan's schedule allows: synced before it is acknowledged, and by
// two replicas where the cluster has two.
func WithApp(p Plan, instances int, args []string) Plan {
	p.Producers, p.Consumers, p.Deleters, p.Copiers, p.Groups, p.Reassignments = nil, nil, nil, nil, nil, nil
	replicas := min(3, p.Cluster.Nodes)
	p.Cluster.Config = maps.Clone(p.Cluster.Config)
	maps.Copy(p.Cluster.Config, map[string]string{
		"default.replication.factor":               strconv.Itoa(replicas),
		"min.insync.replicas":                      strconv.Itoa(min(2, replicas)),
		"log.flush.interval.messages":              "1",
		"offsets.topic.num.partitions":             "2",
		"offsets.topic.replication.factor":         strconv.Itoa(replicas),
		"transaction.state.log.num.partitions":     "2",
		"transaction.state.log.replication.factor": strconv.Itoa(replicas),
		"transaction.state.log.min.isr":            strconv.Itoa(min(2, replicas)),
		"group.initial.rebalance.delay.ms":         "0",
		"group.min.session.timeout.ms":             "1000",
	})
	p.App = &App{Instances: instances, Args: args}
	r := Stream(p.Seed, "app")
	for instance := 1; instance <= instances; instance++ {
		for at := p.Phases.Calm + millis(between(r, 0, 2*killApart)); ; at += millis(between(r, 500, 2*killApart)) {
			k := Kill{At: at, For: millis(between(r, 100, 3000)), Instance: instance}
			if k.End() > p.Phases.FaultsEnd() {
				break
			}
			p.App.Kills = append(p.App.Kills, k)
			at = k.End()
		}
	}
	slices.SortStableFunc(p.App.Kills, func(a, b Kill) int { return int(a.At - b.At) })
	return p
}
