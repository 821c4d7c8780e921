package controller

import (
	"context"
	"errors"
	"syscall"
	"time"

	"odradek/broker/env"
	"odradek/broker/metadata"
)

const (
	// probeTries bounds how often a node that answers the connection and then drops it is asked again: a process that is just
	// dying does that, its sockets are closed one after the other.
	probeTries = 6
	// probeTimeout bounds one try. A node that is cut off leaves the dial hanging, and only its session's end says more.
	probeTimeout = 500 * time.Millisecond
)

// isDead asks a node's address for proof that the process that registered is gone: the connection is refused, or another
// process answers. Anything else (a hang, the process itself, an unreachable network) proves nothing.
func isDead(ctx context.Context, network env.Net, broker *metadata.Broker) bool {
	for try := range probeTries {
		dead, again := probe(ctx, network, broker)
		if dead || !again {
			return dead
		}
		select {
		case <-time.After(time.Duration(try+1) * 5 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

func probe(ctx context.Context, network env.Net, broker *metadata.Broker) (dead, again bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	p, err := dialPeer(ctx, network, broker.ControllerAddress, nil)
	if err != nil {
		return refused(err), ctx.Err() == nil
	}
	defer p.fail(context.Canceled)
	who, err := p.sayHello(ctx)
	if err != nil {
		return false, ctx.Err() == nil
	}
	return who.incarnation != broker.IncarnationID, false
}

// refused says that a dial was answered by the machine: no process listens there.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
