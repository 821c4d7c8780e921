package broker

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/api"
	"odradek/broker/coord"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/replica"
	"odradek/broker/share/state"
	"odradek/broker/wire"
)

// persister is the share.Persister over the network: it asks the node that leads a share-partition's part of the share state topic, which may
// be this one, and asks again while nobody leads it or its coordinator loads.
type persister struct {
	network  env.Net
	clientID string
	image    func() *metadata.Image
	// create has the share state topic made.
	create func()

	mu sync.Mutex
	// idle are connections by address. A request takes one, or makes one: as many as there are requests at a time, which is bounded by the
	// share-partitions of this node.
	idle map[string][]*wire.Conn
}

// persisterPause is how long a coordinator that is not there yet is left alone.
const persisterPause = 20 * time.Millisecond

var errNoCoordinator = errors.New("nobody leads the partition")

// Read implements share.Persister. What the coordinator does not know is begun.
func (p *persister) Read(ctx context.Context, key state.Key, leaderEpoch int32) (state.State, error) {
	req := kmsg.NewPtrReadShareGroupStateRequest()
	req.GroupID = key.Group
	t := kmsg.NewReadShareGroupStateRequestTopic()
	t.TopicID = key.Topic
	t.Partitions = []kmsg.ReadShareGroupStateRequestTopicPartition{{Partition: key.Partition, LeaderEpoch: leaderEpoch}}
	req.Topics = append(req.Topics, t)
	s := state.State{StartOffset: -1}
	err := p.ask(ctx, key, req, func(resp kmsg.Response) int16 {
		topics := resp.(*kmsg.ReadShareGroupStateResponse).Topics
		if len(topics) != 1 || len(topics[0].Partitions) != 1 {
			return kerr.UnknownServerError.Code
		}
		part := topics[0].Partitions[0]
		s.StateEpoch, s.StartOffset, s.LeaderEpoch = part.StateEpoch, part.StartOffset, leaderEpoch
		for _, b := range part.StateBatches {
			s.Batches = append(s.Batches, state.Batch{First: b.FirstOffset, Last: b.LastOffset, State: b.DeliveryState, DeliveryCount: b.DeliveryCount})
		}
		return part.ErrorCode
	})
	if err != kerr.InvalidRequest {
		return s, err
	}
	if err := p.Initialize(ctx, key, 0, -1); err != nil {
		return s, err
	}
	return state.State{StartOffset: -1, LeaderEpoch: leaderEpoch}, nil
}

// Initialize begins a share-partition, or begins it anew.
func (p *persister) Initialize(ctx context.Context, key state.Key, stateEpoch int32, start int64) error {
	req := kmsg.NewPtrInitializeShareGroupStateRequest()
	req.GroupID = key.Group
	t := kmsg.NewInitializeShareGroupStateRequestTopic()
	t.TopicID = key.Topic
	t.Partitions = []kmsg.InitializeShareGroupStateRequestTopicPartition{{Partition: key.Partition, StateEpoch: stateEpoch, StartOffset: start}}
	req.Topics = append(req.Topics, t)
	return p.ask(ctx, key, req, func(resp kmsg.Response) int16 {
		for _, t := range resp.(*kmsg.InitializeShareGroupStateResponse).Topics {
			for _, part := range t.Partitions {
				return part.ErrorCode
			}
		}
		return kerr.UnknownServerError.Code
	})
}

// Write implements share.Persister.
func (p *persister) Write(ctx context.Context, key state.Key, s state.State) error {
	req := kmsg.NewPtrWriteShareGroupStateRequest()
	req.Version, req.GroupID = 1, key.Group
	t := kmsg.NewWriteShareGroupStateRequestTopic()
	t.TopicID = key.Topic
	one := kmsg.NewWriteShareGroupStateRequestTopicPartition()
	one.Partition, one.StateEpoch, one.LeaderEpoch, one.StartOffset, one.DeliveryCompleteCount = key.Partition, s.StateEpoch, s.LeaderEpoch, s.StartOffset, s.DeliveryComplete
	for _, b := range s.Batches {
		batch := kmsg.NewWriteShareGroupStateRequestTopicPartitionStateBatch()
		batch.FirstOffset, batch.LastOffset, batch.DeliveryState, batch.DeliveryCount = b.First, b.Last, b.State, b.DeliveryCount
		one.StateBatches = append(one.StateBatches, batch)
	}
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	return p.ask(ctx, key, req, func(resp kmsg.Response) int16 {
		for _, t := range resp.(*kmsg.WriteShareGroupStateResponse).Topics {
			for _, part := range t.Partitions {
				return part.ErrorCode
			}
		}
		return kerr.UnknownServerError.Code
	})
}

// Delete has a share-partition forgotten.
func (p *persister) Delete(ctx context.Context, key state.Key) error {
	req := kmsg.NewPtrDeleteShareGroupStateRequest()
	req.GroupID = key.Group
	t := kmsg.NewDeleteShareGroupStateRequestTopic()
	t.TopicID = key.Topic
	t.Partitions = []kmsg.DeleteShareGroupStateRequestTopicPartition{{Partition: key.Partition}}
	req.Topics = append(req.Topics, t)
	return p.ask(ctx, key, req, func(resp kmsg.Response) int16 {
		for _, t := range resp.(*kmsg.DeleteShareGroupStateResponse).Topics {
			for _, part := range t.Partitions {
				return part.ErrorCode
			}
		}
		return kerr.UnknownServerError.Code
	})
}

