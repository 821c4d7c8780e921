package replica

import (
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// session is the fetching side of an incremental fetch session (KIP-227): it knows what the leader knows of the partitions
// that are fetched from it, and builds requests that say only what is different.
//
// A partition is in one of three places: among due, when the leader has to be told of it; among delayed, after an error or while
// it is throttled;
// or neither, when the leader knows all of it.
type session struct {
	source int32
	// id is the leader's name for the session, 0 for none. epoch counts its requests; at 0 the next one is full.
	id, epoch  int32
	partitions map[partitionKey]*fetching
	due        []*fetching
	delayed    []*fetching
	// forgotten are partitions that the leader knows of and is to forget.
	forgotten []partitionKey
	// known counts the partitions that the leader knows of.
	known int
}

// fetching is one partition in a session.
type fetching struct {
	partition *Partition
	// at is the position that was told last.
	at position
	// known says that the leader has the partition in its session.
	known bool
	// queued says that it is among due.
	queued bool
	// retryAt is when to leave delayed; zero outside of it.
	retryAt time.Time
	// pause is the last one after an error, 0 after a success.
	pause time.Duration
}

func newSession(source int32) session {
	return session{source: source, partitions: make(map[partitionKey]*fetching)}
}

func (s *session) find(topicID metadata.UUID, index int32) *fetching {
	return s.partitions[partitionKey{topicID, index}]
}

// change takes a partition in, or has a look at it again, or takes it out.
func (s *session) change(p *Partition, fetch bool) {
	key := partitionKey{p.topicID, p.index}
	fe := s.partitions[key]
	switch {
	case fe != nil && fe.partition != p && !fetch:
		// an earlier incarnation goes, whose place is taken already
	case fe != nil && !fetch:
		s.unknow(fe)
		s.undelay(fe)
		delete(s.partitions, key)
	case fe == nil && fetch:
		fe = &fetching{partition: p}
		s.partitions[key] = fe
		s.again(fe)
	case fe != nil:
		fe.partition = p
		fe.pause = 0
		s.undelay(fe)
		s.again(fe)
	}
}

// again puts a partition among due.
func (s *session) again(fe *fetching) {
	fe.pause = 0
	s.queue(fe)
}

func (s *session) queue(fe *fetching) {
	if !fe.queued && fe.retryAt.IsZero() {
		fe.queued = true
		s.due = append(s.due, fe)
	}
}

// delay leaves a partition out for a while, which it returns.
func (s *session) delay(fe *fetching, now time.Time, most time.Duration) time.Duration {
	fe.pause = nextPause(fe.pause, most)
	s.hold(fe, now.Add(fe.pause))
	return fe.pause
}

// hold leaves a partition out until then.
func (s *session) hold(fe *fetching, until time.Time) {
	s.unknow(fe)
	if fe.retryAt.IsZero() {
		s.delayed = append(s.delayed, fe)
	}
	fe.retryAt = until
}

func (s *session) undelay(fe *fetching) {
	if fe.retryAt.IsZero() {
		return
	}
	fe.retryAt = time.Time{}
	for i, other := range s.delayed {
		if other == fe {
			s.delayed[i] = s.delayed[len(s.delayed)-1]
			s.delayed = s.delayed[:len(s.delayed)-1]
			return
		}
	}
}

// retry makes due what was delayed long enough.
func (s *session) retry(now time.Time) {
	waiting := s.delayed[:0]
	for _, fe := range s.delayed {
		if fe.retryAt.After(now) {
			waiting = append(waiting, fe)
			continue
		}
		fe.retryAt = time.Time{}
		s.queue(fe)
	}
	clear(s.delayed[len(waiting):])
	s.delayed = waiting
}

// untilRetry returns the time until a delayed partition becomes due, at most the given.
func (s *session) untilRetry(now time.Time, most time.Duration) time.Duration {
	for _, fe := range s.delayed {
		most = min(most, fe.retryAt.Sub(now))
	}
	return max(most, time.Millisecond)
}

// idle says that there is nothing to ask for.
func (s *session) idle() bool { return s.known == 0 && len(s.due) == 0 }

// unknow has the leader forget a partition.
func (s *session) unknow(fe *fetching) {
	if fe.known {
		fe.known = false
		s.known--
		s.forgotten = append(s.forgotten, partitionKey{fe.partition.topicID, fe.partition.index})
	}
}

// reset starts over: the next request is full.
func (s *session) reset() {
	s.epoch = 0
	s.forgotten = nil
	s.known = 0
	for _, fe := range s.partitions {
		fe.known = false
		s.queue(fe)
	}
}

// prepare makes durable what the next request vouches for, where that is asked for: all logs at once.
func (s *session) prepare() {
	var syncs sync.WaitGroup
	for _, fe := range s.due {
		if fe.partition.unsyncedFollower() {
			syncs.Go(fe.partition.syncFollower)
		}
	}
	syncs.Wait()
}

// request builds the next request.
func (s *session) request(now time.Time) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version = fetchVersion
	req.SessionID, req.SessionEpoch = s.id, s.epoch
	topics := make(map[metadata.UUID]int)
	for i, fe := range s.due {
		s.due[i] = nil
		fe.queued = false
		if s.partitions[partitionKey{fe.partition.topicID, fe.partition.index}] != fe {
			continue
		}
		at, ok := fe.partition.followerPosition(s.source)
		if !ok { // on its way out, or to another source
			s.unknow(fe)
			delete(s.partitions, partitionKey{fe.partition.topicID, fe.partition.index})
			continue
		}
		if wait := fe.partition.throttled(now); wait > 0 {
			s.hold(fe, now.Add(min(wait, throttlePauseMax)))
			continue
		}
		if fe.known && at == fe.at {
			continue
		}
		fe.at = at
		if !fe.known {
			fe.known = true
			s.known++
		}
		s.add(req, topics, fe)
	}
	s.due = s.due[:0]
	s.addForgotten(req)
	return req
}

