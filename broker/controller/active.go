package controller

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/controller/decide"
	"odradek/broker/metadata"
)

// errNotActive says that this node is not the active controller, or stopped being it before the outcome was known.
var errNotActive = errors.New("controller: not the active controller")

const (
	// requestsPerBatchMax bounds how many requests share an entry of the quorum's log.
	requestsPerBatchMax = 512
	// requestsQueuedMax bounds those that wait; more are sent away, to try again.
	requestsQueuedMax = 1 << 16
	// reprobeInterval is the pause between two looks at nodes that have not sent a heartbeat yet.
	reprobeInterval = 500 * time.Millisecond
	// proposalRetry is the pause after a proposal that the quorum did not take.
	proposalRetry = 50 * time.Millisecond
)

// active is the active controller for as long as this node leads the quorum: it takes what is queued, decides it on the newest
// image, proposes the records as one entry, and answers when the entry is applied. One entry is under way at a time, since
// each is computed from the image before it; what comes meanwhile goes into the next, so the rate of requests is not bound by
// the time an entry takes.
type active struct {
	c        *Controller
	ctx      context.Context // ends with the leadership
	queue    *queue
	events   chan func()   // run between two batches
	stopped  chan struct{} // closed when no more events are run
	sessions *sessions
	timer    *time.Timer
	fence    []int32 // nodes to fence with the next batch
	probing  map[int32]bool

	announcer   *announcer
	rebalanceAt time.Time // zero when there is nothing to look at
	members     *membership
}

func newActive(ctx context.Context, c *Controller) *active {
	return &active{
		c:       c,
		ctx:     ctx,
		queue:   newQueue(),
		events:  make(chan func(), 16),
		stopped: make(chan struct{}),
		timer:   time.NewTimer(time.Hour),
		probing: map[int32]bool{},
		members: newMembership(c),
	}
}

// event runs fn on the active controller's goroutine, unless that has ended.
func (a *active) event(fn func()) {
	select {
	case a.events <- fn:
	case <-a.stopped:
	}
}

// run is the active controller's life.
func (a *active) run() {
	defer a.timer.Stop()
	defer close(a.stopped)
	defer a.queue.close()
	if !a.catchUp() {
		return
	}
	image := a.c.Image()
	term := a.c.raft.CurrentTerm()
	a.announcer = newAnnouncer(a.c.transport, a.c.raftHeader(), term)
	a.c.cfg.Logger.Info("active controller", "term", term, "metadata", image.Version)
	a.sessions = newSessions(a.c.cfg.SessionTimeout, image, time.Now())
	go a.members.run(a.ctx)
	a.armRebalance()
	for id, broker := range image.Brokers {
		if !broker.Fenced {
			a.probe(id)
		}
	}
	a.turn(nil)
	time.AfterFunc(reprobeInterval, a.reprobe)
	for {
		var batch []*pending
		select {
		case <-a.ctx.Done():
			return
		case fn := <-a.events:
			fn()
		case <-a.timer.C:
		case <-a.queue.wake:
			batch = a.queue.take(requestsPerBatchMax)
		}
		a.turn(batch)
	}
}

// catchUp waits until the image holds all that earlier leaders committed: nothing may be decided from less.
func (a *active) catchUp() bool {
	for a.ctx.Err() == nil {
		caught := make(chan error, 1)
		go func() { caught <- a.c.raft.Barrier(0).Error() }() // of which there is no answer if it was queued as raft ended
		select {
		case err := <-caught:
			if err == nil {
				return true
			}
		case <-a.c.closing:
			return false
		}
		select {
		case <-time.After(proposalRetry):
		case <-a.ctx.Done():
		}
	}
	return false
}

// turn decides a batch of requests together with what time has brought, proposes it, and answers. When the quorum does not take
// it the requests are sent on to whoever leads next; what time brought is tried again, should that be this node.
func (a *active) turn(batch []*pending) {
	for {
		now := time.Now()
		image := a.c.Image()
		plan := a.c.newPlan(image)
		plan.NameCluster(a.c.clusterIDForNew())
		responses := make([]kmsg.Response, len(batch))
		for i, p := range batch {
			responses[i] = a.handle(plan, p.req, now)
		}
		// After the heartbeats of this batch: who sent one is not silent.
		a.noteHeartbeats(batch, responses, now)
		a.decideFences(plan, now)
		a.decideBalance(plan, now)

		version, err := a.propose(image, plan.Batch())
		if errors.Is(err, metadata.ErrStale) {
			continue // an entry of an earlier leader came between; decide again
		}
		if err != nil {
			for _, p := range batch {
				p.done(nil, 0, errNotActive)
			}
			a.timer.Reset(proposalRetry)
			return
		}
		a.fence = nil
		for i, p := range batch {
			p.done(responses[i], version, nil)
		}
		a.after(plan.Batch())
		return
	}
}

// handle answers what concerns the quorum itself, and has the rest decided.
func (a *active) handle(plan *decide.Plan, req kmsg.Request, now time.Time) kmsg.Response {
	if asked, ok := req.(*kmsg.DescribeQuorumRequest); ok {
		return describeQuorum(asked, a.c.quorum(a.sessions.nodes, now))
	}
	return plan.Handle(req)
}

// handles says whether the active controller takes a kind of request.
func handles(key int16) bool { return key == kmsg.DescribeQuorum.Int16() || decide.Handles(key) }

