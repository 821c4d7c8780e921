package controller

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/raft"

	"odradek/broker/controller/raftstore"
	"odradek/broker/metadata"
)

var (
	// ErrClosed says that the controller was closed.
	ErrClosed = errors.New("controller: closed")
	errFailed = errors.New("controller: failed before")
)

const (
	quorumDir = "__cluster_metadata" // below the data directory, named as Kafka's
	// snapshotThreshold is how many entries the log grows by before the image is written out, trailingLogs how many are kept
	// for followers that lag.
	snapshotThreshold = 4096
	trailingLogs      = 1024
	snapshotInterval  = 2 * time.Minute
	// logCache is how many of the newest entries are kept in memory.
	logCache = 512
	// raftTimeout bounds raft's network calls. Connections that hang, because the network was cut, are given up after it.
	raftTimeout = 2 * time.Second
	// commitTimeout is how often raft's leader tells an idle follower what is committed. Announcements are quicker; this is for
	// those that get lost, and each costs a wake-up.
	commitTimeout = 250 * time.Millisecond
	// connectionsPooled is how many idle connections raft keeps to a peer.
	connectionsPooled = 2
)

// Controller is a node's part in the metadata quorum. See the package comment.
type Controller struct {
	cfg         Config
	identity    *identity
	state       *brokerState
	incarnation metadata.UUID
	random      *rand.Rand // the active controller's

	listener  *listener
	transport *transport
	raft      *raft.Raft
	stores    []io.Closer
	peers     *peers

	image      atomic.Pointer[metadata.Image]
	epoch      atomic.Int64
	active     atomic.Pointer[active]
	dispatch   *dispatch
	notify     chan bool
	leadership *leadership
	leaderNews *news
	succession *succession
	failure    atomic.Pointer[error]

	closing   chan struct{}
	closeOnce sync.Once
	leadDone  chan struct{}
	raftDown  chan struct{} // closed when raft has no more words
	liveDone  chan struct{}
	formDone  chan struct{}
	stopLife  context.CancelFunc
	started   bool
}

// Open reads or makes the node's identity, opens the quorum's stores and listens. The node answers others from then on, and
// takes part in the quorum if it is a member; it joins or forms a cluster with Start. Errors: ErrWrongDisk, and those of the
// disk and the network.
func Open(cfg Config) (*Controller, error) {
	cfg = cfg.withDefaults()
	var seed [32]byte
	crand.Read(seed[:])
	c := &Controller{
		cfg:         cfg,
		incarnation: uuid.New(),
		random:      rand.New(rand.NewChaCha8(seed)),
		dispatch:    newDispatch(),
		notify:      make(chan bool),
		leadership:  newLeadership(),
		leaderNews:  newNews(),
		closing:     make(chan struct{}),
		leadDone:    make(chan struct{}),
		raftDown:    make(chan struct{}),
		liveDone:    make(chan struct{}),
		formDone:    make(chan struct{}),
		stopLife:    func() {},
	}
	c.succession = newSuccession(c)
	c.peers = newPeers(cfg.Net, c.leaderNews.tell)
	c.image.Store(metadata.NewImage())
	c.epoch.Store(-1)
	err := makeDirDurably(cfg.Disk, cfg.Dir)
	if err == nil {
		c.identity, err = openIdentity(cfg.Disk, cfg.Dir, cfg.NodeID, cfg.ClusterID)
	}
	if err == nil {
		c.state, err = openBrokerState(cfg.Disk, cfg.Dir, c.incarnation, c.usable())
	}
	if err == nil {
		err = c.openQuorum()
	}
	if err != nil {
		c.closeQuorum()
		return nil, err
	}
	go c.dispatch.run()
	go c.lead()
	go c.hearRaft()
	c.Subscribe(c.checkCluster)
	return c, nil
}

