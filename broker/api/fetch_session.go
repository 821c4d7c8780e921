package api

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// Fetch sessions (KIP-227): a reader names its partitions once, later says only what changed, and is told only what did.
//
// The epoch counts a session's requests, so that one which was lost or repeated is noticed. Session 0 is none; epoch 0
// asks for a new session and -1 for none, and both end the session that they name.
const (
	noSession       int32 = 0
	epochNewSession int32 = 0
	epochNoSession  int32 = -1
)

// sessionIdleMin is how long a session is safe from being evicted for a larger one, or for lack of use.
const sessionIdleMin = 2 * time.Minute

// sessionPartitionsMax bounds the partitions of all sessions of a node together, some 200 MB: as many as one request may name.
// A reader whose partitions don't fit is served without a session.
const sessionPartitionsMax = 1 << 20

// fetchSession is a session, or the partitions of one request when cache is nil.
type fetchSession struct {
	id       int32 // noSession when there is none
	cache    *sessionCache
	byID     bool // topics are named by id
	follower bool
	// incremental is set from the second request on: what did not change is left out of the answer.
	incremental bool

	// mu is held by the request under way, from enter to leave. A session is one reader's: nobody waits here but
	// a reader that has given up on its last request.
	mu         sync.Mutex
	epoch      int32 // of the next request
	partitions []*fetchAsk
	byKey      map[sessionKey]*fetchAsk

	// Guarded by cache.mu.
	created, used time.Time
	size          int
}

type sessionKey struct {
	topicID   metadata.UUID
	topic     string
	partition int32
}

func (a *fetchAsk) key() sessionKey { return sessionKey{a.topicID, a.topic, a.partition} }

// asks appends the session's partitions to list.
func (s *fetchSession) asks(list *[]*fetchAsk) { *list = append(*list, s.partitions...) }

// leave ends a request.
func (s *fetchSession) leave() {
	if s.cache != nil {
		s.mu.Unlock()
	}
}

// tells says whether a result has to be in the answer, and notes that it is told.
func (s *fetchSession) tells(ask *fetchAsk, result *replica.FetchResult) bool {
	changed := recordBytes(result) > 0 || result.Err != nil || result.DivergingEpoch != nil || result.PreferredReadReplica >= 0 ||
		result.HighWatermark != ask.toldHighWatermark || result.LogStartOffset != ask.toldLogStartOffset
	ask.toldHighWatermark, ask.toldLogStartOffset = result.HighWatermark, result.LogStartOffset
	if result.Err != nil {
		ask.toldHighWatermark = -1 // so that its end will be told too
	}
	return changed || !s.incremental
}

// rotate puts the partitions that gave records behind those that did not: where the limits don't let all through, each has its
// turn. results has an element for each partition.
func (s *fetchSession) rotate(results []replica.FetchResult) {
	if s.cache == nil {
		return
	}
	kept := 0
	var served []*fetchAsk
	for i, ask := range s.partitions {
		if recordBytes(&results[i]) > 0 {
			served = append(served, ask)
		} else {
			s.partitions[kept] = ask
			kept++
		}
	}
	copy(s.partitions[kept:], served)
}

// set takes in what a request says of partitions: new ones, and other positions of known ones.
func (s *fetchSession) set(req *kmsg.FetchRequest) {
	var slab []fetchAsk // for all at once, when most are new
	if len(s.partitions) == 0 {
		n := 0
		for t := range req.Topics {
			n += len(req.Topics[t].Partitions)
		}
		slab, s.partitions = make([]fetchAsk, n), make([]*fetchAsk, 0, n)
	}
	for t := range req.Topics {
		topic := &req.Topics[t]
		for i := range topic.Partitions {
			part := &topic.Partitions[i]
			key := sessionKey{partition: part.Partition}
			if s.byID {
				key.topicID = topic.TopicID
			} else {
				key.topic = topic.Topic
			}
			ask := s.byKey[key]
			if ask == nil {
				ask, slab = takeAsk(slab)
				*ask = fetchAsk{topicID: key.topicID, topic: key.topic, partition: key.partition, toldHighWatermark: -1, toldLogStartOffset: -1}
				s.partitions = append(s.partitions, ask)
				if s.byKey != nil {
					s.byKey[key] = ask
				}
			}
			ask.currentLeaderEpoch, ask.lastFetchedEpoch = part.CurrentLeaderEpoch, part.LastFetchedEpoch
			ask.offset, ask.logStartOffset, ask.bytesMax = part.FetchOffset, part.LogStartOffset, part.PartitionMaxBytes
		}
	}
}

func takeAsk(slab []fetchAsk) (*fetchAsk, []fetchAsk) {
	if len(slab) == 0 {
		return new(fetchAsk), nil
	}
	return &slab[0], slab[1:]
}

// forget drops the partitions that a request no longer wants.
func (s *fetchSession) forget(topics []kmsg.FetchRequestForgottenTopic) {
	dropped := false
	for t := range topics {
		for _, index := range topics[t].Partitions {
			key := sessionKey{partition: index}
			if s.byID {
				key.topicID = topics[t].TopicID
			} else {
				key.topic = topics[t].Topic
			}
			if _, known := s.byKey[key]; known {
				delete(s.byKey, key)
				dropped = true
			}
		}
	}
	if !dropped {
		return
	}
	kept := s.partitions[:0]
	for _, ask := range s.partitions {
		if s.byKey[ask.key()] == ask {
			kept = append(kept, ask)
		}
	}
	clear(s.partitions[len(kept):])
	s.partitions = kept
}

