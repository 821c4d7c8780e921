package replica

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/wire"
)

// fetchServer answers Fetch and ListOffsets out of a Manager, as little as fetchers need, with fetch sessions.
type fetchServer struct {
	t        *testing.T
	manager  *Manager
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	// cut servers close every connection at once.
	cut bool
	// sessionless servers keep no sessions.
	sessionless bool
	sessions    map[int32]*serverSession
	lastID      int32
	fetches     int
	// asked counts the partitions that were named in requests.
	asked int
}

type serverSession struct {
	epoch      int32
	partitions []*kmsg.FetchRequestTopicPartition
	topics     []metadata.UUID
	told       map[partitionKey]int64 // high watermarks
}

func serveFetch(t *testing.T, m *Manager, network *memenv.Net, address string) *fetchServer {
	listener, err := network.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	s := &fetchServer{t: t, manager: m, listener: listener, conns: map[net.Conn]bool{}, sessions: map[int32]*serverSession{}}
	s.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			if s.cut {
				conn.Close()
			} else {
				s.conns[conn] = true
				s.done.Go(func() { s.serve(conn) })
			}
			s.mu.Unlock()
		}
	})
	return s
}

// setCut cuts the node off from those that fetch from it, or ends that.
func (s *fetchServer) setCut(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
	for conn := range s.conns {
		conn.Close()
	}
}

func (s *fetchServer) close() {
	s.listener.Close()
	s.setCut(true)
	s.done.Wait()
}

func (s *fetchServer) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
	}()
	frames := wire.NewFrameReader(conn, &wire.Pool{}, 1<<20)
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		h, req, err := wire.Parse(frame.Bytes, func(int16) (int16, int16, bool) { return 0, 30, true })
		if err != nil {
			s.t.Errorf("bad request: %v", err)
			return
		}
		var resp wire.Response
		switch req := req.(type) {
		case *kmsg.FetchRequest:
			resp = wire.EncodeFetch(h, s.fetch(req))
		case *kmsg.ListOffsetsRequest:
			resp = wire.EncodeResponse(h, s.listOffsets(req))
		}
		out, err := resp.AppendTo(nil)
		resp.Release()
		frame.Release()
		// A log that failed, or was cut while a piece of it was to be sent, costs the connection, as in package server.
		if errors.Is(err, memenv.ErrDead) || errors.Is(err, errIO) || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.t.Errorf("response: %v", err)
			return
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// session finds or makes the session of a request and takes over its changes.
func (s *fetchServer) session(req *kmsg.FetchRequest) (*serverSession, int32, int16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches++
	session := &serverSession{told: map[partitionKey]int64{}}
	id := int32(0)
	if req.SessionEpoch > 0 {
		session = s.sessions[req.SessionID]
		if session == nil {
			return nil, 0, kerr.FetchSessionIDNotFound.Code
		}
		if session.epoch != req.SessionEpoch {
			return nil, 0, kerr.InvalidFetchSessionEpoch.Code
		}
		id = req.SessionID
	} else if !s.sessionless {
		delete(s.sessions, req.SessionID)
		s.lastID++
		id = s.lastID
		s.sessions[id] = session
	}
	session.epoch++
	for _, forgotten := range req.ForgottenTopics {
		for _, index := range forgotten.Partitions {
			session.remove(partitionKey{forgotten.TopicID, index})
		}
	}
	for t := range req.Topics {
		for i := range req.Topics[t].Partitions {
			s.asked++
			session.remove(partitionKey{req.Topics[t].TopicID, req.Topics[t].Partitions[i].Partition})
			session.topics = append(session.topics, req.Topics[t].TopicID)
			session.partitions = append(session.partitions, &req.Topics[t].Partitions[i])
		}
	}
	return session, id, 0
}