// openQuorum opens the stores and starts raft on them.
func (c *Controller) openQuorum() error {
	dir := path.Join(c.cfg.Dir, quorumDir)
	if err := makeDirDurably(c.cfg.Disk, dir); err != nil {
		return err
	}
	log, err := raftstore.OpenLog(c.cfg.Disk, path.Join(dir, "log"))
	if err != nil {
		return err
	}
	c.stores = append(c.stores, log)
	stable, err := raftstore.OpenStable(c.cfg.Disk, path.Join(dir, "stable"))
	if err != nil {
		return err
	}
	c.stores = append(c.stores, stable)
	snapshots, err := raftstore.OpenSnapshots(c.cfg.Disk, path.Join(dir, "snapshots"))
	if err != nil {
		return err
	}
	hasState, err := raft.HasExistingState(log, stable, snapshots)
	if err != nil {
		return err
	}
	if !hasState && c.identity.cluster() != "" {
		return fmt.Errorf("%w: %s names a cluster, but the quorum's log below %s is missing", ErrWrongDisk, c.identity.name, dir)
	}
	if err := c.listen(); err != nil {
		return err
	}
	cache, err := raft.NewLogCache(logCache, &watchedLog{log, c.fail})
	if err != nil {
		return err
	}
	c.raft, err = raft.NewRaft(c.raftConfig(), &fsm{c}, cache, stable, snapshots, c.transport)
	if err != nil {
		return err
	}
	c.observeLeaders()
	go c.listener.run()
	go c.succession.run()
	return nil
}

func (c *Controller) listen() error {
	advertise := c.cfg.Advertise
	if advertise == "" {
		advertise = c.cfg.Controllers[c.cfg.NodeID]
	}
	var err error
	if c.listener, err = listen(c.cfg.Net, c.cfg.Listen, advertise, c.identity.directoryID); err != nil {
		return err
	}
	c.listener.serve, c.listener.raftEnded = c.serve, c.succession.connectionEnded
	c.transport = newTransport(raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: c.listener, MaxPool: connectionsPooled, Timeout: raftTimeout, Logger: raftLogger(c.cfg.Logger),
	}))
	return nil
}

func (c *Controller) raftConfig() *raft.Config {
	config := raft.DefaultConfig()
	config.LocalID = serverID(c.identity.directoryID)
	config.HeartbeatTimeout = c.cfg.ElectionTimeout
	config.ElectionTimeout = c.cfg.ElectionTimeout
	config.LeaderLeaseTimeout = c.cfg.LeaseTimeout
	config.CommitTimeout = commitTimeout
	config.SnapshotInterval = snapshotInterval
	config.SnapshotThreshold = snapshotThreshold
	config.TrailingLogs = trailingLogs
	if n := c.cfg.SnapshotEntries; n > 0 {
		config.SnapshotInterval, config.SnapshotThreshold, config.TrailingLogs = time.Second, n, n/4
	}
	config.ShutdownOnRemove = false // a node that is removed may be added again
	config.NotifyCh = c.notify
	config.NoLegacyTelemetry = true
	config.Logger = raftLogger(c.cfg.Logger)
	return config
}

// observeLeaders spreads the news of who leads.
func (c *Controller) observeLeaders() {
	observations := make(chan raft.Observation, 64)
	c.raft.RegisterObserver(raft.NewObserver(observations, true, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	}))
	go func() {
		for {
			select {
			case o := <-observations:
				leader := o.Data.(raft.LeaderObservation)
				c.succession.leaderIs(leader.LeaderAddr, leader.LeaderID)
				if address := c.leaderAddress(); address != "" {
					c.peers.keepOnly(address)
				}
				c.leaderNews.tell()
			case <-c.closing:
				return
			}
		}
	}()
}

// checkCluster notes the cluster's id on the disk when it is first heard.
func (c *Controller) checkCluster(image *metadata.Image, _ *metadata.Delta) {
	if image.ClusterID == "" {
		return
	}
	if err := c.identity.join(image.ClusterID); err != nil {
		c.fail(err)
	}
	for _, d := range c.cfg.DataDirs {
		if d.identity == nil || d.Path == c.cfg.Dir {
			continue
		}
		if err := d.identity.join(image.ClusterID); errors.Is(err, ErrWrongDisk) {
			c.fail(err)
		} else if err != nil {
			c.cfg.Logger.Warn("a data directory does not know its cluster", "dir", d.Path, "error", err)
		}
	}
}

