// Package markers writes the markers of transactions that are decided: it finds who leads each partition, sends what is for the
// same node together, and goes on, through every change of leader, until all partitions have theirs.
package markers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env"
	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
	"odradek/broker/txn"
	"odradek/broker/txn/courier"
	"odradek/broker/wire"
)

// Config says what a Sender works with.
type Config struct {
	NodeID   int32
	Net      env.Net
	ClientID string
	Image    func() *metadata.Image
	// Local writes markers on this node, and gives the answer to done, from any goroutine.
	Local func(req *kmsg.WriteTxnMarkersRequest, done func(*kmsg.WriteTxnMarkersResponse))
	// Current says whether this node is still the coordinator that decided.
	Current func(txn.Ending) bool
	// Ended is told of a transaction whose partitions all have their marker, Undelivered of one that was given up, to be
	// decided upon again.
	Ended, Undelivered func(txn.Ending)
	Logger             *slog.Logger
}

const (
	// requestVersion is that of WriteTxnMarkers between nodes: the first that tells the version of the transaction.
	requestVersion = 2
	// requestTimeout bounds one request; a partition may wait that long for its replicas.
	requestTimeout = 30 * time.Second
	// markersMax bounds the markers in a request.
	markersMax = 500
	// pauseMin and pauseMax bound the pauses between attempts at a partition.
	pauseMin = 10 * time.Millisecond
	pauseMax = 500 * time.Millisecond
)

// Sender implements txn.Sender. Close it.
type Sender struct {
	cfg     Config
	courier *courier.Courier[parcel]

	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
	mu         sync.RWMutex // held for reading while something is added to background
	closed     bool
}

// delivery is a transaction whose markers are on their way.
type delivery struct {
	ending txn.Ending

	mu    sync.Mutex
	left  int // partitions without a marker
	given bool
}

// parcel is what of a delivery goes to one node.
type parcel struct {
	*delivery
	partitions []txn.Partition
	pause      time.Duration // before the next attempt, if this one fails
}

// New makes a Sender.
func New(cfg Config) *Sender {
	s := &Sender{cfg: cfg}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.courier = courier.New(courier.Config[parcel]{
		Net: cfg.Net, ClientID: cfg.ClientID, Timeout: requestTimeout, ItemsMax: markersMax, Carry: s.carry, Failed: s.failed,
	})
	return s
}

// Close ends what is under way.
func (s *Sender) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.courier.Close()
	s.background.Wait()
}

// Send implements txn.Sender.
func (s *Sender) Send(e txn.Ending) {
	s.spawn(func() {
		if len(e.Partitions) == 0 {
			s.cfg.Ended(e)
			return
		}
		s.route(parcel{&delivery{ending: e, left: len(e.Partitions)}, e.Partitions, pauseMin})
	})
}

// Unsure implements txn.Sender.
func (s *Sender) Unsure(e txn.Ending) { s.spawn(func() { s.cfg.Undelivered(e) }) }

func (s *Sender) spawn(f func()) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.background.Go(f)
	}
}

// route sends a parcel's markers to whoever leads the partitions now.
func (s *Sender) route(p parcel) {
	if s.ctx.Err() != nil || p.isGiven() {
		return
	}
	if !s.cfg.Current(p.ending) {
		p.give() // whoever coordinates now sends them
		return
	}
	img := s.cfg.Image()
	var leaders []int32
	byLeader := map[int32][]txn.Partition{}
	gone := 0
	for _, each := range p.partitions {
		topic := img.Topics[each.Topic]
		if topic == nil || topic.Partition(each.Index) == nil {
			gone++ // its topic was deleted
			continue
		}
		leader := topic.Partition(each.Index).Leader
		if !img.Alive(leader) {
			leader = metadata.NoLeader
		}
		if byLeader[leader] == nil {
			leaders = append(leaders, leader)
		}
		byLeader[leader] = append(byLeader[leader], each)
	}
	for _, leader := range leaders {
		part := parcel{p.delivery, byLeader[leader], p.pause}
		switch leader {
		case metadata.NoLeader:
			s.again(part)
		case s.cfg.NodeID:
			s.cfg.Local(request([]parcel{part}), func(resp *kmsg.WriteTxnMarkersResponse) { s.answered([]parcel{part}, resp) })
		default:
			s.courier.Post(img.Brokers[leader], part)
		}
	}
	s.written(p.delivery, gone)
}

