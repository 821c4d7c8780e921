package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// attemptTimeout bounds one try at a node that takes a request and does not answer. A leader that lost its majority steps
	// down long before, and says so.
	attemptTimeout = 10 * time.Second
	// retryMin and retryMax bound the pause between tries while there is no active controller. News of one ends a pause.
	retryMin = 10 * time.Millisecond
	retryMax = 250 * time.Millisecond
	// outsiderPause is the pause from which on a member of the quorum doubts that it still is one, and asks around.
	outsiderPause = 100 * time.Millisecond
)

// Request runs a request at the active controller, here or on another node, retried while there is none and ctx lives, and
// returns its response once the local image includes its effects and the subscribers have seen them.
//
// A try whose outcome is unknown is repeated, so a request can find that it was carried out already (TOPIC_ALREADY_EXISTS of
// the topic it created), as with Kafka. What it takes handles says; requests travel
// in their newest version, whatever version req has.
//
// Errors: ctx's, ErrClosed, and one for a request that is not the controller's.
func (c *Controller) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	resp, version, err := c.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := c.dispatch.wait(ctx, version); err != nil {
		return nil, err
	}
	return resp, nil
}

// ask runs a request at the active controller and returns the version of the metadata that includes its effects.
func (c *Controller) ask(ctx context.Context, req kmsg.Request) (kmsg.Response, uint64, error) {
	if !handles(req.Key()) {
		return nil, 0, fmt.Errorf("controller: %s is not a request for the controller", kmsg.NameForKey(req.Key()))
	}
	version := req.GetVersion()
	newest := newestVersion(req)
	hint := ""
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		leaderChanged := c.leaderNews.next()
		resp, at, leader, err := c.try(ctx, newest, hint, pause > outsiderPause)
		switch {
		case err == nil:
			resp.SetVersion(version)
			return resp, at, nil
		case ctx.Err() != nil:
			return nil, 0, ctx.Err()
		case c.isClosing():
			return nil, 0, ErrClosed
		case errors.Is(err, errUnsupported):
			return nil, 0, err
		}
		if leader != "" && leader != hint {
			hint = leader
			continue
		}
		hint = ""
		select {
		case <-leaderChanged:
			pause = retryMin
		case <-time.After(pause):
		case <-ctx.Done():
		case <-c.closing:
		}
	}
}

// newestVersion is the request in the newest version, in which nothing it says is lost on the way.
func newestVersion(req kmsg.Request) kmsg.Request {
	copied := reflect.New(reflect.TypeOf(req).Elem())
	copied.Elem().Set(reflect.ValueOf(req).Elem())
	version := req.GetVersion()
	req = copied.Interface().(kmsg.Request)
	switch r := req.(type) {
	case *kmsg.DeleteTopicsRequest:
		for _, name := range r.TopicNames {
			topic := kmsg.NewDeleteTopicsRequestTopic()
			topic.Topic = &name
			r.Topics = append(slices.Clip(r.Topics), topic)
		}
		r.TopicNames = nil
	case *kmsg.AlterPartitionRequest:
		if version < 3 {
			r.Topics = withEpochs(r.Topics)
		}
	}
	req.SetVersion(req.MaxVersion())
	return req
}

// withEpochs moves the members of version 2, which have no epochs, to where version 3 has them.
func withEpochs(topics []kmsg.AlterPartitionRequestTopic) []kmsg.AlterPartitionRequestTopic {
	topics = slices.Clone(topics)
	for i := range topics {
		topics[i].Partitions = slices.Clone(topics[i].Partitions)
		for j := range topics[i].Partitions {
			partition := &topics[i].Partitions[j]
			partition.NewEpochISR = slices.Clone(partition.NewEpochISR)
			for _, node := range partition.NewISR {
				member := kmsg.NewAlterPartitionRequestTopicPartitionNewEpochISR()
				member.BrokerID, member.BrokerEpoch = node, -1
				partition.NewEpochISR = append(partition.NewEpochISR, member)
			}
			partition.NewISR = nil
		}
	}
	return topics
}

// try runs a request once, at the active controller as far as it is known: this node, where raft says, where the last one asked
// said, or else at each configured controller, one of which may know: raft is silent on a node that is no member, or not any
// more (askAround). leader is a new place to try.
func (c *Controller) try(ctx context.Context, req kmsg.Request, hint string, askAround bool) (resp kmsg.Response, version uint64, leader string, err error) {
	if a := c.active.Load(); a != nil {
		resp, version, err = c.tryHere(ctx, a, req)
		return resp, version, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if address := c.leaderAddress(); address != "" && address != c.listener.advertise {
		return c.tryAt(ctx, address, req)
	}
	if hint != "" {
		return c.tryAt(ctx, hint, req)
	}
	err = errNotActive
	if c.raft.LastIndex() > 0 && !askAround {
		return nil, 0, "", err // raft will say who leads
	}
	for _, id := range slices.Sorted(maps.Keys(c.cfg.Controllers)) {
		if id == c.cfg.NodeID {
			continue
		}
		if resp, version, leader, err = c.tryAt(ctx, c.cfg.Controllers[id], req); err == nil || leader != "" {
			return resp, version, leader, err
		}
	}
	return nil, 0, "", err
}

func (c *Controller) tryHere(ctx context.Context, a *active, req kmsg.Request) (kmsg.Response, uint64, error) {
	type outcome struct {
		resp    kmsg.Response
		version uint64
		err     error
	}
	to := make(chan outcome, 1)
	a.queue.put(&pending{req: req, done: func(resp kmsg.Response, version uint64, err error) { to <- outcome{resp, version, err} }})
	select {
	case o := <-to:
		return o.resp, o.version, o.err
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

// tryAt asks another node. The try ends early when raft says that somebody else leads.
func (c *Controller) tryAt(ctx context.Context, address string, req kmsg.Request) (resp kmsg.Response, version uint64, leader string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			news := c.leaderNews.next()
			if now := c.leaderAddress(); now != "" && now != address {
				cancel()
				return
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
		}
	}()
	p, err := c.peers.get(ctx, address)
	if err != nil {
		return nil, 0, "", err
	}
	body := req.AppendTo(nil)
	if len(body) > frameBytesMax-requestHeader {
		return nil, 0, "", fmt.Errorf("%w: %d bytes", errUnsupported, len(body))
	}
	f, err := p.call(ctx, req.Key(), req.GetVersion(), body)
	if err != nil {
		return nil, 0, "", err
	}
	switch f.status {
	case statusOK:
		resp = req.ResponseKind()
		return resp, f.metadata, "", resp.ReadFrom(f.body)
	case statusUnsupported:
		return nil, 0, "", errUnsupported
	}
	return nil, 0, f.leader, errNotActive
}

// submit hands a request of another node to the active controller, if that is here.
func (c *Controller) submit(p *pending) {
	if a := c.active.Load(); a != nil {
		a.queue.put(p)
		return
	}
	p.done(nil, 0, errNotActive)
}

// connectionEnded tells the active controller, if that is here, that another node's connection ended.
func (c *Controller) connectionEnded(conn *serverConn) {
	if a := c.active.Load(); a != nil {
		a.event(func() { a.connectionEnded(conn) })
	}
}
