package markers

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/txn"
)

// house is a node that leads the partitions of topic t, all but t-2, which nobody leads. What its partitions answer is the test's.
type house struct {
	mu      sync.Mutex
	answers map[int32][]*kerr.Error // by partition, one a request; nil without
	asked   []string
	told    []string
	current bool
	image   *metadata.Image
}

func (h *house) local(req *kmsg.WriteTxnMarkersRequest, done func(*kmsg.WriteTxnMarkersResponse)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	resp := kmsg.NewPtrWriteTxnMarkersResponse()
	for _, m := range req.Markers {
		one := kmsg.NewWriteTxnMarkersResponseMarker()
		for _, topic := range m.Topics {
			answer := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
			answer.Topic = topic.Topic
			for _, index := range topic.Partitions {
				h.asked = append(h.asked, fmt.Sprintf("%s-%d v%d", topic.Topic, index, m.TransactionVersion))
				part := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
				part.Partition = index
				if left := h.answers[index]; len(left) > 0 {
					part.ErrorCode = left[0].Code
					h.answers[index] = left[1:]
				}
				answer.Partitions = append(answer.Partitions, part)
			}
			one.Topics = append(one.Topics, answer)
		}
		resp.Markers = append(resp.Markers, one)
	}
	go done(resp)
}

func (h *house) tell(what string) func(txn.Ending) {
	return func(e txn.Ending) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, what+" "+e.TransactionalID)
	}
}

// lead gives t-2 a leader.
func (h *house) lead(leader int32) {
	img := metadata.NewImage()
	img.Brokers[1] = &metadata.Broker{ID: 1, Epoch: 1, Host: "node1", Port: 9092}
	topic := &metadata.Topic{ID: metadata.UUID{1}, Name: "t"}
	for index := range int32(3) {
		p := &metadata.Partition{Replicas: []int32{1}, ISR: []int32{1}, Leader: 1}
		if index == 2 {
			p.Leader = leader
		}
		topic.Partitions = append(topic.Partitions, p)
	}
	img.Topics["t"], img.TopicsByID[topic.ID] = topic, topic
	h.mu.Lock()
	defer h.mu.Unlock()
	h.image = img
}

func open(t *testing.T) (*house, *Sender) {
	h := &house{current: true, answers: map[int32][]*kerr.Error{}}
	h.lead(metadata.NoLeader)
	s := New(Config{
		NodeID: 1, Net: memenv.NewNet(), Logger: slog.New(slog.DiscardHandler), Local: h.local,
		Image: func() *metadata.Image {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.image
		},
		Current: func(txn.Ending) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.current
		},
		Ended: h.tell("ended"), Undelivered: h.tell("undelivered"),
	})
	t.Cleanup(s.Close)
	return h, s
}

func (h *house) want(t *testing.T, told ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.told, told) {
		t.Errorf("told %v, want %v", h.told, told)
	}
}

func ending(partitions ...int32) txn.Ending {
	e := txn.Ending{TransactionalID: "x", ProducerID: 7, ProducerEpoch: 1, Committed: true, Bumped: true}
	for _, index := range partitions {
		e.Partitions = append(e.Partitions, txn.Partition{Topic: "t", Index: index})
	}
	return e
}

func TestSenderGoesOnUntilAllHaveTheirMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := open(t)
		h.answers[0] = []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicasAfterAppend}
		e := ending(0, 1, 2)
		e.Partitions = append(e.Partitions, txn.Partition{Topic: "deleted", Index: 3}, txn.Partition{Topic: "t", Index: 9})
		s.Send(e)
		time.Sleep(5 * time.Second)
		h.want(t) // t-2 has no leader
		h.lead(1)
		time.Sleep(time.Second)
		h.want(t, "ended x")
		want := []string{"t-0 v2", "t-0 v2", "t-0 v2", "t-1 v2", "t-2 v2"}
		slices.Sort(h.asked)
		if !slices.Equal(h.asked, want) {
			t.Errorf("asked %v, want %v", h.asked, want)
		}
		s.Send(ending())
		h.want(t, "ended x", "ended x")
		s.Unsure(e)
		h.want(t, "ended x", "ended x", "undelivered x")
	})
}

func TestSenderGivesUpWhatIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := open(t)
		h.answers[0] = []*kerr.Error{kerr.InvalidProducerEpoch}
		s.Send(ending(0, 1))
		h.want(t, "ended x") // what a later epoch has ended needs no marker
		h.answers[0] = []*kerr.Error{kerr.TransactionCoordinatorFenced}
		s.Send(ending(0, 1))
		time.Sleep(time.Minute)
		h.want(t, "ended x", "undelivered x")
		h.current = false
		s.Send(ending(0))
		time.Sleep(time.Minute)
		h.want(t, "ended x", "undelivered x")
	})
}
