// Package broker puts a node together: its logs and replicas, its part in the metadata quorum, and the servers that clients
// reach. The packages below do the work; DESIGN.md, beside this file, says which does what.
package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path"
	"slices"
	"sync"
	"time"

	"odradek/broker/api"
	"odradek/broker/commitlog"
	"odradek/broker/config"
	"odradek/broker/controller"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/quota"
	"odradek/broker/replica"
	"odradek/broker/server"
)

// Options are what a broker is started with.
type Options struct {
	Env    env.Env
	Static *config.Static
	Logger *slog.Logger
	// OnFailure is told that the broker can't go on: its disk failed under the quorum or under a replica. The process should
	// end, so that others lead what it led. By default it panics.
	OnFailure func(error)
	// PanicIsFatal lets a handler's panic end the process instead of its connection, as it should in tests and universes.
	PanicIsFatal bool
	// Intercept, in tests, is given the handler of all requests and returns the one that stands before it.
	Intercept func(server.Handler) server.Handler
}

// Broker is one node, running.
type Broker struct {
	options    Options
	node       config.Node
	locks      []io.Closer
	dirs       []controller.DataDir
	controller *controller.Controller
	replicas   *replica.Manager
	groups     *groups
	quotas     *quota.Manager
	// transactions is nil until the replicas are open.
	transactions *transactions
	shares       *shares
	handler      *api.Handler
	servers      []*server.Server
	ready        chan struct{}
	closing      chan struct{}
	background   sync.WaitGroup
	closeOnce    sync.Once
	closed       error
}

// lockName is the file whose lock keeps a second process out of a data directory.
const lockName = ".lock"

