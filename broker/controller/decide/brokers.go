package decide

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// What a BrokerRegistration carries beyond Kafka's fields.
const (
	// ControllerListener names the listener whose address is the node's controller's; any other is where clients reach it.
	ControllerListener = "CONTROLLER"
	// PreviousIncarnationsTag numbers a tagged field: incarnation ids, 16 bytes each, of earlier processes on the same disk
	// since it was last sure to hold all it had. A process may die after it was registered and before it could note the epoch
	// it got, so the epoch alone (PreviousBrokerEpoch) would call such a stop unclean.
	PreviousIncarnationsTag = 1 << 20
	// MaxPreviousIncarnations bounds their number.
	MaxPreviousIncarnations = 64
)

// RegisterBroker takes a process into the cluster as its node. It starts fenced, and a process that had the node before is
// fenced with it: its leaderships and its places in ISRs are given up in the same batch.
//
// A process that stopped cleanly, or on a machine that kept running, comes back with all it had and says so by the epoch it had
// (KIP-966 knows only the clean stop; but what a dead process wrote is in the page cache, and stays readable until the machine
// stops). Otherwise its log may have lost acknowledged records, and it also leaves all ELRs.
//
// Kafka refuses a registration while the node's session lives. Here the same directory is proof enough that the process before
// is gone (it held a lock on it), and only another directory under the same id is refused until the session ends.
func (p *Plan) RegisterBroker(req *kmsg.BrokerRegistrationRequest) *kmsg.BrokerRegistrationResponse {
	resp := req.ResponseKind().(*kmsg.BrokerRegistrationResponse)
	resp.BrokerEpoch = -1
	image := p.Image()
	broker, code := readRegistration(req)
	if code == nil {
		code = p.readFeatures(req, broker)
	}
	if code == nil {
		code = p.checkRegistration(req, broker)
	}
	if code != nil {
		resp.ErrorCode = code.Code
		return resp
	}
	old := image.Brokers[broker.ID]
	if old != nil && old.IncarnationID == broker.IncarnationID {
		resp.BrokerEpoch = old.Epoch // the answer to the first try was lost
		return resp
	}
	broker.Epoch = int64(p.base.Version) + 1
	if old != nil {
		broker.Epoch = max(broker.Epoch, old.Epoch+1)
	}
	resp.BrokerEpoch = broker.Epoch
	p.add(&metadata.BrokerRecord{Broker: *broker})
	if old != nil {
		p.leave(broker.ID, departure{
			lostData: !intact(req, old, broker),
			lostDisk: old.DirectoryID != broker.DirectoryID,
		})
	}
	return resp
}

func readRegistration(req *kmsg.BrokerRegistrationRequest) (*metadata.Broker, *kerr.Error) {
	broker := &metadata.Broker{ID: req.BrokerID, IncarnationID: req.IncarnationID, Fenced: true}
	if req.Rack != nil {
		broker.Rack = *req.Rack
	}
	if len(req.LogDirs) < 1 || req.BrokerID < 0 {
		return nil, kerr.InvalidRegistration
	}
	broker.DirectoryID = req.LogDirs[0] // that of the quorum; where replicas are is the node's to know
	for _, listener := range req.Listeners {
		if listener.Name == ControllerListener {
			broker.ControllerAddress = joinHostPort(listener.Host, int32(listener.Port))
		} else if broker.Host == "" {
			broker.Host, broker.Port = listener.Host, int32(listener.Port)
		}
	}
	if broker.ControllerAddress == "" || broker.DirectoryID == (metadata.UUID{}) || broker.IncarnationID == (metadata.UUID{}) {
		return nil, kerr.InvalidRegistration
	}
	return broker, nil
}

func (p *Plan) checkRegistration(req *kmsg.BrokerRegistrationRequest, broker *metadata.Broker) *kerr.Error {
	image := p.Image()
	if req.ClusterID != "" && req.ClusterID != image.ClusterID {
		return kerr.InconsistentClusterID
	}
	if old := image.Brokers[broker.ID]; old != nil && !old.Fenced && old.DirectoryID != broker.DirectoryID {
		return kerr.DuplicateBrokerRegistration
	}
	for id, other := range image.Brokers {
		if id != broker.ID && other.DirectoryID == broker.DirectoryID {
			return kerr.InvalidRegistration // a disk that belongs to another node
		}
	}
	return nil
}

// intact says whether a node comes back with everything it had under its last registration.
func intact(req *kmsg.BrokerRegistrationRequest, old, broker *metadata.Broker) bool {
	if old.DirectoryID != broker.DirectoryID {
		return false
	}
	if req.PreviousBrokerEpoch == old.Epoch {
		return true
	}
	found := false
	req.UnknownTags.Each(func(tag uint32, value []byte) {
		if tag != PreviousIncarnationsTag {
			return
		}
		for n := 0; len(value) >= len(old.IncarnationID) && n < MaxPreviousIncarnations; n++ {
			found = found || metadata.UUID(value[:16]) == old.IncarnationID
			value = value[16:]
		}
	})
	return found
}

