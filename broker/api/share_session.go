package api

import (
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
		delete(s.all, who)
		for other := range s.all {
			if other.group == who.group {
				return nil, session.parts, false, nil
			}
		}
		return nil, session.parts, true, nil
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

// evict drops the sessions that nobody uses.
func (s *shareSessions) evict(now time.Time) {
	for who, session := range s.all {
		if now.Sub(session.used) > shareSessionIdleMax {
			delete(s.all, who)
		}
	}
}
