package controller

import (
	"sync"

	"github.com/hashicorp/raft"
)

// announcer tells the members that an entry is committed. Raft's leader says so only with the next entries, or after
// CommitTimeout; until then the followers have the entry and do not apply it: a node does not know that it leads a partition, and
// a request from it waits for its own image. The message is raft's own, with nothing in it but what the leader knows: an entry's
// index and term, and that it is committed. A follower that lacks that very entry, or knows of a newer term, ignores it.
type announcer struct {
	transport *transport
	self      raft.RPCHeader
	term      uint64

	mu   sync.Mutex
	next map[raft.ServerID]uint64 // to announce when the one under way is done; 0 for nothing
}

func newAnnouncer(t *transport, self raft.RPCHeader, term uint64) *announcer {
	return &announcer{transport: t, self: self, term: term, next: map[raft.ServerID]uint64{}}
}

// tell announces an entry of this term to a member. One message to each is under way at a time; a newer entry stands for those
// before it.
func (a *announcer) tell(member raft.Server, index uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, busy := a.next[member.ID]; busy {
		a.next[member.ID] = index
		return
	}
	a.next[member.ID] = 0
	go a.run(member, index)
}

func (a *announcer) run(member raft.Server, index uint64) {
	for index != 0 {
		a.send(member, index)
		a.mu.Lock()
		index = a.next[member.ID]
		if index == 0 {
			delete(a.next, member.ID)
		} else {
			a.next[member.ID] = 0
		}
		a.mu.Unlock()
	}
}

func (a *announcer) send(member raft.Server, index uint64) {
	req := &raft.AppendEntriesRequest{
		RPCHeader: a.self, Term: a.term, PrevLogEntry: index, PrevLogTerm: a.term, LeaderCommitIndex: index,
	}
	var resp raft.AppendEntriesResponse
	if err := a.transport.appendNow(member.ID, member.Address, req, &resp); err == nil {
		a.transport.release(member.ID)
	}
}
