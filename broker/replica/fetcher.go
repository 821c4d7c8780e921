package replica

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/wire"
)

const (
	// fetchVersion has topic ids and the replica's state, and no fields that only Kafka's raft uses.
	fetchVersion = 17
	// connectTimeout bounds a dial that nobody answers.
	connectTimeout = 2 * time.Second
	// backoffMin is the first pause after an error. The most frequent one, a leader that has not heard yet that it is one,
	// passes in milliseconds.
	backoffMin = 20 * time.Millisecond
)

// errUnknownBroker says that the image has no address of a leader.
var errUnknownBroker = errors.New("broker is not registered")

// fetcher fetches from one node all partitions that it leads and this node follows, in one request at a time. The leader
// holds a request until there is something new (replica.fetch.wait.max.ms at most), so an idle fetcher costs two requests
// a second.
type fetcher struct {
	manager *Manager
	source  int32
	ctx     context.Context
	cancel  context.CancelFunc
	inbox   *inbox
	// size is the number of partitions assigned; fetchers.mu guards it.
	size int

	// What follows belongs to run's goroutine.

	conn    *wire.Conn
	address string
	// pause is the last one after a failed round, 0 after a good one.
	pause   time.Duration
	session session
}

func newFetcher(m *Manager, source int32) *fetcher {
	f := &fetcher{manager: m, source: source, inbox: newInbox(), session: newSession(source)}
	f.ctx, f.cancel = context.WithCancel(m.ctx)
	return f
}

func (f *fetcher) run() {
	defer f.cancel()
	defer f.disconnect()
	for f.ctx.Err() == nil {
		for p, fetch := range f.inbox.take() {
			f.session.change(p, fetch)
		}
		now := time.Now()
		f.session.retry(now)
		if f.session.idle() {
			f.sleep(f.session.untilRetry(now, time.Hour))
			continue
		}
		err := f.round(f.session.untilRetry(now, f.manager.cfg.FetchWaitMax))
		if err == nil {
			f.pause = 0
			continue
		}
		f.disconnect()
		f.session.reset()
		if errors.Is(err, errInterrupted) {
			continue
		}
		f.pause = nextPause(f.pause, f.manager.cfg.FetchBackoff)
		f.manager.cfg.Logger.Debug("fetch failed", "leader", f.source, "error", err, "pause", f.pause)
		f.sleep(f.pause)
	}
}

// sleep waits for a change of partitions, at most for the given time.
func (f *fetcher) sleep(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.inbox.signal:
		f.pause = 0
	case <-f.ctx.Done():
	}
}

func nextPause(pause, most time.Duration) time.Duration {
	return min(max(2*pause, backoffMin), most)
}

// round sends one fetch and applies the answer.
func (f *fetcher) round(wait time.Duration) error {
	if err := f.connect(); err != nil {
		return err
	}
	f.session.prepare()
	cfg := &f.manager.cfg
	req := f.session.request(time.Now())
	if f.session.known == 0 {
		f.session.reset()
		return nil
	}
	req.ReplicaState.ID = cfg.NodeID
	req.ReplicaState.Epoch = cfg.Controller.BrokerEpoch()
	req.MaxWaitMillis = int32(wait.Milliseconds())
	req.MinBytes = cfg.FetchMinBytes
	req.MaxBytes = cfg.FetchResponseMaxBytes
	for t := range req.Topics {
		for i := range req.Topics[t].Partitions {
			req.Topics[t].Partitions[i].PartitionMaxBytes = cfg.FetchMaxBytes
		}
	}
	resp, err := f.poll(req)
	if err != nil {
		return err
	}
	if err := f.session.answered(resp); err != nil {
		return err
	}
	return f.apply(resp)
}

// poll sends a fetch that a change of partitions may end early.
func (f *fetcher) poll(req *kmsg.FetchRequest) (*kmsg.FetchResponse, error) {
	ctx, interrupt := context.WithCancelCause(f.ctx)
	defer interrupt(nil)
	if !f.inbox.polling(interrupt) {
		req.MaxWaitMillis = 0
	}
	defer f.inbox.polled()
	response, err := f.do(ctx, req, f.manager.cfg.FetchWaitMax)
	if err != nil {
		return nil, err
	}
	return response.(*kmsg.FetchResponse), nil
}

