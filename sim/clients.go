package sim

import (
	"fmt"
	"strings"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// clientsLife is how far the clients have come. They live one after another: setup makes the topics, then producers and consumers
// run until their time is up, and when all have ended, the final reader reads.
type clientsLife struct {
	topicsMade bool
	waiting    int // producers and consumers that have not ended
	reading    bool
	read       bool // the final reader has come to every end
	// late holds the last words of who ran out of time.
	late string
}

// finishClients begins the read phase. Clients end by themselves when their time is up; when the last has, the final reader starts.
func (r *run) finishClients() {
	now := chaos.Duration(r.universe.Now())
	if r.life.topicsMade && r.life.waiting == 0 && !r.life.reading && now >= r.plan.Phases.HealEnd() {
		r.life.reading = true
		n, err := r.finalReader()
		r.start(n, err)
	}
}

// clientEnded is told of a client's end. Running out of time is the cluster's failure; any other failure is the harness's.
func (r *run) clientEnded(n *host.Node, exit host.Exit) {
	late := exit.Reason == host.Exited && exit.Code == guest.ExitNoProgress
	switch {
	case late:
		r.life.late = fmt.Sprintf("%s: %s", n.Name(), strings.Join(exit.Stderr, "; "))
	case exit.Own():
		r.fail(fmt.Errorf("client %s %s: %s", n.Name(), exit, strings.Join(exit.Stderr, "\n")))
	case n == r.setup:
		r.life.topicsMade = true
		for _, client := range r.clients {
			r.life.waiting++
			r.start(client, nil)
		}
		for _, instance := range r.apps.nodes {
			r.startApp(instance)
		}
	case n.Name() == finalReaderName:
		r.life.read = true
	default:
		r.life.waiting--
		r.finishClients()
	}
}

// start starts a client.
func (r *run) start(n *host.Node, err error) {
	if err == nil {
		err = n.Start()
	}
	if err != nil {
		r.fail(err)
	}
}

// stuck says what kept the clients from coming to the end of their work; nothing when they did.
func (r *run) stuck() string {
	switch {
	case !r.life.topicsMade && r.life.late == "":
		return "the topics were not made"
	case !r.life.topicsMade:
		return "the topics were not made: " + r.life.late
	case r.life.waiting > 0:
		return fmt.Sprintf("%d producers and consumers had not ended by the end of the run, so the final read never began", r.life.waiting)
	case !r.life.read && r.life.late != "":
		return "the final read came to no end: " + r.life.late
	case !r.life.read:
		return "the final read came to no end"
	}
	return ""
}

// task is what a client of the given role is started with; until is when its time is up.
func (r *run) task(role, name string, until chaos.Duration) guest.Task {
	t := guest.Task{Role: role, Name: name, StartNs: clock.Epoch, UntilNs: int64(until), Seed: r.plan.Seed, Cluster: r.plan.Cluster}
	for i := range r.plan.Cluster.Nodes {
		t.Seeds = append(t.Seeds, brokerIP(i+1)+brokerPort)
	}
	return t
}
