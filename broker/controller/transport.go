package controller

import (
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/hashicorp/raft"
)

// transport is raft's network transport with two things added, and one taken away.
//
// Every connection is for a member, not for an address: its dialer names the member, and a node that is another one refuses. A
// node that lost its disk is found at its old address; without this it would be asked for the vote of its old self, and
// give it, knowing nothing of what that had promised: an entry could be lost that a majority had.
//
// And patience: a leader's replication to a member that can't be reached backs off by
// doubling its pauses, up to ten seconds, and does not look at whether heartbeats get through again: a node that comes back after
// a minute could stand without metadata for as long. So a replication call that failed waits here until a heartbeat to that
// member succeeds, and is then tried once more; raft sees one slow call, and no pause.
//
// What is taken away is the fast path of heartbeats (SetHeartbeatHandler).
type transport struct {
	*raft.NetworkTransport

	mu      sync.Mutex
	waiting map[raft.ServerID]chan struct{} // closed when the member answers again, or nobody should wait for it any more
	open    map[*pipeline]struct{}
	closed  bool
}

// pipeline is a pipeline of raft's that is closed when this node leads no more. Raft closes it only when it has sent what it
// is sending, and that waits for room that nobody makes any more, as those who took the answers have left already.
type pipeline struct {
	raft.AppendPipeline
	of *transport
}

// Close implements raft.AppendPipeline.
func (p *pipeline) Close() error {
	p.of.mu.Lock()
	delete(p.of.open, p)
	p.of.mu.Unlock()
	return p.AppendPipeline.Close()
}

func newTransport(inner *raft.NetworkTransport) *transport {
	return &transport{NetworkTransport: inner, waiting: map[raft.ServerID]chan struct{}{}, open: map[*pipeline]struct{}{}}
}

// AppendEntries implements raft.Transport.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.appendNow(id, target, req, resp)
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
	return t.appendNow(id, target, req, resp)
}

// SetHeartbeatHandler implements raft.Transport. It leaves heartbeats to raft's own loop, like every other call. Raft's handler
// would run on the connection's goroutine, beside the loop, and a member that was told to stand (TimeoutNow) takes a
// late heartbeat of the leader that it is to succeed for the word of a leader while its loop still waits for the fsync of
// its new term. It then refuses everybody's vote, its own included, in the name of a leader that may be dead, and nothing
// takes that back: no quorum ever elects again. The price: a member whose disk is slow answers heartbeats late.
func (t *transport) SetHeartbeatHandler(func(raft.RPC)) {}

func (t *transport) appendNow(id raft.ServerID, target raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return t.NetworkTransport.AppendEntries(id, memberAddress(id, target), req, resp)
}

// AppendEntriesPipeline implements raft.Transport.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	inner, err := t.NetworkTransport.AppendEntriesPipeline(id, memberAddress(id, target))
	if err != nil {
		return nil, err
	}
	p := &pipeline{inner, t}
	t.mu.Lock()
	if !t.closed {
		t.open[p] = struct{}{}
	}
	closed := t.closed
	t.mu.Unlock()
	if closed {
		return nil, errors.Join(raft.ErrTransportShutdown, inner.Close())
	}
	return p, nil
}

// RequestVote implements raft.Transport.
func (t *transport) RequestVote(id raft.ServerID, target raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, memberAddress(id, target), req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, memberAddress(id, target), req, resp)
}

// InstallSnapshot implements raft.Transport.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.NetworkTransport.InstallSnapshot(id, memberAddress(id, target), req, resp, data)
}

// TimeoutNow implements raft.Transport.
func (t *transport) TimeoutNow(id raft.ServerID, target raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, memberAddress(id, target), req, resp)
}

// memberAddress tells the stream layer, which is given nothing but an address, whom a connection is for.
func memberAddress(id raft.ServerID, address raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(id) + "@" + address
}

func splitMemberAddress(address raft.ServerAddress) (id raft.ServerID, where string) {
	member, where, _ := strings.Cut(string(address), "@")
	return raft.ServerID(member), where
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

// releaseAll ends all waiting, and all pipelines, when this node leads no more.
func (t *transport) releaseAll() {
	t.mu.Lock()
	for id, ch := range t.waiting {
		close(ch)
		delete(t.waiting, id)
	}
	var open []*pipeline
	for p := range t.open {
		open = append(open, p)
	}
	t.mu.Unlock()
	for _, p := range open {
		_ = p.Close() // of a connection that is given up
	}
}

// giveUp ends all waiting for good, before raft is shut down, which waits for its calls.
func (t *transport) giveUp() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.releaseAll()
}
