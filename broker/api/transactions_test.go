package api

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/controller"
	"odradek/broker/coord"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/replica"
	"odradek/broker/txn"
	"odradek/broker/txn/enlist"
	"odradek/broker/txn/markers"
)

// transactions is a transaction coordinator, as package broker wires it.
type transactions struct {
	*coord.Runtime[*txn.Machine]
	sender  *markers.Sender
	client  *enlist.Client
	handler *Handler
}

type nobody struct{}

func (nobody) Answer(any)         {}
func (nobody) Refuse(*kerr.Error) {}

func transactionsOf(world env.Env, c *controller.Controller, replicas *replica.Manager) *transactions {
	t := &transactions{}
	cfg := &txn.Config{TimeoutMaxMs: 900_000, Expiration: 7 * 24 * time.Hour, ExpiryInterval: time.Hour}
	t.Runtime = coord.New(coord.Config[*txn.Machine]{
		NodeID: 1, Topic: TransactionTopic, LoadBytes: 1 << 20, CommitTimeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
		New:       func() *txn.Machine { return txn.New(cfg) },
		Partition: func(id metadata.UUID, index int32) (coord.Partition, error) { return replicas.Partition(id, index) },
	})
	t.sender = markers.New(markers.Config{
		NodeID: 1, Net: world.Net, Image: c.Image, Current: func(txn.Ending) bool { return true }, Logger: slog.New(slog.DiscardHandler),
		Local: func(req *kmsg.WriteTxnMarkersRequest, done func(*kmsg.WriteTxnMarkersResponse)) {
			t.handler.WriteMarkers(req, done)
		},
		Ended: func(e txn.Ending) {
			t.Do(e.TransactionalID, nobody{}, func(m *txn.Machine, now time.Time) coord.Effects { return m.Ended(e, now) })
		},
		Undelivered: func(e txn.Ending) {
			t.Do(e.TransactionalID, nobody{}, func(m *txn.Machine, now time.Time) coord.Effects { return m.Undelivered(e, now) })
		},
	})
	cfg.Sender = t.sender
	t.client = enlist.New(enlist.Config{NodeID: 1, Net: world.Net, Image: c.Image, Topic: TransactionTopic, Local: t.Runtime})
	return t
}

func (t *transactions) close() {
	t.client.Close()
	t.sender.Close()
	t.Runtime.Close()
}
