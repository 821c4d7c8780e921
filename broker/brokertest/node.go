package brokertest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"odradek/broker"
	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/server"
)

// dataDir is where a node's disk has its data.
const dataDir = "data"

// Node is one broker with its machine: a disk, and a place in the network that it keeps while no process runs on it.
type Node struct {
	ID      int
	cluster *Cluster
	network *network
	// metadata tells that the process has new metadata, or has ended.
	metadata news

	// life is held by whoever starts or ends the process.
	life sync.Mutex

	mu         sync.Mutex
	broker     *broker.Broker // nil when no process runs
	ended      bool           // the process is being ended, and may complain of anything
	disk       *memenv.Disk   // of the process that runs, or of the next one
	hook       memenv.Hook
	diskFailed bool   // FailDisk was used
	address    string // "host:port"; the port is 0 until it first listened
	failure    error  // why the process ended by itself
	dying      sync.WaitGroup
}

func newNode(c *Cluster, id int) *Node {
	n := &Node{ID: id, cluster: c, disk: memenv.NewDisk(), address: "127.0.0.1:0", metadata: news{ch: make(chan struct{})}}
	if c.options.inMemory {
		n.address = fmt.Sprintf("%s:9092", hostName(id))
	}
	n.network = newNetwork(c.world)
	return n
}

// Address is where clients reach the node, "host:port".
func (n *Node) Address() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.address
}

// running returns the process; nil when there is none.
func (n *Node) running() *broker.Broker {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.broker
}

// Start starts the process again after Kill, PowerLoss or Shutdown, with what its disk kept, at the same address. It returns
// when the process listens; AwaitReady waits for more. A node that runs is left alone.
func (n *Node) Start() error {
	n.life.Lock()
	defer n.life.Unlock()
	if n.running() != nil {
		return nil
	}
	static, _, err := config.Load(n.properties())
	if err != nil {
		return err
	}
	n.network.revive()
	n.mu.Lock()
	n.failure, n.ended = nil, false
	n.disk.SetHook(n.hook)
	disk := n.disk
	n.mu.Unlock()
	b, err := broker.Start(broker.Options{
		Env: env.Env{Net: n.network, Disk: disk}, Static: static,
		Logger:       n.cluster.options.logger.With("node", n.ID),
		OnFailure:    n.failed,
		PanicIsFatal: true,
		Intercept: func(next server.Handler) server.Handler {
			return &interceptor{next: next, node: n}
		},
	})
	if err != nil {
		return fmt.Errorf("node %d: %w", n.ID, err)
	}
	b.Controller().Subscribe(func(*metadata.Image, *metadata.Delta) { n.metadata.tell() })
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broker, n.address = b, b.Addresses()[0]
	if n.cluster.options.inMemory {
		n.address = fmt.Sprintf("%s:9092", hostName(n.ID))
	}
	return nil
}

// properties are the node's settings: what it is, then the package's defaults, then what the test sets.
func (n *Node) properties() []config.Property {
	var voters []string
	for id := 1; id <= n.cluster.options.nodes; id++ {
		voters = append(voters, fmt.Sprintf("%d@%s:9093", id, hostName(id)))
	}
	replicas := strconv.Itoa(min(n.cluster.options.nodes, replicationMax))
	own := []config.Property{
		{Key: "node.id", Value: strconv.Itoa(n.ID)},
		{Key: "log.dirs", Value: dataDir},
		{Key: "listeners", Value: fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s:9093", n.Address(), hostName(n.ID))},
		{Key: "controller.quorum.voters", Value: strings.Join(voters, ",")},
		{Key: "default.replication.factor", Value: replicas},
	}
	return append(own, n.cluster.options.properties...)
}

// AwaitReady returns when the process is part of the cluster and can lead, or with an error when ctx ends before.
func (n *Node) AwaitReady(ctx context.Context) error {
	b := n.running()
	if b == nil {
		return fmt.Errorf("node %d does not run: %w", n.ID, n.Err())
	}
	select {
	case <-b.Ready():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("node %d is not ready: %w", n.ID, ctx.Err())
	}
}

// Kill ends the process as kill -9 does: its connections end, and its disk keeps all that it wrote.
func (n *Node) Kill() { n.end((*memenv.Disk).AfterKill) }

// PowerLoss ends the process and loses what it had not synced.
func (n *Node) PowerLoss() {
	n.end(func(d *memenv.Disk) *memenv.Disk { return d.AfterPowerLoss(memenv.Loss{}) })
}

// end ends the process at once: what is on the disk at this moment is what the next one finds. That the process goes on to
// close in good order, on a disk that nobody will look at and without a connection, is how its goroutines end.
func (n *Node) end(remains func(*memenv.Disk) *memenv.Disk) {
	n.life.Lock()
	defer n.life.Unlock()
	n.mu.Lock()
	b := n.broker
	n.broker, n.ended = nil, true
	if b != nil {
		n.network.die()
		n.disk.SetHook(nil)
		n.disk = remains(n.disk)
	}
	n.mu.Unlock()
	if b != nil {
		n.metadata.tell()
		b.Close()
	}
}

// shutdownMax is how long a node tries to hand over what it leads.
const shutdownMax = 10 * time.Second

// Shutdown is the orderly stop: the node hands over what it leads, if there is anybody, and closes its logs.
func (n *Node) Shutdown() error {
	n.life.Lock()
	defer n.life.Unlock()
	b := n.running()
	if b == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownMax)
	defer cancel()
	err := b.Shutdown(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broker = nil
	n.disk.SetHook(nil)
	n.disk = n.disk.NewProcess()
	return err
}

// failed is told that the process can't go on, by one of its goroutines. A real one would exit, so this one is killed.
func (n *Node) failed(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended || n.failure != nil {
		return
	}
	n.failure = err
	n.dying.Go(n.Kill)
}

// Err says why the process ended by itself, which it does when its disk fails; nil when it did not.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

// close ends the process for good.
func (n *Node) close() error {
	n.network.heal()
	n.Kill()
	n.dying.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure != nil && !n.diskFailed {
		return fmt.Errorf("node %d ended by itself: %w", n.ID, n.failure)
	}
	return nil
}
