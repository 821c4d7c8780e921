package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/config"
	"odradek/broker/metadata"
	"odradek/broker/quota"
	"odradek/broker/replica"
	"odradek/broker/server"
	"odradek/broker/share"
	"odradek/broker/wire"
)

// Controller is what handlers need of the node's part in the metadata quorum.
type Controller interface {
	// Image is the newest metadata applied on this node.
	Image() *metadata.Image
	// Leader is the active controller as known here.
	Leader() (nodeID int32, ok bool)
	// Request runs a request at the active controller and returns once the local image includes its effects.
	Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error)
	// BrokerEpoch is the epoch of this process's registration; -1 before there is one.
	BrokerEpoch() int64
}

// Replicas are the partitions that this node hosts. The error is a *kerr.Error.
type Replicas interface {
	Partition(topicID metadata.UUID, index int32) (Partition, error)
	Dirs() []replica.DirState
	Move(topic string, index int32, dir string) error
}

// Partition is what handlers need of a *replica.Partition, which documents it.
type Partition interface {
	Append(batches []byte, acks int16, done func(replica.AppendResult)) Pending
	Fetch(replica.FetchRequest) replica.FetchResult
	Watch(w *replica.Waiter, isolation replica.Isolation, offset int64) Watch
	ListOffset(currentLeaderEpoch int32, isolation replica.Isolation, timestamp int64) (replica.OffsetAtTime, error)
	OffsetForLeaderEpoch(currentLeaderEpoch, epoch int32) (wire.EpochEndOffset, error)
	AppendVerified(batches []byte, acks int16, guard commitlog.Guard, done func(replica.AppendResult)) Pending
	AppendMarker(batch []byte, bumped bool, done func(replica.AppendResult)) Pending
	BeginVerification(producerID int64, epoch int16) (guard commitlog.Guard, needed bool, err error)
	Producers() ([]commitlog.ProducerInfo, error)
	DeleteRecords(offset int64, done func(replica.DeleteResult)) Pending
}

// Pending is an append or a deletion that may not be answered yet; Expire answers it with REQUEST_TIMED_OUT in that case.
type Pending interface{ Expire() }

// Watch is a partition under a Waiter's watch, which Unwatch ends.
type Watch interface{ Unwatch() }

// Config is what a Handler is made of. Authorizer and Logger may be nil: all is allowed, nothing logged.
type Config struct {
	NodeID     int32
	Static     *config.Static
	Controller Controller
	Replicas   Replicas
	Groups     Groups
	// Quotas are the clients' limits; nil for none.
	Quotas *quota.Manager
	// Transactions are this node's coordinators, Enlist asks those of all nodes.
	Transactions Transactions
	Enlist       Enlister
	// ShareStates are the share coordinator's shards.
	ShareStates ShareStates
	// Shares are the share-partitions led here, ShareStore the way to where their state is kept.
	Shares     *share.Manager
	ShareStore ShareStore
	Authorizer Authorizer
	Logger     *slog.Logger
}

// Handler answers requests; it is a server.Handler. Close it when the servers that use it are closed.
type Handler struct {
	Config
	node          config.Node
	versions      *wire.Registry
	sessions      *sessionCache
	ids           producerIDs
	creating      creations
	shareSessions shareSessions

	// ctx ends with Close; background counts the goroutines that Close waits for.
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
}

// New makes a Handler.
func New(c Config) *Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Quotas == nil {
		c.Quotas = quota.New(quota.Config{})
	}
	if c.Authorizer == nil {
		c.Authorizer = AllowAll
	}
	h := &Handler{Config: c, node: c.Static.Node(), versions: Versions()}
	h.shareSessions.max = int(h.node.Shares.SessionsMax)
	h.sessions = newSessionCache(int(h.node.FetchSessionsMax))
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Close ends what handlers left running in the background, and waits for it.
func (h *Handler) Close() {
	h.cancel()
	h.background.Wait()
}

// Versions is the table of what is served: what a server parses by, and what ApiVersions tells.
func Versions() *wire.Registry {
	ranges := make([]wire.Range, len(handlers))
	for i, each := range handlers {
		ranges[i] = wire.Range{Key: int16(each.key), Min: each.min, Max: each.max}
	}
	return wire.NewRegistry(ranges...)
}

// Handle answers one request (server.Handler).
func (h *Handler) Handle(ctx context.Context, c *server.Call) {
	h.handle(ctx, call{Header: c.Header, peer: c.Peer, answerer: c}, c.Request)
}

func (h *Handler) handle(ctx context.Context, c call, req kmsg.Request) {
	c.meter = h.newMeter(c)
	handlerByKey[kmsg.Key(c.Key)].handle(h, withMeter(ctx, c.meter), c, req)
	c.meter.end()
}

// call is a request's circumstances and the obligation to answer it.
type call struct {
	wire.Header
	peer  *server.Peer
	meter *meter // nil without quotas
	answerer
}

// answerer is what server.Call offers to answer by.
type answerer interface {
	Reply(wire.Response)
	NoReply()
	Mute(time.Duration)
	Disconnect(error)
	Release()
}

// reply answers with resp in the request's version.
func (c call) reply(resp kmsg.Response) {
	wait := c.meter.end()
	throttle(resp, wait)
	encoded := wire.EncodeResponse(c.Header, resp)
	encoded.Mute = wait
	c.Reply(encoded)
}

// noReply ends a request that is not answered.
func (c call) noReply() {
	if wait := c.meter.end(); wait > 0 {
		c.Mute(wait)
	}
	c.NoReply()
}
