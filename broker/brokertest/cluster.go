package brokertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

const (
	// readyMax is how long New waits for the nodes to be able to lead, and CreateTopic for the topic.
	readyMax = 30 * time.Second
	// replicationMax is how many replicas a topic gets when there are as many nodes.
	replicationMax = 3
)

// Cluster is brokers that run in this process. Its methods, and those of its nodes, may be called from any goroutine.
type Cluster struct {
	options options
	world   *world
	nodes   []*Node
	faults  faults
}

// Start starts a cluster that ends with the test. It returns when every node can lead and the topics exist; what goes wrong
// fails the test at once.
func Start(tb testing.TB, choices ...Option) *Cluster {
	tb.Helper()
	c, err := New(choices...)
	if err != nil {
		tb.Fatalf("brokertest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("brokertest: %v", err)
		}
	})
	return c
}

// New is Start for who has no testing.TB: an example, TestMain, a program. Close ends the cluster.
func New(choices ...Option) (*Cluster, error) {
	c := &Cluster{options: newOptions(choices)}
	if c.options.nodes < 1 {
		return nil, fmt.Errorf("a cluster of %d nodes", c.options.nodes)
	}
	c.world = newWorld(c.options.inMemory)
	for id := 1; id <= c.options.nodes; id++ {
		c.nodes = append(c.nodes, newNode(c, id))
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyMax)
	defer cancel()
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	// The lowest id comes last: it founds the cluster, and is to find the others listening.
	for _, n := range slices.Backward(c.nodes) {
		if err := n.Start(); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	for _, t := range c.options.topics {
		if err := c.CreateTopic(t.name, t.partitions, t.configs...); err != nil {
			return err
		}
	}
	return nil
}

// Close stops all nodes and forgets what they stored. The error is of a node that ended by itself, because its disk failed.
func (c *Cluster) Close() error {
	// All fall silent before any ends, or those that are left would elect, fence and hand over until the last.
	for _, n := range c.nodes {
		n.network.die()
	}
	errs := make([]error, len(c.nodes))
	var stopping sync.WaitGroup
	for i, n := range c.nodes {
		stopping.Go(func() { errs[i] = n.close() })
	}
	stopping.Wait()
	return errors.Join(errs...)
}

// Bootstrap is where clients find the cluster: each node's "host:port". It does not change when nodes are started again.
func (c *Cluster) Bootstrap() []string {
	var all []string
	for _, n := range c.nodes {
		all = append(all, n.Address())
	}
	return all
}

// Dial connects to a node by its address. It is what a client of an InMemory cluster dials with, kgo.Dialer(c.Dial) in
// franz-go, and works with any cluster.
func (c *Cluster) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	return c.world.Dial(ctx, address)
}

// Node returns a node by its id, which counts from 1. An id that the cluster hasn't is the test's mistake, and panics.
func (c *Cluster) Node(id int) *Node {
	if id < 1 || id > len(c.nodes) {
		panic(fmt.Sprintf("brokertest: node %d of %d", id, len(c.nodes)))
	}
	return c.nodes[id-1]
}

// Leader returns the node that leads a partition, as the newest metadata of the nodes that run has it; nil when nobody does.
func (c *Cluster) Leader(topic string, partition int) *Node {
	img := c.image()
	if t := img.Topics[topic]; t != nil && partition >= 0 && partition < len(t.Partitions) {
		if leader := t.Partitions[partition].Leader; leader >= 0 {
			return c.Node(int(leader))
		}
	}
	return nil
}

// Controller returns the node that is the active controller; nil when there is none known.
func (c *Cluster) Controller() *Node {
	for _, n := range c.nodes {
		if b := n.running(); b != nil {
			if id, ok := b.Controller().Leader(); ok {
				return c.Node(int(id))
			}
		}
	}
	return nil
}

// image is the newest metadata that a running node has.
func (c *Cluster) image() *metadata.Image {
	newest := metadata.NewImage()
	for _, n := range c.nodes {
		if b := n.running(); b != nil {
			if img := b.Controller().Image(); img.Version >= newest.Version {
				newest = img
			}
		}
	}
	return newest
}

// CreateTopic creates a topic, replicated as Topic's are, and returns when every node that runs knows it.
func (c *Cluster) CreateTopic(name string, partitions int, configs ...string) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), int16(min(len(c.nodes), replicationMax))
	for _, each := range configs {
		key, value, ok := strings.Cut(each, "=")
		if !ok {
			return fmt.Errorf("topic %s: the configuration %q is not key=value", name, each)
		}
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = key, &value
		t.Configs = append(t.Configs, config)
	}
	req.Topics = append(req.Topics, t)
	ctx, cancel := context.WithTimeout(context.Background(), readyMax)
	defer cancel()
	if err := c.ask(ctx, req, name); err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) ask(ctx context.Context, req *kmsg.CreateTopicsRequest, name string) error {
	for _, n := range c.nodes {
		b := n.running()
		if b == nil {
			continue
		}
		resp, err := b.Controller().Request(ctx, req)
		if err != nil {
			return err
		}
		created := resp.(*kmsg.CreateTopicsResponse).Topics[0]
		if err := kerr.ErrorForCode(created.ErrorCode); err != nil {
			if created.ErrorMessage != nil {
				err = fmt.Errorf("%w: %s", err, *created.ErrorMessage)
			}
			return err
		}
		return c.awaitTopic(ctx, name)
	}
	return errors.New("no node runs")
}

// awaitTopic returns when every node that runs has the topic in its metadata.
func (c *Cluster) awaitTopic(ctx context.Context, name string) error {
	for _, n := range c.nodes {
		for {
			b, changed := n.running(), n.metadata.next()
			if b == nil || b.Controller().Image().Topics[name] != nil {
				break
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return fmt.Errorf("node %d does not hear of it: %w", n.ID, ctx.Err())
			}
		}
	}
	return nil
}

// news wakes all that wait for something to change.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

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
