package controller

import (
	"sync"

	"github.com/hashicorp/raft"
)

// transport is raft's network transport with patience. A leader's replication to a member that can't be reached backs off by
// doubling its pauses, up to ten seconds, and does not look at whether heartbeats get through again: a node that comes back after
// a minute could stand without metadata for as long. So a replication call that failed waits here until a heartbeat to that
// member succeeds, and is then tried once more; raft sees one slow call, and no pause.
type transport struct {
	*raft.NetworkTransport

	mu      sync.Mutex
	waiting map[raft.ServerID]chan struct{} // closed when the member answers again, or nobody should wait for it any more
	closed  bool
}

func newTransport(inner *raft.NetworkTransport) *transport {
	return &transport{NetworkTransport: inner, waiting: map[raft.ServerID]chan struct{}{}}
}

// AppendEntries implements raft.Transport.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.NetworkTransport.AppendEntries(id, target, req, resp)
	if isHeartbeat(req) {
		if err == nil {
			t.release(id)
		}
		return err
	}
	if err == nil || t.IsShutdown() {
		return err
	}
	<-t.answering(id)
	return t.NetworkTransport.AppendEntries(id, target, req, resp)
}

// isHeartbeat tells raft's heartbeats, which say nothing, from the replication of entries.
func isHeartbeat(req *raft.AppendEntriesRequest) bool {
	return req.PrevLogEntry == 0 && req.PrevLogTerm == 0 && len(req.Entries) == 0 && req.LeaderCommitIndex == 0
}

func (t *transport) answering(id raft.ServerID) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	ch := t.waiting[id]
	if ch == nil {
		ch = make(chan struct{})
		if t.closed {
			close(ch)
		} else {
			t.waiting[id] = ch
		}
	}
	return ch
}

// release ends the waiting for a member.
func (t *transport) release(id raft.ServerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ch := t.waiting[id]; ch != nil {
		close(ch)
		delete(t.waiting, id)
	}
}

// releaseAll ends all waiting, when this node leads no more.
func (t *transport) releaseAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, ch := range t.waiting {
		close(ch)
		delete(t.waiting, id)
	}
}

// giveUp ends all waiting for good, before raft is shut down, which waits for its calls.
func (t *transport) giveUp() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.releaseAll()
}