// do sends a request that its receiver may hold for the given time.
func (f *fetcher) do(ctx context.Context, req kmsg.Request, held time.Duration) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, held+f.manager.cfg.SocketTimeout)
	defer cancel()
	return f.conn.Do(ctx, req)
}

// apply hands each partition its part of the answer. Partitions that fail are left alone for a while; an error ends the
// connection.
func (f *fetcher) apply(resp *kmsg.FetchResponse) error {
	var outOfRange []*fetching
	for t := range resp.Topics {
		topic := &resp.Topics[t]
		for i := range topic.Partitions {
			answer := &topic.Partitions[i]
			fe := f.session.find(metadata.UUID(topic.TopicID), answer.Partition)
			if fe == nil {
				continue
			}
			if answer.ErrorCode == kerr.OffsetOutOfRange.Code {
				outOfRange = append(outOfRange, fe)
				continue
			}
			f.settle(fe, fe.partition.replicate(f.source, fe.at, answer))
		}
	}
	if len(outOfRange) > 0 {
		return f.relocate(outOfRange)
	}
	return nil
}

// settle has a partition fetched again, at once or, after an error, later.
func (f *fetcher) settle(fe *fetching, err error) {
	if err == nil {
		f.session.again(fe)
		return
	}
	pause := f.session.delay(fe, time.Now(), f.manager.cfg.FetchBackoff)
	f.manager.cfg.Logger.Debug("replication pauses", "partition", fe.partition.String(), "leader", f.source, "error", err, "pause", pause)
}

// relocate asks the leader where its logs begin and end, for partitions whose offset it refused.
func (f *fetcher) relocate(refused []*fetching) error {
	ends, err := f.listOffsets(refused, TimestampLatest)
	if err != nil {
		return err
	}
	starts, err := f.listOffsets(refused, TimestampEarliest)
	if err != nil {
		return err
	}
	for _, fe := range refused {
		name := partitionName{fe.partition.topic, fe.partition.index}
		start, haveStart := starts[name]
		end, haveEnd := ends[name]
		if !haveStart || !haveEnd {
			f.settle(fe, kerr.OffsetOutOfRange)
			continue
		}
		f.settle(fe, fe.partition.outOfRange(f.source, fe.at, start, end))
	}
	return nil
}

// listOffsets returns the offsets at timestamp; partitions that the leader has an error for are missing.
func (f *fetcher) listOffsets(of []*fetching, timestamp int64) (map[partitionName]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = 6
	req.ReplicaID = f.manager.cfg.NodeID
	for _, fe := range of {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = fe.partition.topic
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition = fe.partition.index
		partition.CurrentLeaderEpoch = fe.at.leaderEpoch
		partition.Timestamp = timestamp
		topic.Partitions = append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
	}
	response, err := f.do(f.ctx, req, 0)
	if err != nil {
		return nil, err
	}
	offsets := make(map[partitionName]int64)
	for _, topic := range response.(*kmsg.ListOffsetsResponse).Topics {
		for _, partition := range topic.Partitions {
			if partition.ErrorCode == 0 && partition.Offset >= 0 {
				offsets[partitionName{topic.Topic, partition.Partition}] = partition.Offset
			}
		}
	}
	return offsets, nil
}

// connect makes sure of a connection to where the source is registered now.
func (f *fetcher) connect() error {
	broker := f.manager.image.Load().Brokers[f.source]
	if broker == nil {
		return fmt.Errorf("%w: %d", errUnknownBroker, f.source)
	}
	address := net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port)))
	if f.conn != nil && f.address == address {
		return nil
	}
	f.disconnect()
	f.session.reset()
	ctx, cancel := context.WithTimeout(f.ctx, connectTimeout)
	defer cancel()
	conn, err := wire.Dial(ctx, f.manager.cfg.Net, address, "replica-"+strconv.Itoa(int(f.manager.cfg.NodeID)))
	if err != nil {
		return err
	}
	f.conn, f.address = conn, address
	return nil
}

func (f *fetcher) disconnect() {
	if f.conn != nil {
		f.conn.Close() // whatever it says, the connection is done with
		f.conn = nil
	}
}
