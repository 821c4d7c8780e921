package coordinators

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Rebalance has a group form at once, then take in one more member and let it go again, several times: "form", "join" and "leave" last
// until the coordinator says that every member has what it is to have, and every partition is with one; "form_stable" and so on until it says
// that the group is Stable. Of a classic group the two are the same. In a consumer group members that keep all they have must still come for
// the group's new epoch.
//
// Members learn of a change by their heartbeats. So that what is measured does not depend on where between two heartbeats it falls,
// that is drawn anew each time, the same for everybody.
type Rebalance struct {
	Protocol   string // "classic", or "consumer" of KIP-848
	Members    int
	Partitions int32
	Heartbeat  time.Duration // what classic members are set to; of the others' the broker decides, and it is what they are known to get
	Times      int
}

// settleMax is how long a rebalance may take.
const settleMax = 2 * time.Minute

// Run measures. It is an error when a group does not settle.
func (r Rebalance) Run(ctx context.Context, o Options) error {
	admin, err := o.client()
	if err != nil {
		return err
	}
	defer admin.Close()
	g := &group{Rebalance: r, Options: o, name: fresh("group"), topic: fresh("topic"), admin: admin}
	remove, err := o.topic(ctx, admin, g.topic, r.Partitions)
	if err != nil {
		return err
	}
	defer remove()
	defer g.close()
	began := time.Now()
	for range r.Members {
		if _, err := g.join(); err != nil {
			return err
		}
	}
	if err := g.settle(ctx, "form", began, r.Members); err != nil {
		return err
	}
	phases := rand.New(rand.NewPCG(1, 2))
	between := func() error { return pause(ctx, time.Duration(phases.Float64()*float64(r.Heartbeat))) }
	for range r.Times {
		if err := between(); err != nil {
			return err
		}
		began := time.Now()
		another, err := g.join()
		if err != nil {
			return err
		}
		if err := g.settle(ctx, "join", began, r.Members+1); err != nil {
			return err
		}
		if err := between(); err != nil {
			return err
		}
		began = time.Now()
		if err := another.LeaveGroupContext(ctx); err != nil {
			return fmt.Errorf("leave: %w", err)
		}
		if err := g.settle(ctx, "leave", began, r.Members); err != nil {
			return err
		}
	}
	return nil
}

// group is one under measurement.
type group struct {
	Rebalance
	Options
	name, topic string
	admin       *kgo.Client
	members     []*kgo.Client
	polling     sync.WaitGroup
}

// join starts a member, which reads until it is closed.
func (g *group) join() (*kgo.Client, error) {
	options := []kgo.Opt{kgo.ConsumerGroup(g.name), kgo.ConsumeTopics(g.topic), kgo.HeartbeatInterval(g.Heartbeat)}
	if g.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	member, err := g.client(options...)
	if err != nil {
		return nil, err
	}
	g.members = append(g.members, member)
	g.polling.Go(func() {
		for !member.PollFetches(context.Background()).IsClientClosed() {
		}
	})
	return member, nil
}

// close ends all members; they need not leave one by one, as their group is not used again.
func (g *group) close() {
	var closing sync.WaitGroup
	for _, member := range g.members {
		closing.Go(member.Close)
	}
	closing.Wait()
	g.polling.Wait()
}

// settle waits until every member has what it is to have, and tells since when; then until the group is at rest.
func (g *group) settle(ctx context.Context, name string, began time.Time, members int) error {
	for told := false; ; {
		seen, err := g.look(ctx)
		took := time.Since(began)
		whole := err == nil && seen.members == members && seen.partitions == int(g.Partitions) && seen.assigned
		if whole && !told {
			g.Tell(name, took)
			told = true
		}
		switch {
		case whole && seen.stable:
			g.Tell(name+"_stable", took)
			return nil
		case took > settleMax:
			return fmt.Errorf("%s: after %v the group is %+v (%w)", name, took, seen, err)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}
