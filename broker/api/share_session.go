package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
)

// shareSessionIdleMax is how long a share session is kept that nobody uses: that of a client that went without a word. Its locks ended long
// before.
const shareSessionIdleMax = 5 * time.Minute

// The epochs of a share session beside those in between.
const (
	shareEpochFirst int32 = 0
	shareEpochLast  int32 = -1
)

// sharePart names a partition of a share session.
type sharePart struct {
	topic metadata.UUID
	index int32
}

// shareMember is whose a share session is.
type shareMember struct{ group, member string }

// shareSession is what a member of a share group fetches from this node, so that requests say only what changes. What it says belongs to the
// request that has it: a client has one under way.
type shareSession struct {
	epoch int32 // the next request's
	parts []sharePart
	used  time.Time
	// stop unties the session from its connection, nil before it is tied.
	stop func() bool
}

func (s *shareSession) untie() {
	if s.stop != nil {
		s.stop()
	}
}

// shareSessions are the sessions on this node.
type shareSessions struct {
	max int

	mu  sync.Mutex
	all map[shareMember]*shareSession
}

// enter finds the session that a request goes on with, or begins one, and notes what the request changes. parts are what it reads; a last
// request reads nothing and ends the session, and so does a first one that of before. ended are the partitions whose locks are to be given
// up then; left says that no member of the group has a session here any more.
func (s *shareSessions) enter(who shareMember, epoch int32, add, forget []sharePart, now time.Time) (parts, ended []sharePart, left bool, err *kerr.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.all[who]
	switch {
	case epoch == shareEpochFirst:
		if session != nil {
			ended = session.parts
			session.untie()
			delete(s.all, who)
		}
		s.evict(now)
		if len(s.all) >= s.max {
			return nil, ended, false, kerr.ShareSessionLimitReached
		}
		if s.all == nil {
			s.all = map[shareMember]*shareSession{}
		}
		session = &shareSession{}
		s.all[who] = session
	case session == nil:
		return nil, nil, false, kerr.ShareSessionNotFound
	case epoch == shareEpochLast:
		session.untie()
		delete(s.all, who)
		return nil, session.parts, !s.has(who.group), nil
	case epoch != session.epoch:
		return nil, nil, false, kerr.InvalidShareSessionEpoch
	}
	session.used = now
	session.epoch = max(epoch+1, 1) // after the greatest comes 1
	for _, part := range add {
		if !slices.Contains(session.parts, part) {
			session.parts = append(session.parts, part)
		}
	}
	session.parts = slices.DeleteFunc(session.parts, func(part sharePart) bool { return slices.Contains(forget, part) })
	return slices.Clone(session.parts), ended, false, nil
}

// has says whether some member of a group has a session. The lock is held.
func (s *shareSessions) has(group string) bool {
	for other := range s.all {
		if other.group == group {
			return true
		}
	}
	return false
}

// whenGone calls f if no member of a group has a session here; none begins while f is at work.
func (s *shareSessions) whenGone(group string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has(group) {
		f()
	}
}

// tie ends the session that was just begun when its connection ends, which ctx says: whoever held records is gone with it, or begins anew.
func (s *shareSessions) tie(ctx context.Context, who shareMember, ended func(parts []sharePart, left bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.all[who]
	if session == nil {
		return
	}
	session.stop = context.AfterFunc(ctx, func() {
		s.mu.Lock()
		mine := s.all[who] == session
		if mine {
			delete(s.all, who)
		}
		left := !s.has(who.group)
		s.mu.Unlock()
		if mine {
			ended(session.parts, left)
		}
	})
}

// evict drops the sessions that nobody uses.
func (s *shareSessions) evict(now time.Time) {
	for who, session := range s.all {
		if now.Sub(session.used) > shareSessionIdleMax {
			session.untie()
			delete(s.all, who)
		}
	}
}