func (s *session) add(req *kmsg.FetchRequest, topics map[metadata.UUID]int, fe *fetching) {
	id := fe.partition.topicID
	at, present := topics[id]
	if !present {
		at = len(req.Topics)
		topics[id] = at
		topic := kmsg.NewFetchRequestTopic()
		topic.TopicID = id
		req.Topics = append(req.Topics, topic)
	}
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition = fe.partition.index
	partition.CurrentLeaderEpoch = fe.at.leaderEpoch
	partition.FetchOffset = fe.at.offset
	partition.LastFetchedEpoch = fe.at.lastEpoch
	partition.LogStartOffset = fe.at.logStartOffset
	req.Topics[at].Partitions = append(req.Topics[at].Partitions, partition)
}

// addForgotten names what the leader is to forget, except what it is told anew by the same request.
func (s *session) addForgotten(req *kmsg.FetchRequest) {
	if s.epoch == 0 {
		s.forgotten = nil
	}
	for _, key := range s.forgotten {
		if fe := s.partitions[key]; fe != nil && fe.known {
			continue
		}
		topic := kmsg.NewFetchRequestForgottenTopic()
		topic.TopicID = key.topicID
		topic.Partitions = []int32{key.index}
		req.ForgottenTopics = append(req.ForgottenTopics, topic)
	}
	s.forgotten = nil
}

// answered follows the leader's answer to the last request. The error says to start over.
func (s *session) answered(resp *kmsg.FetchResponse) error {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		s.id = 0
		return err
	}
	switch {
	case s.epoch > 0 && resp.SessionID != s.id: // the leader has ended it
		s.id = 0
		s.reset()
	case s.epoch > 0 && s.epoch < math.MaxInt32:
		s.epoch++
	case s.epoch > 0:
		s.epoch = 1
	case resp.SessionID != 0:
		s.id, s.epoch = resp.SessionID, 1
	default: // the leader keeps no session: every request is full
		s.id = 0
		s.reset()
	}
	return nil
}
