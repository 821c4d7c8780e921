package controller

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// ErrClosed says that the controller was closed.
var ErrClosed = errors.New("controller: closed")

// Controller is a node's part in the metadata quorum.
type Controller struct {
	cfg   Config
	image atomic.Pointer[metadata.Image]
	epoch atomic.Int64
}

// Open reads or makes the node's identity, opens the quorum's stores and listens. Nothing is sent before Start.
func Open(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg.withDefaults()}
	c.image.Store(metadata.NewImage())
	c.epoch.Store(-1)
	return c, nil
}

// Start forms or joins the cluster, in the background: registers this node and keeps its session alive.
func (c *Controller) Start() {}

// Image is the newest metadata applied on this node.
func (c *Controller) Image() *metadata.Image { return c.image.Load() }

// Subscribe has fn called with every image from now on, in order, one call at a time, first with a full delta.
// fn must not wait for Request, which returns only after the subscribers have seen its effects.
func (c *Controller) Subscribe(fn func(*metadata.Image, *metadata.Delta)) { fn(c.Image(), nil) }

// Leader is the active controller as far as this node knows.
func (c *Controller) Leader() (nodeID int32, ok bool) { return -1, false }

// BrokerEpoch is the epoch of this process's registration; -1 before there is one.
func (c *Controller) BrokerEpoch() int64 { return c.epoch.Load() }

// Request runs a request at the active controller, here or on another node, retried while there is none and ctx lives, and
// returns its response once the local image includes its effects and the subscribers have seen them. Errors: ctx's, ErrClosed.
func (c *Controller) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return nil, ErrClosed
}

// Shutdown is the controlled shutdown: the active controller moves this node's leaderships away, then, if this node is the
// active controller itself, another one takes over. Call Close after it. Errors: ctx's.
func (c *Controller) Shutdown(ctx context.Context) error { return nil }

// Close stops. clean says that the logs of all partitions were closed and synced before: the node then keeps its place in
// ISRs and ELRs at its next start, even on a machine that lost its power meanwhile.
func (c *Controller) Close(clean bool) error { return nil }
