package broker

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/api"
	"odradek/broker/coord"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
	"odradek/broker/txn/markers"
)

// transactions is the transaction coordinator: the shards of the transaction topic that this node leads, what sends their markers,
// and what asks the coordinators of other nodes.
type transactions struct {
	*coord.Runtime[*txn.Machine]
	sender *markers.Sender
	client *enlist.Client
}

func (b *Broker) openTransactions() {
	c := b.node.Transactions
	t := &transactions{}
	cfg := &txn.Config{TimeoutMaxMs: c.TimeoutMaxMs, Expiration: c.Expiration, ExpiryInterval: c.ExpiryInterval}
	t.Runtime = coord.New(coord.Config[*txn.Machine]{
		NodeID: b.node.ID, Topic: api.TransactionTopic,
		Partition: func(topicID metadata.UUID, index int32) (coord.Partition, error) {
			return b.replicas.Partition(topicID, index)
		},
		New:       func() *txn.Machine { return txn.New(cfg) },
		LoadBytes: int(c.LoadBytes), CommitTimeout: b.node.Groups.CommitTimeout, Codec: record.None,
		Logger: b.options.Logger.With("component", "transactions"),
	})
	clientID := fmt.Sprintf("node-%d-transactions", b.node.ID)
	t.sender = markers.New(markers.Config{
		NodeID: b.node.ID, Net: b.options.Env.Net, ClientID: clientID, Image: b.controller.Image,
		// The handler is made after this, and before anything is decided.
		Local: func(req *kmsg.WriteTxnMarkersRequest, done func(*kmsg.WriteTxnMarkersResponse)) {
			b.handler.WriteMarkers(req, done)
		},
		Current: b.coordinates,
		Ended: func(e txn.Ending) {
			t.Do(e.TransactionalID, nobody{}, func(m *txn.Machine, now time.Time) coord.Effects { return m.Ended(e, now) })
		},
		Undelivered: func(e txn.Ending) {
			t.Do(e.TransactionalID, nobody{}, func(m *txn.Machine, now time.Time) coord.Effects { return m.Undelivered(e, now) })
		},
		Logger: b.options.Logger.With("component", "markers"),
	})
	cfg.Sender = t.sender
	t.client = enlist.New(enlist.Config{
		NodeID: b.node.ID, Net: b.options.Env.Net, ClientID: clientID, Image: b.controller.Image, Topic: api.TransactionTopic, Local: t.Runtime,
	})
	b.transactions = t
}

// coordinates says whether this node is still who decided: what it decided is its own to carry out then.
func (b *Broker) coordinates(e txn.Ending) bool {
	topic := b.controller.Image().Topics[api.TransactionTopic]
	if topic == nil {
		return false
	}
	p := topic.Partitions[coord.PartitionFor(e.TransactionalID, int32(len(topic.Partitions)))]
	return p.Leader == b.node.ID && p.LeaderEpoch >= e.CoordinatorEpoch
}

// Close ends what is under way.
func (t *transactions) Close() {
	t.client.Close()
	t.sender.Close()
	t.Runtime.Close()
}

// nobody is a coord.Caller who wants no answer.
type nobody struct{}

func (nobody) Answer(any)         {}
func (nobody) Refuse(*kerr.Error) {}