// Start opens the node's data, joins or forms the cluster in the background, and listens. Clients that connect are answered
// once the node knows the cluster's metadata; Ready tells when they find leaders here. Errors: those of the disk and the network, env.ErrLocked, controller.ErrWrongDisk.
func Start(o Options) (*Broker, error) {
	b := &Broker{options: o, node: o.Static.Node(), ready: make(chan struct{}), closing: make(chan struct{})}
	b.quotas = quota.New(quota.Config(b.node.Quotas))
	if b.options.OnFailure == nil {
		b.options.OnFailure = func(err error) { panic(err) }
	}
	if err := b.start(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Broker) start() error {
	if err := b.openDirs(); err != nil {
		return err
	}
	// The front stands in for the handler, which needs the controller, which tells others the ports that the servers got.
	front := &front{}
	for _, listener := range b.node.Listeners {
		s, err := b.openServer(listener, front)
		if err != nil {
			return fmt.Errorf("listener %s: %w", listener.Name, err)
		}
		b.servers = append(b.servers, s)
	}
	logsOpen := make(chan struct{})
	if err := b.openController(logsOpen); err != nil {
		return err
	}
	if err := b.openReplicas(); err != nil {
		return err
	}
	b.openGroups()
	b.openShares()
	b.openTransactions()
	b.handler = api.New(api.Config{
		NodeID: b.node.ID, Static: b.options.Static, Controller: b.controller,
		Replicas: api.ReplicasOf(b.replicas), Groups: b.groups, Quotas: b.quotas, Logger: b.options.Logger,
		Transactions: b.transactions, Enlist: b.transactions.client,
		ShareStates: b.shares.states, Shares: b.shares.partitions, ShareStore: b.shares.persister,
	})
	front.Handler = b.handler
	if b.options.Intercept != nil {
		front.Handler = b.options.Intercept(b.handler)
	}
	b.background.Go(func() {
		select {
		case <-b.replicas.Ready():
			close(logsOpen)
		case <-b.closing:
		}
	})
	b.controller.Subscribe(b.replicas.Apply)
	b.controller.Subscribe(b.groups.Apply)
	b.controller.Subscribe(b.transactions.Apply)
	b.controller.Subscribe(b.shares.Apply)
	b.controller.Subscribe(b.quotas.Apply)
	b.controller.Subscribe(b.followLimits)
	b.controller.Subscribe(b.followCleaner)
	b.controller.Subscribe(b.watchSelf())
	b.controller.Start()
	return nil
}

// openDirs locks the data directories and that of the quorum, and reads whose they are. Directories whose disks fail are left out,
// all but the quorum's.
func (b *Broker) openDirs() error {
	paths := b.node.LogDirs
	if !slices.Contains(paths, b.node.MetadataDir) {
		paths = append([]string{b.node.MetadataDir}, paths...)
	}
	failed := map[string]error{}
	for _, dir := range paths {
		err := b.lock(dir)
		if err != nil && (dir == b.node.MetadataDir || errors.Is(err, env.ErrLocked)) {
			return err
		}
		failed[dir] = err
	}
	for _, dir := range b.node.LogDirs {
		d := controller.DataDir{Path: dir, Err: failed[dir]}
		if d.Err == nil {
			d = controller.OpenDataDir(b.options.Env.Disk, b.node.ID, dir)
		}
		if d.Err != nil && (dir == b.node.MetadataDir || errors.Is(d.Err, controller.ErrWrongDisk)) {
			return d.Err
		}
		b.dirs = append(b.dirs, d)
	}
	return nil
}

func (b *Broker) lock(dir string) error {
	disk := b.options.Env.Disk
	if err := disk.MkdirAll(dir); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	lock, err := disk.Lock(path.Join(dir, lockName))
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	b.locks = append(b.locks, lock)
	return nil
}

// logDirs are the data directories as replicas use them.
func (b *Broker) logDirs() []replica.LogDir {
	dirs := make([]replica.LogDir, len(b.dirs))
	for i, d := range b.dirs {
		dirs[i] = replica.LogDir{Path: d.Path, ID: d.ID, Err: d.Err, Vital: d.Path == b.node.MetadataDir}
	}
	return dirs
}

// front is a server's handler whose inside is set before the first request.
type front struct{ server.Handler }

func (b *Broker) openServer(listener config.Listener, handler server.Handler) (*server.Server, error) {
	s, err := server.Open(server.Config{
		Net: b.options.Env.Net, Address: listener.Address(), ListenerName: listener.Name,
		Handler: handler, Versions: api.Versions(), Logger: b.options.Logger,
		FrameBytesMax: int(b.node.RequestBytesMax),
		IdleMax:       b.node.ConnectionIdle,
		Detain:        func(ip string) time.Duration { return b.quotas.Connection(ip, time.Now()) },
		PanicIsFatal:  b.options.PanicIsFatal,
	})
	if err == nil {
		s.SetLimits(b.options.Static.Layers(nil, nil).ConnectionLimits())
	}
	return s, err
}

func (b *Broker) openController(ready <-chan struct{}) error {
	host, port, err := b.advertised()
	if err != nil {
		return err
	}
	c, err := controller.Open(controller.Config{
		NodeID: b.node.ID, Net: b.options.Env.Net, Disk: b.options.Env.Disk, Dir: b.node.MetadataDir, DataDirs: b.dirs,
		Listen: b.controllerAddress(host), Controllers: voters(b.node),
		Host: host, Port: port, Rack: b.node.Rack, Ready: ready, Static: b.options.Static.Values(),
		NumPartitions: b.node.NumPartitions, ReplicationFactor: b.node.ReplicationFactor,
		SessionTimeout: b.node.SessionTimeout, HeartbeatInterval: b.node.HeartbeatInterval,
		NoRebalance: !b.node.LeaderRebalance, RebalanceInterval: b.node.LeaderImbalanceCheck,
		SnapshotEntries: uint64(b.node.MetadataSnapshotEntries),
		Logger:          b.options.Logger.With("component", "controller"), OnFailure: b.options.OnFailure,
	})
	b.controller = c
	return err
}

// advertised is the address that clients and other nodes are told for the listener between brokers; a port of 0 has become
// a real one by now.
func (b *Broker) advertised() (host string, port int32, err error) {
	for i, listener := range b.node.Listeners {
		if listener.Name != b.node.InterBroker {
			continue
		}
		host, port = listener.AdvertisedHost, listener.AdvertisedPort
		if port == 0 {
			port, err = portOf(b.servers[i].Addr())
		}
		return host, port, err
	}
	return "", 0, fmt.Errorf("no listener is named %s", b.node.InterBroker)
}

// controllerAddress is where the quorum's listener binds. A node alone needs no fixed place: nobody has to find it.
func (b *Broker) controllerAddress(host string) string {
	if b.node.Controller != nil {
		return b.node.Controller.Address()
	}
	for _, voter := range b.node.Voters {
		if voter.ID == b.node.ID {
			return voter.Address
		}
	}
	return net.JoinHostPort(host, "0")
}

func (b *Broker) openReplicas() error {
	m, err := replica.NewManager(replica.ManagerConfig{
		NodeID: b.node.ID, Disk: b.options.Env.Disk, Dirs: b.logDirs(), Net: b.options.Env.Net,
		Logger: b.options.Logger.With("component", "replica"), Controller: b.controller,
		TopicSettings:         b.topicSettings,
		Complete:              b.knows,
		Intact:                b.controller.Intact(),
		OnStorageFailure:      b.options.OnFailure,
		OpenFiles:             commitlog.NewFiles(int(b.node.OpenFilesMax)),
		OpenParallelism:       int(b.node.RecoveryThreads),
		MoveParallelism:       int(b.node.MoveThreads),
		DirFailureTimeout:     b.node.DirFailureTimeout,
		RackAwareReads:        b.node.RackAwareReads,
		ReplicaLagTimeMax:     b.node.ReplicaLagTimeMax,
		FetchWaitMax:          b.node.ReplicaFetchWaitMax,
		FetchMinBytes:         b.node.ReplicaFetchBytesMin,
		FetchMaxBytes:         b.node.ReplicaFetchBytesMax,
		FetchResponseMaxBytes: b.node.ReplicaFetchResponseMax,
		FetchBackoff:          b.node.ReplicaFetchBackoff,
		CheckpointInterval:    b.node.HighWatermarkCheckpoint,

		RetentionCheckInterval: b.node.RetentionCheck,
		Cleaner:                cleanerConfig(b.node.Cleaner),
		Replication:            replica.Windows(b.node.ReplicationQuota),
		Moves:                  replica.Windows(b.node.MovesQuota),
	})
	if err != nil {
		return err
	}
	limits := b.options.Static.Layers(nil, nil).ReplicationLimits()
	m.SetLimits(limits.Leader, limits.Follower, limits.Move)
	b.replicas = m
	return nil
}

// watchSelf follows this process through the metadata. Clients are answered once its registration is there, and with it
// all that was committed before: an older image would tell them that a topic which exists does not. Ready is closed once the
// process is no longer fenced.
func (b *Broker) watchSelf() func(*metadata.Image, *metadata.Delta) {
	serving, ready := false, false
	return func(img *metadata.Image, _ *metadata.Delta) {
		if !b.knows(img) {
			return
		}
		if !serving {
			serving = true
			for _, s := range b.servers {
				s.Start()
			}
		}
		if !ready && !img.Brokers[b.node.ID].Fenced {
			ready = true
			close(b.ready)
		}
	}
}

// knows says whether an image holds this process's own registration, and so all that was committed before it started.
func (b *Broker) knows(img *metadata.Image) bool {
	self := img.Brokers[b.node.ID]
	return self != nil && self.IncarnationID == b.controller.Incarnation()
}

// Ready is closed once this node is part of the cluster and can lead.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addresses are where the listeners for clients are bound, in the order of the configuration.
func (b *Broker) Addresses() []string {
	var all []string
	for _, s := range b.servers {
		all = append(all, s.Addr().String())
	}
	return all
}

// Controller is the node's part in the metadata quorum, for whoever watches the cluster from within.
func (b *Broker) Controller() *controller.Controller { return b.controller }

// Shutdown is the controlled stop: leaderships and the quorum's leadership move away first, for as long as ctx lives, and then
// everything closes.
func (b *Broker) Shutdown(ctx context.Context) error {
	err := b.controller.Shutdown(ctx)
	if err != nil {
		b.options.Logger.Warn("leaderships could not be handed over", "error", err)
	}
	return b.Close()
}

// Close stops at once but in good order: connections end, logs are closed and synced, the place in the quorum is kept.
func (b *Broker) Close() error {
	b.closeOnce.Do(func() { b.closed = b.close() })
	return b.closed
}

func (b *Broker) close() error {
	var errs []error
	close(b.closing)
	b.background.Wait()
	for _, s := range b.servers {
		errs = append(errs, s.Close())
	}
	if b.handler != nil {
		b.handler.Close()
	}
	if b.shares != nil {
		b.shares.Close()
	}
	if b.transactions != nil {
		b.transactions.Close()
	}
	if b.groups != nil {
		b.groups.Close()
	}
	clean := true
	if b.replicas != nil {
		err := b.replicas.Close()
		clean = err == nil
		errs = append(errs, err)
	}
	if b.controller != nil {
		errs = append(errs, b.controller.Close(clean))
	}
	for _, lock := range b.locks {
		errs = append(errs, lock.Close())
	}
	return errors.Join(errs...)
}