func (s *serverSession) remove(key partitionKey) {
	for i, p := range s.partitions {
		if s.topics[i] == key.topicID && p.Partition == key.index {
			s.topics = append(s.topics[:i:i], s.topics[i+1:]...)
			s.partitions = append(s.partitions[:i:i], s.partitions[i+1:]...)
			delete(s.told, key)
			return
		}
	}
}

func (s *fetchServer) fetch(req *kmsg.FetchRequest) *wire.FetchResponse {
	session, id, code := s.session(req)
	if code != 0 {
		return &wire.FetchResponse{ErrorCode: code}
	}
	full := req.SessionEpoch <= 0
	deadline := time.NewTimer(time.Duration(req.MaxWaitMillis) * time.Millisecond)
	defer deadline.Stop()
	for again := false; ; again = true {
		waiter := NewWaiter()
		resp := &wire.FetchResponse{SessionID: id}
		urgent := false
		var watches []*Watch
		for i, rp := range session.partitions {
			part, interesting, news, throttled := s.read(req, session, i, again)
			urgent = urgent || interesting
			if full || interesting || news {
				resp.Topics = append(resp.Topics, wire.FetchTopic{TopicID: session.topics[i], Partitions: []wire.FetchPartition{part}})
			}
			if p, err := s.manager.Partition(session.topics[i], rp.Partition); err == nil && !throttled {
				watches = append(watches, p.Watch(waiter, LogEnd, rp.FetchOffset))
			}
		}
		done := urgent
		if !done {
			select {
			case <-waiter.C:
			case <-deadline.C:
				done = true
			}
		}
		for _, w := range watches {
			w.Unwatch()
		}
		if done {
			for _, t := range resp.Topics {
				session.told[partitionKey{t.TopicID, t.Partitions[0].Partition}] = t.Partitions[0].HighWatermark
			}
			return resp
		}
	}
}

// read fetches one partition of a session. interesting ends the wait, news is worth telling.
func (s *fetchServer) read(req *kmsg.FetchRequest, session *serverSession, i int, again bool) (part wire.FetchPartition, interesting, news, throttled bool) {
	rp := session.partitions[i]
	part = wire.NewFetchPartition(rp.Partition)
	p, err := s.manager.Partition(session.topics[i], rp.Partition)
	if err != nil {
		part.ErrorCode = err.(*kerr.Error).Code
		return part, true, true, false
	}
	result := p.Fetch(FetchRequest{
		Offset: rp.FetchOffset, CurrentLeaderEpoch: rp.CurrentLeaderEpoch, LastFetchedEpoch: rp.LastFetchedEpoch, LogStartOffset: rp.LogStartOffset,
		MaxBytes: int(rp.PartitionMaxBytes), AtLeastOne: true, Isolation: LogEnd, ReplicaID: req.ReplicaState.ID, ReplicaEpoch: req.ReplicaState.Epoch,
		Again: again,
	})
	if result.Err != nil {
		part.ErrorCode = result.Err.(*kerr.Error).Code
		return part, true, true, false
	}
	part.HighWatermark, part.LogStartOffset = result.HighWatermark, result.LogStartOffset
	part.DivergingEpoch = result.DivergingEpoch
	part.Records = result.Slice
	told, known := session.told[partitionKey{session.topics[i], rp.Partition}]
	interesting = part.DivergingEpoch != nil || result.Slice != nil || result.LogStartOffset > rp.LogStartOffset
	return part, interesting, !known || told != result.HighWatermark, result.Throttled
}

func (s *fetchServer) listOffsets(req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewPtrListOffsetsResponse()
	for _, rt := range req.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			answer := kmsg.NewListOffsetsResponseTopicPartition()
			answer.Partition = rp.Partition
			p, err := s.manager.PartitionByName(rt.Topic, rp.Partition)
			if err == nil {
				var found OffsetAtTime
				found, err = p.ListOffset(rp.CurrentLeaderEpoch, LogEnd, rp.Timestamp)
				answer.Offset = found.Offset
			}
			if err != nil {
				answer.ErrorCode = err.(*kerr.Error).Code
			}
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