// usable are the ids of the data directories that did not fail.
func (c *Controller) usable() []metadata.UUID {
	var ids []metadata.UUID
	for _, d := range c.cfg.DataDirs {
		if d.Err == nil {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// Start forms or joins the cluster, in the background: registers this node and keeps its session alive.
func (c *Controller) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	c.stopLife, c.started = cancel, true
	go func() {
		defer close(c.formDone)
		c.form(ctx)
	}()
	go c.live(ctx)
}

// Image is the newest metadata applied on this node.
func (c *Controller) Image() *metadata.Image { return c.image.Load() }

// Subscribe has fn called with every image from now on, in order, one call at a time, first with a full delta. fn must not wait
// for Request, which returns only after the subscribers have seen its effects.
func (c *Controller) Subscribe(fn func(*metadata.Image, *metadata.Delta)) { c.dispatch.subscribe(fn) }

// Leader is the active controller as far as this node knows.
func (c *Controller) Leader() (nodeID int32, ok bool) {
	_, member := c.raft.LeaderWithID()
	if member == "" {
		return -1, false
	}
	if member == serverID(c.identity.directoryID) {
		return c.cfg.NodeID, true
	}
	nodeID = nodeOf(c.Image(), member)
	return nodeID, nodeID >= 0
}

// leaderAddress is where the quorum's leader is, "" when none is known.
func (c *Controller) leaderAddress() string {
	address, _ := c.raft.LeaderWithID()
	return string(address)
}

// BrokerEpoch is the epoch of this process's registration; -1 before there is one.
func (c *Controller) BrokerEpoch() int64 { return c.epoch.Load() }

// Intact says that this node tells the controller that its logs hold all they held when they were last open: they were closed, or
// the machine has not stopped since.
func (c *Controller) Intact() bool { return c.state.intact }

// Incarnation is drawn for this process, DirectoryID for its disk.
func (c *Controller) Incarnation() metadata.UUID { return c.incarnation }

// DirectoryID is drawn when the node's disk is first used.
func (c *Controller) DirectoryID() metadata.UUID { return c.identity.directoryID }

// fail reports, once, that this process can't go on.
func (c *Controller) fail(err error) {
	if c.failure.CompareAndSwap(nil, &err) {
		c.cfg.OnFailure(err)
	}
}

func (c *Controller) failed() bool { return c.failure.Load() != nil }

func (c *Controller) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// handOver gives the quorum's leadership to another voter, if this node has it and there is one.
func (c *Controller) handOver() error {
	if c.raft.State() != raft.Leader {
		return nil
	}
	future := c.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	voters := 0
	for _, server := range future.Configuration().Servers {
		if server.Suffrage == raft.Voter {
			voters++
		}
	}
	if voters < 2 {
		return nil
	}
	if err := c.raft.LeadershipTransfer().Error(); err != nil {
		c.cfg.Logger.Info("leadership of the quorum not handed over", "error", err) // the others elect somebody when it ends
	}
	return nil
}

// stopLiving ends the registration's upkeep.
func (c *Controller) stopLiving() {
	c.stopLife()
	if c.started {
		<-c.liveDone
		<-c.formDone
	}
}

// Close stops. clean says that the logs of all partitions were closed and synced before: the node then keeps its place in
// ISRs and ELRs at its next start, even on a machine that lost its power meanwhile.
func (c *Controller) Close(clean bool) error {
	var err error
	c.closeOnce.Do(func() {
		close(c.closing)
		c.stopLiving()
		stopped := c.stopRaft() // an active controller may wait for raft's answer to a proposal that nobody else is there to take
		<-c.leadDone
		err = errors.Join(stopped(), c.closeQuorum())
		close(c.raftDown)
		c.dispatch.close()
		if clean && err == nil {
			err = c.state.stoppedCleanly()
		}
	})
	return err
}

// stopRaft has raft end; what it returns waits for that. Once it was called, all that ask raft are answered.
func (c *Controller) stopRaft() (wait func() error) {
	if c.raft == nil {
		return func() error { return nil }
	}
	c.transport.giveUp()
	return c.raft.Shutdown().Error
}

// closeQuorum closes what openQuorum opened, as far as it came.
func (c *Controller) closeQuorum() error {
	errs := []error{c.stopRaft()()}
	if c.transport != nil {
		errs = append(errs, c.transport.Close())
	} else if c.listener != nil {
		errs = append(errs, c.listener.Close())
	}
	c.peers.keepOnly("")
	for _, store := range c.stores {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}

// news wakes all that wait for something to change.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

func newNews() *news { return &news{ch: make(chan struct{})} }

// next returns a channel that is closed when there is news.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}
