package controller

import (
	"context"
	"sync"
)

// leadership keeps raft's newest word on whether this node leads, for lead to act on when it comes to it.
//
// raft waits until its word is taken, and while it waits it answers nobody. An active controller that is about to end may
// itself be waiting for raft's answer, so whoever waits for its end must not be the one who takes the word: the three
// would wait for each other in a circle.
type leadership struct {
	mu     sync.Mutex
	leader bool
	// ctx lives as long as this is the newest word.
	ctx    context.Context
	cancel context.CancelFunc
	// news has an item when there was a word that lead has not looked at.
	news chan struct{}
}

func newLeadership() *leadership {
	l := &leadership{news: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// hear takes a word and ends what the one before allowed. It does not wait for anything.
func (l *leadership) hear(leader bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
	l.leader = leader
	l.ctx, l.cancel = context.WithCancel(context.Background())
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *leadership) newest() (ctx context.Context, leader bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx, l.leader
}

// hearRaft takes raft's words until raft has been shut down.
func (c *Controller) hearRaft() {
	for {
		select {
		case leader := <-c.notify:
			c.leadership.hear(leader)
		case <-c.raftDown:
			return
		}
	}
}

// lead starts and ends the active controller as raft says. There is one at a time: the next starts when the one before
// has ended.
func (c *Controller) lead() {
	defer close(c.leadDone)
	ended := make(chan struct{})
	close(ended)
	for {
		select {
		case <-c.leadership.news:
			c.active.Store(nil)
			<-ended // its context has ended with the word that it stood on
			c.transport.releaseAll()
			ctx, leader := c.leadership.newest()
			if !leader {
				continue
			}
			a, end := newActive(ctx, c), make(chan struct{})
			ended = end
			c.active.Store(a)
			c.leaderNews.tell() // this node's own requests heard of the leadership before there was anybody to take them
			go func() {
				defer close(end)
				a.run()
			}()
		case <-c.closing:
			c.active.Store(nil)
			c.leadership.hear(false)
			<-ended
			return
		}
	}
}