// sessionCache holds the sessions of this node, up to slots.
type sessionCache struct {
	slots, partitionsMax int

	mu       sync.Mutex
	sessions map[int32]*fetchSession
	// partitions counts those of all sessions. Invariant: the sum of their sizes.
	partitions int
}

func newSessionCache(slots int) *sessionCache {
	return &sessionCache{slots: slots, partitionsMax: sessionPartitionsMax, sessions: make(map[int32]*fetchSession)}
}

// enter finds or makes the session of a request, and takes in what the request changes. The session must be left.
func (c *sessionCache) enter(version int16, req *kmsg.FetchRequest, now time.Time) (*fetchSession, error) {
	id, epoch := req.SessionID, req.SessionEpoch
	if version < 7 {
		id, epoch = noSession, epochNoSession
	}
	if epoch != epochNewSession && epoch != epochNoSession {
		return c.resume(id, epoch, version, req, now)
	}
	if id != noSession {
		c.remove(id)
	}
	session := &fetchSession{byID: version >= 13, follower: req.ReplicaID >= 0 || version >= 15 && req.ReplicaState.ID >= 0}
	if epoch == epochNewSession {
		session.byKey = make(map[sessionKey]*fetchAsk)
	}
	session.set(req)
	if epoch == epochNewSession {
		c.admit(session, now)
	}
	return session, nil
}

// resume continues a session by a request of the epoch that is next in it.
func (c *sessionCache) resume(id, epoch int32, version int16, req *kmsg.FetchRequest, now time.Time) (*fetchSession, error) {
	c.mu.Lock()
	session := c.sessions[id]
	if session != nil {
		session.used = now
	}
	c.mu.Unlock()
	if session == nil {
		return nil, kerr.FetchSessionIDNotFound
	}
	session.mu.Lock()
	switch {
	case session.epoch != epoch:
		session.mu.Unlock()
		return nil, kerr.InvalidFetchSessionEpoch
	case session.byID != (version >= 13):
		session.mu.Unlock()
		return nil, kerr.FetchSessionTopicIDError
	}
	session.incremental = true
	session.epoch = nextEpoch(epoch)
	session.set(req)
	session.forget(req.ForgottenTopics)
	if len(session.partitions) == 0 {
		// A session of nothing ends, and the reader is told so by the answer's session 0.
		c.remove(id)
		session.mu.Unlock()
		return &fetchSession{byID: session.byID}, nil
	}
	if !c.resize(session) {
		c.remove(id)
		session.mu.Unlock()
		return nil, kerr.FetchSessionIDNotFound
	}
	return session, nil
}

// resize notes how large a session has become, and says whether there is room for it.
func (c *sessionCache) resize(session *fetchSession) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions[session.id] == session {
		c.partitions += len(session.partitions) - session.size
		session.size = len(session.partitions)
	}
	return c.partitions <= c.partitionsMax
}

func nextEpoch(epoch int32) int32 {
	if epoch == math.MaxInt32 {
		return 1
	}
	return epoch + 1
}

func (c *sessionCache) remove(id int32) {
	c.mu.Lock()
	c.drop(id)
	c.mu.Unlock()
}

// drop takes a session out. c.mu is held.
func (c *sessionCache) drop(id int32) {
	if s := c.sessions[id]; s != nil {
		c.partitions -= s.size
		delete(c.sessions, id)
	}
}

// admit gives a session its id, if there is a slot for it, and enters it. Without a slot it stays what it is: the
// partitions of one request.
func (c *sessionCache) admit(session *fetchSession, now time.Time) {
	session.size = len(session.partitions)
	c.mu.Lock()
	defer c.mu.Unlock()
	if session.size == 0 || c.partitions+session.size > c.partitionsMax || len(c.sessions) >= c.slots && !c.evict(session, now) {
		if session.size > 0 {
			sometimes.Reached(sometimes.SessionRefused)
		}
		return
	}
	c.partitions += session.size
	for session.id == noSession || c.sessions[session.id] != nil {
		session.id = rand.Int32N(math.MaxInt32) + 1
	}
	session.cache, session.epoch = c, 1
	session.created, session.used = now, now
	session.mu.Lock()
	c.sessions[session.id] = session
}

// evict makes room for a session, at the cost of one that has not been used for a while, or, as KIP-227 has it, of one
// that matters less: a follower's matters more than a consumer's, and many partitions more than few.
func (c *sessionCache) evict(newcomer *fetchSession, now time.Time) bool {
	var least *fetchSession
	for _, s := range c.sessions {
		if now.Sub(s.created) >= sessionIdleMin && (least == nil || s.lessThan(least, now)) {
			least = s
		}
	}
	if least == nil || now.Sub(least.used) <= sessionIdleMin && !least.mattersLess(newcomer) {
		return false
	}
	sometimes.Reached(sometimes.SessionEvicted)
	c.drop(least.id)
	return true
}

// lessThan orders sessions by how readily they are given up.
func (s *fetchSession) lessThan(other *fetchSession, now time.Time) bool {
	idle, otherIdle := now.Sub(s.used) > sessionIdleMin, now.Sub(other.used) > sessionIdleMin
	switch {
	case idle != otherIdle:
		return idle
	case idle && !s.used.Equal(other.used):
		return s.used.Before(other.used)
	case s.mattersLess(other) != other.mattersLess(s):
		return s.mattersLess(other)
	}
	return s.id < other.id
}

func (s *fetchSession) mattersLess(other *fetchSession) bool {
	if s.follower != other.follower {
		return other.follower
	}
	return s.size < other.size
}
