package brokertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/server"
	"odradek/broker/wire"
)

// Fault is what happens to some requests of clients. First Delay passes; then the first of Answer, Error, HangUp and LoseAnswer
// that is set takes the place of what the broker would have done, and if none is, the broker does its work.
type Fault struct {
	// Key is the API whose requests are meant, as package kmsg names them: kmsg.Produce.
	Key kmsg.Key
	// Node is the only node concerned; 0 is all of them.
	Node int
	// Match chooses among the requests; nil takes all. It is called from the nodes' goroutines.
	Match func(kmsg.Request) bool
	// Times is how many requests are hit before the fault is over; 0 is as many as come until Remove.
	Times int

	// Delay holds the request up, and what comes after it on its connection. The request has no effect meanwhile.
	Delay time.Duration
	// Answer makes the answer, as kmsg's type for the request.
	Answer func(kmsg.Request) kmsg.Response
	// Error is the answer for all that the request names; if it names nothing, for the whole of it.
	Error *kerr.Error
	// HangUp ends the connection: the request has no effect.
	HangUp bool
	// LoseAnswer ends the connection when the request has had its effect, instead of answering it or what came before it.
	LoseAnswer bool
}

// Injected is a fault at work.
type Injected struct {
	fault  Fault
	faults *faults
	hits   int // guarded by faults.mu
}

// Hits is how many requests the fault has hit.
func (i *Injected) Hits() int {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	return i.hits
}

// Remove ends the fault. What it has hit already goes on.
func (i *Injected) Remove() {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	i.faults.remove(i)
}

// Inject adds a fault. When several fit a request the oldest one takes it. Fetches of followers are never hit: to
// disturb replication cut a node off.
func (c *Cluster) Inject(f Fault) *Injected {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	i := &Injected{fault: f, faults: &c.faults}
	c.faults.active = append(c.faults.active, i)
	return i
}

// faults are those of a cluster.
type faults struct {
	mu     sync.Mutex
	active []*Injected
}

// remove takes a fault out. The lock is held.
func (f *faults) remove(i *Injected) {
	if at := slices.Index(f.active, i); at >= 0 {
		f.active = slices.Delete(f.active, at, at+1)
	}
}

// hit returns the fault for a request, and counts it; nil for none.
func (f *faults) hit(node int, req kmsg.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.active {
		if int16(i.fault.Key) != req.Key() || i.fault.Node != 0 && i.fault.Node != node {
			continue
		}
		if i.fault.Match != nil && !i.fault.Match(req) {
			continue
		}
		i.hits++
		if i.hits == i.fault.Times {
			f.remove(i)
		}
		return &i.fault
	}
	return nil
}

// fromFollower says whether another node sent a request to replicate.
func fromFollower(req kmsg.Request) bool {
	fetch, ok := req.(*kmsg.FetchRequest)
	return ok && (fetch.ReplicaID >= 0 || fetch.ReplicaState.ID >= 0)
}

var errInjected = errors.New("brokertest: a fault was injected")

// interceptor stands before a node's handler and has faults happen.
type interceptor struct {
	next server.Handler
	node *Node
}

// Handle implements server.Handler.
func (i *interceptor) Handle(ctx context.Context, c *server.Call) {
	if fromFollower(c.Request) {
		i.next.Handle(ctx, c)
		return
	}
	f := i.node.cluster.faults.hit(i.node.ID, c.Request)
	if f == nil {
		i.next.Handle(ctx, c)
		return
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
		}
	}
	switch {
	case f.Answer != nil:
		answer(c, f.Answer(c.Request))
	case f.Error != nil:
		answer(c, ErrorAnswer(c.Request, f.Error))
	case f.HangUp:
		c.Disconnect(errInjected)
	default:
		if f.LoseAnswer {
			i.node.network.mute(c.ClientAddr)
		}
		i.next.Handle(ctx, c)
	}
}

func answer(c *server.Call, resp kmsg.Response) {
	if produce, ok := c.Request.(*kmsg.ProduceRequest); ok && produce.Acks == 0 {
		c.Disconnect(errInjected) // there is no other way to tell
		return
	}
	c.Reply(wire.EncodeResponse(c.Header, resp))
}