// Summary tells how far a share-partition is: its start is -1 when it was not begun.
func (p *persister) Summary(ctx context.Context, key state.Key) (s state.State, err error) {
	req := kmsg.NewPtrReadShareGroupStateSummaryRequest()
	req.Version, req.GroupID = 1, key.Group
	t := kmsg.NewReadShareGroupStateSummaryRequestTopic()
	t.TopicID = key.Topic
	t.Partitions = []kmsg.ReadShareGroupStateSummaryRequestTopicPartition{{Partition: key.Partition, LeaderEpoch: -1}}
	req.Topics = append(req.Topics, t)
	err = p.ask(ctx, key, req, func(resp kmsg.Response) int16 {
		for _, t := range resp.(*kmsg.ReadShareGroupStateSummaryResponse).Topics {
			for _, part := range t.Partitions {
				s = state.State{StateEpoch: part.StateEpoch, LeaderEpoch: part.LeaderEpoch, StartOffset: part.StartOffset, DeliveryComplete: part.DeliveryCompleteCount}
				return part.ErrorCode
			}
		}
		return kerr.UnknownServerError.Code
	})
	return s, err
}

// EndOffset asks a partition's leader for its high watermark.
func (p *persister) EndOffset(ctx context.Context, topic string, partition int32) (end int64, err error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = listOffsetsVersion, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	one := kmsg.NewListOffsetsRequestTopicPartition()
	one.Partition, one.Timestamp = partition, replica.TimestampLatest
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	img := p.image()
	registered := img.Topics[topic].Partition(partition)
	if registered == nil {
		return 0, kerr.UnknownTopicOrPartition
	}
	err = p.try(ctx, addressOf(img, registered.Leader), req, func(resp kmsg.Response) int16 {
		for _, t := range resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, part := range t.Partitions {
				end = part.Offset
				return part.ErrorCode
			}
		}
		return kerr.UnknownServerError.Code
	})
	return end, err
}

// listOffsetsVersion has a leader epoch, and no more than is needed.
const listOffsetsVersion = 4

// ask sends a request until it is answered by the coordinator, or ctx ends. codeIn takes the answer in and tells its error.
func (p *persister) ask(ctx context.Context, key state.Key, req kmsg.Request, codeIn func(kmsg.Response) int16) error {
	for {
		err := p.try(ctx, p.coordinator(key), req, codeIn)
		switch err {
		case nil:
			return nil
		case kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator:
		default:
			if _, final := err.(*kerr.Error); final {
				return err
			}
		}
		select {
		case <-time.After(persisterPause):
		case <-ctx.Done():
			return err
		}
	}
}

func (p *persister) try(ctx context.Context, address string, req kmsg.Request, codeIn func(kmsg.Response) int16) error {
	if address == "" {
		return errNoCoordinator
	}
	conn, err := p.take(ctx, address)
	if err != nil {
		return err
	}
	resp, err := conn.Do(ctx, req)
	if err != nil {
		conn.Close()
		p.drop(address)
		return err
	}
	code := codeIn(resp)
	p.give(address, conn)
	return kerr.ErrorForCode(code)
}

// coordinator is where a share-partition's coordinator is reached, "" when there is none.
func (p *persister) coordinator(key state.Key) string {
	img := p.image()
	topic := img.Topics[api.ShareTopic]
	if topic == nil {
		p.create()
		return ""
	}
	return addressOf(img, topic.Partitions[coord.PartitionFor(api.ShareKey(key), int32(len(topic.Partitions)))].Leader)
}

// addressOf is where a node is reached, "" when it is not there.
func addressOf(img *metadata.Image, leader int32) string {
	if !img.Alive(leader) {
		return ""
	}
	return net.JoinHostPort(img.Brokers[leader].Host, strconv.Itoa(int(img.Brokers[leader].Port)))
}

func (p *persister) take(ctx context.Context, address string) (*wire.Conn, error) {
	p.mu.Lock()
	if idle := p.idle[address]; len(idle) > 0 {
		conn := idle[len(idle)-1]
		p.idle[address] = idle[:len(idle)-1]
		p.mu.Unlock()
		return conn, nil
	}
	p.mu.Unlock()
	return wire.Dial(ctx, p.network, address, p.clientID)
}

func (p *persister) give(address string, conn *wire.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		conn.Close()
		return
	}
	p.idle[address] = append(p.idle[address], conn)
}

// drop closes the idle connections to an address: one of them failed, and so will they.
func (p *persister) drop(address string) {
	p.mu.Lock()
	idle := p.idle[address]
	if p.idle != nil {
		delete(p.idle, address)
	}
	p.mu.Unlock()
	for _, conn := range idle {
		conn.Close()
	}
}

// Close ends the connections. Requests under way end with their contexts.
func (p *persister) Close() {
	p.mu.Lock()
	all := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, idle := range all {
		for _, conn := range idle {
			conn.Close()
		}
	}
}