// again tries a parcel once more after a pause.
func (s *Sender) again(p parcel) {
	pause := p.pause
	p.pause = min(2*pause, pauseMax)
	s.spawn(func() {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.route(p)
		case <-s.ctx.Done():
		}
	})
}

// written notes that n partitions more have their marker, or need none.
func (s *Sender) written(d *delivery, n int) {
	d.mu.Lock()
	d.left -= n
	done := n > 0 && d.left == 0 && !d.given
	d.mu.Unlock()
	if done {
		s.spawn(func() { s.cfg.Ended(d.ending) })
	}
}

// give says that nothing more is to be done for a delivery; false when it was said before.
func (d *delivery) give() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.given
	d.given = true
	return !before
}

func (d *delivery) isGiven() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.given
}

func request(parcels []parcel) *kmsg.WriteTxnMarkersRequest {
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	req.Version = requestVersion
	for _, p := range parcels {
		m := kmsg.NewWriteTxnMarkersRequestMarker()
		m.ProducerID, m.ProducerEpoch, m.Committed = p.ending.ProducerID, p.ending.ProducerEpoch, p.ending.Committed
		m.CoordinatorEpoch = p.ending.CoordinatorEpoch
		if p.ending.Bumped {
			m.TransactionVersion = 2
		}
		for _, each := range p.partitions {
			if n := len(m.Topics); n == 0 || m.Topics[n-1].Topic != each.Topic {
				m.Topics = append(m.Topics, kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: each.Topic})
			}
			last := &m.Topics[len(m.Topics)-1]
			last.Partitions = append(last.Partitions, each.Index)
		}
		req.Markers = append(req.Markers, m)
	}
	return req
}

// errShape says that an answer is not to what was asked.
var errShape = errors.New("markers: the answer is of other markers")

func (s *Sender) carry(ctx context.Context, conn *wire.Conn, parcels []parcel) error {
	resp, err := conn.Do(ctx, request(parcels))
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.WriteTxnMarkersResponse)
	if len(answer.Markers) != len(parcels) {
		return errShape
	}
	s.answered(parcels, answer)
	return nil
}

func (s *Sender) failed(parcels []parcel, err error) {
	s.cfg.Logger.Debug("markers could not be sent", "error", err)
	sometimes.Reached(sometimes.MarkersSentAgain)
	for _, p := range parcels {
		s.again(p)
	}
}

// answered acts on an answer: markers in the order of parcels, partitions in any.
func (s *Sender) answered(parcels []parcel, resp *kmsg.WriteTxnMarkersResponse) {
	for i, p := range parcels {
		codes := map[txn.Partition]int16{}
		for _, topic := range resp.Markers[i].Topics {
			for _, part := range topic.Partitions {
				codes[txn.Partition{Topic: topic.Topic, Index: part.Partition}] = part.ErrorCode
			}
		}
		var failed []txn.Partition
		for _, each := range p.partitions {
			if code, ok := codes[each]; !ok || s.retries(p, each, code) {
				failed = append(failed, each)
			}
		}
		if len(failed) > 0 {
			sometimes.Reached(sometimes.MarkersSentAgain)
			s.again(parcel{p.delivery, failed, p.pause})
		}
		s.written(p.delivery, len(p.partitions)-len(failed))
	}
}

// retries says whether a partition has no marker yet. A partition that knows a later epoch of the producer needs none: whatever
// ended its transaction there, it is over. A coordinator that was fenced there decides again by what it is now.
func (s *Sender) retries(p parcel, at txn.Partition, code int16) bool {
	switch err := kerr.ErrorForCode(code); {
	case err == nil:
		return false
	case errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.UnsupportedForMessageFormat):
		s.cfg.Logger.Warn("a partition needs no marker", "id", p.ending.TransactionalID, "topic", at.Topic, "partition", at.Index, "error", err)
		return false
	case errors.Is(err, kerr.TransactionCoordinatorFenced):
		if p.give() {
			s.spawn(func() { s.cfg.Undelivered(p.ending) })
		}
	}
	return true
}