// propose has the quorum agree on a batch and returns the version that includes it.
func (a *active) propose(image *metadata.Image, batch metadata.Batch) (uint64, error) {
	if len(batch.Records) == 0 {
		return image.Version, nil
	}
	future := a.c.raft.Apply(metadata.AppendBatch(nil, batch), 0)
	if err := future.Error(); err != nil {
		a.c.cfg.Logger.Info("active controller: proposal failed", "error", err)
		return 0, err
	}
	switch result := future.Response().(type) {
	case uint64:
		a.announce(future.Index())
		return result, nil
	case error:
		return 0, result
	}
	return 0, errFailed
}

// announce has the other members apply an entry now.
func (a *active) announce(index uint64) {
	future := a.c.raft.GetConfiguration()
	if future.Error() != nil {
		return
	}
	for _, member := range future.Configuration().Servers {
		if member.ID != serverID(a.c.identity.directoryID) {
			a.announcer.tell(member, index)
		}
	}
}

func (a *active) noteHeartbeats(batch []*pending, responses []kmsg.Response, now time.Time) {
	newest := int64(a.c.Image().Version)
	for i, p := range batch {
		if req, ok := p.req.(*kmsg.BrokerHeartbeatRequest); ok && responses[i].(*kmsg.BrokerHeartbeatResponse).ErrorCode == 0 {
			a.sessions.touch(req.BrokerID, req.BrokerEpoch, req.CurrentMetadataOffset, newest, p.conn, now)
		}
	}
}

func (a *active) decideFences(plan *decide.Plan, now time.Time) {
	ended, next := a.sessions.expired(plan.Image(), now)
	for _, id := range ended {
		a.c.cfg.Logger.Warn("node fenced: its session ended", "node", id)
	}
	for _, id := range slices.Concat(a.fence, ended) {
		plan.Fence(id)
	}
	if !a.rebalanceAt.IsZero() && (next.IsZero() || a.rebalanceAt.Before(next)) {
		next = a.rebalanceAt
	}
	if next.IsZero() {
		a.timer.Stop()
	} else {
		a.timer.Reset(max(next.Sub(now), time.Millisecond))
	}
}

func (a *active) decideBalance(plan *decide.Plan, now time.Time) {
	if a.rebalanceAt.IsZero() || now.Before(a.rebalanceAt) {
		return
	}
	a.rebalanceAt = time.Time{}
	if moved := plan.Rebalance(); moved > 0 {
		a.c.cfg.Logger.Info("leaders rebalanced", "partitions", moved)
	}
}

// after looks at what was committed for what else it asks for.
func (a *active) after(batch metadata.Batch) {
	brokers, partitions := false, false
	for _, record := range batch.Records {
		switch record.(type) {
		case *metadata.BrokerRecord, *metadata.BrokerStateRecord, *metadata.RemoveBrokerRecord:
			brokers = true
		case *metadata.PartitionRecord:
			partitions = true
		}
	}
	if brokers {
		a.members.kick()
	}
	if partitions {
		a.armRebalance()
	}
}

// armRebalance has the balance of leaders looked at one period from now. Nothing changes it but a batch with partitions, so
// nothing else arms the timer.
func (a *active) armRebalance() {
	if !a.c.cfg.NoRebalance && a.rebalanceAt.IsZero() {
		a.rebalanceAt = time.Now().Add(a.c.cfg.RebalanceInterval)
	}
}

// connectionEnded hears of a death: the node whose heartbeats a connection carried is probed at once.
func (a *active) connectionEnded(conn *serverConn) {
	for _, id := range a.sessions.carriedBy(conn) {
		if a.c.Image().Alive(id) {
			a.probe(id)
		}
	}
}

// reprobe looks after the nodes whose heartbeats have not come to this active controller yet: until one does, there is no
// connection to hear their death by.
func (a *active) reprobe() {
	a.event(func() {
		again := false
		for id, broker := range a.c.Image().Brokers {
			if !broker.Fenced && id != a.c.cfg.NodeID && a.sessions.live(broker, time.Now()).conn == nil {
				a.probe(id)
				again = true
			}
		}
		if again {
			time.AfterFunc(reprobeInterval, a.reprobe)
		}
	})
}

func (a *active) probe(id int32) {
	broker := a.c.Image().Brokers[id]
	if broker == nil || id == a.c.cfg.NodeID || a.probing[id] {
		return
	}
	a.probing[id] = true
	go func() {
		dead := isDead(a.ctx, a.c.cfg.Net, broker)
		a.event(func() {
			delete(a.probing, id)
			if now := a.c.Image().Brokers[id]; dead && now != nil && now.Epoch == broker.Epoch {
				a.c.cfg.Logger.Warn("node fenced: its process is gone", "node", id)
				a.fence = append(a.fence, id)
			}
		})
	}()
}

// newPlan starts a plan with this node's settings.
func (c *Controller) newPlan(image *metadata.Image) *decide.Plan {
	return decide.NewPlan(image, decide.Settings{
		Static: c.cfg.Static, NumPartitions: c.cfg.NumPartitions, ReplicationFactor: c.cfg.ReplicationFactor,
	}, c.random)
}

// clusterIDForNew is the id of a cluster that has none yet.
func (c *Controller) clusterIDForNew() string {
	if c.cfg.ClusterID != "" {
		return c.cfg.ClusterID
	}
	return encodeUUID(uuid.New())
}