// Heartbeat decides what a node's sign of life leads to: it is unfenced when it is up to date and wants to be, fenced when it
// wants that, and led through its controlled shutdown.
//
// A shutdown takes two steps: the first heartbeat that wants it moves everything away from the node; a later one is told to go
// on, when the other nodes had the time of a round trip to learn of it.
func (p *Plan) Heartbeat(req *kmsg.BrokerHeartbeatRequest) *kmsg.BrokerHeartbeatResponse {
	resp := req.ResponseKind().(*kmsg.BrokerHeartbeatResponse)
	broker := p.Image().Brokers[req.BrokerID]
	if code := checkEpoch(broker, req.BrokerEpoch); code != nil {
		resp.ErrorCode = code.Code
		return resp
	}
	offset := req.CurrentMetadataOffset
	resp.IsCaughtUp = offset >= broker.Epoch || offset >= int64(p.base.Version)
	switch {
	case req.WantShutdown && (broker.Fenced || broker.ShuttingDown):
		p.setState(broker, true, true)
		resp.ShouldShutdown = true
	case req.WantShutdown:
		p.setState(broker, false, true)
		p.leave(broker.ID, departure{})
	case req.WantFence && !broker.Fenced:
		p.Fence(broker.ID)
	case !req.WantFence && broker.Fenced && resp.IsCaughtUp:
		p.setState(broker, false, false)
		p.electLeaderless()
	}
	resp.IsFenced = p.Image().Brokers[req.BrokerID].Fenced
	return resp
}

func checkEpoch(broker *metadata.Broker, epoch int64) *kerr.Error {
	if broker == nil {
		return kerr.BrokerIDNotRegistered
	}
	if broker.Epoch != epoch {
		return kerr.StaleBrokerEpoch
	}
	return nil
}

// Fence takes a node that is not heard of any more out of everything. Its log is as good as it was: it stays in ELRs.
func (p *Plan) Fence(id int32) {
	broker := p.Image().Brokers[id]
	if broker == nil || broker.Fenced {
		return
	}
	p.setState(broker, true, broker.ShuttingDown)
	p.leave(id, departure{})
}

// UnregisterBroker forgets a node for good.
func (p *Plan) UnregisterBroker(req *kmsg.UnregisterBrokerRequest) *kmsg.UnregisterBrokerResponse {
	resp := req.ResponseKind().(*kmsg.UnregisterBrokerResponse)
	broker := p.Image().Brokers[req.BrokerID]
	if broker == nil {
		resp.ErrorCode, resp.ErrorMessage = failf(kerr.BrokerIDNotRegistered, "Broker ID %d is not currently registered", req.BrokerID).wire()
		return resp
	}
	p.add(&metadata.RemoveBrokerRecord{ID: broker.ID, Epoch: broker.Epoch})
	p.leave(broker.ID, departure{})
	return resp
}

func (p *Plan) setState(broker *metadata.Broker, fenced, shuttingDown bool) {
	if broker.Fenced == fenced && broker.ShuttingDown == shuttingDown {
		return
	}
	p.add(&metadata.BrokerStateRecord{ID: broker.ID, Epoch: broker.Epoch, Fenced: fenced, ShuttingDown: shuttingDown})
}

// departure says how a node leaves its partitions.
type departure struct{ lostData, lostDisk bool }

// leave takes a node out of the ISRs, and out of the ELRs when it may have lost data, and elects others where it led. The image
// already says that the node is not active.
func (p *Plan) leave(id int32, how departure) {
	for _, topic := range p.sortedTopics() {
		for index, partition := range topic.Partitions {
			if !slices.Contains(partition.Replicas, id) {
				continue
			}
			c := p.change(topic, partition)
			c.targetISR = slices.DeleteFunc(slices.Clone(partition.ISR), func(n int32) bool { return n == id })
			if how.lostData {
				c.lostData = []int32{id}
			}
			if how.lostDisk {
				c.lostDisk = []int32{id}
			}
			p.commit(topic, int32(index), c)
		}
	}
}

// electLeaderless looks for a leader wherever there is none, after a node came back or the rules of a topic changed.
func (p *Plan) electLeaderless() {
	for _, topic := range p.sortedTopics() {
		for index, partition := range topic.Partitions {
			if partition.Leader == metadata.NoLeader {
				p.commit(topic, int32(index), p.change(topic, partition))
			}
		}
	}
}
