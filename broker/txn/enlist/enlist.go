// Package enlist asks the coordinators of transactions whether partitions are part of one, or makes them part of it, on behalf of
// whoever leads a partition and is about to take a transaction's first records into it (KIP-890).
package enlist

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/txn"
	"odradek/broker/txn/courier"
	"odradek/broker/wire"
)

// Config says what a Client works with.
type Config struct {
	NodeID   int32
	Net      env.Net
	ClientID string
	Image    func() *metadata.Image
	// Topic is the name of the internal topic of transactions.
	Topic string
	// Local are this node's own coordinators.
	Local Coordinators
}

// Coordinators are the shards of the transaction coordinator on this node; a coord.Runtime is one.
type Coordinators interface {
	Do(id string, caller coord.Caller, decide func(m *txn.Machine, now time.Time) coord.Effects)
}

// Request is about a producer's transaction.
type Request struct {
	txn.Claim
	// Verify asks only: the producer has made the partitions part of it, or it is to fail.
	Verify     bool
	Partitions []txn.Partition
}

const (
	// requestVersion is that of AddPartitionsToTxn between nodes.
	requestVersion = 5
	// timeout bounds an exchange: a producer waits for it.
	timeout = 5 * time.Second
	// requestsMax bounds the transactions in one request.
	requestsMax = 100
)

// Client asks. Close it.
type Client struct {
	cfg     Config
	courier *courier.Courier[*asking]
}

// asking is a request under way.
type asking struct {
	Request
	answer chan []*kerr.Error // has room for the one answer
}

// New makes a Client.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg}
	c.courier = courier.New(courier.Config[*asking]{
		Net: cfg.Net, ClientID: cfg.ClientID, Timeout: timeout, ItemsMax: requestsMax, Carry: carry, Failed: failed,
	})
	return c
}

// Close ends what is under way.
func (c *Client) Close() { c.courier.Close() }

// Ask returns what the coordinator says of each partition, nil for those that are part of the transaction: Kafka's errors of
// AddPartitionsToTxn, and COORDINATOR_NOT_AVAILABLE when it could not be asked.
func (c *Client) Ask(ctx context.Context, r Request) []*kerr.Error {
	a := &asking{r, make(chan []*kerr.Error, 1)}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.post(a); err != nil {
		return a.all(err)
	}
	select {
	case answer := <-a.answer:
		return answer
	case <-ctx.Done():
		return a.all(kerr.CoordinatorNotAvailable)
	}
}

func (c *Client) post(a *asking) *kerr.Error {
	img := c.cfg.Image()
	topic := img.Topics[c.cfg.Topic]
	if topic == nil {
		return kerr.CoordinatorNotAvailable
	}
	leader := topic.Partitions[coord.PartitionFor(a.TransactionalID, int32(len(topic.Partitions)))].Leader
	switch {
	case leader == c.cfg.NodeID:
		c.cfg.Local.Do(a.TransactionalID, local{a}, func(m *txn.Machine, now time.Time) coord.Effects {
			if a.Verify {
				return m.Verify(local{a}, a.Claim, a.Partitions)
			}
			return m.Add(local{a}, a.Claim, a.Partitions, versionBumping, now)
		})
	case !img.Alive(leader):
		return kerr.CoordinatorNotAvailable
	default:
		c.courier.Post(img.Brokers[leader], a)
	}
	return nil
}

// versionBumping is the version of transactions whose partitions are added by brokers.
const versionBumping = 2

// all answers each partition alike.
func (a *asking) all(err *kerr.Error) []*kerr.Error {
	all := make([]*kerr.Error, len(a.Partitions))
	for i := range all {
		all[i] = err
	}
	return all
}

// settle gives the answer, unless there is one.
func (a *asking) settle(answer []*kerr.Error) {
	select {
	case a.answer <- answer:
	default:
	}
}

// local is a coord.Caller that asks this node's own coordinator.
type local struct{ *asking }

func (l local) Answer(response any) {
	switch said := response.(type) {
	case []*kerr.Error:
		l.settle(said)
	case *kerr.Error:
		l.settle(l.all(said))
	}
}

func (l local) Refuse(err *kerr.Error) { l.settle(l.all(err)) }

func failed(requests []*asking, _ error) {
	for _, a := range requests {
		a.settle(a.all(kerr.CoordinatorNotAvailable))
	}
}

// errShape says that an answer is not to what was asked.
var errShape = errors.New("enlist: the answer is to other requests")

func carry(ctx context.Context, conn *wire.Conn, requests []*asking) error {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.Version = requestVersion
	// Transactions are told apart by their ids: two requests about one id can't go together.
	together, rest := unique(requests)
	for _, a := range together {
		req.Transactions = append(req.Transactions, a.encode())
	}
	resp, err := conn.Do(ctx, req)
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.AddPartitionsToTxnResponse)
	byID := map[string]*kmsg.AddPartitionsToTxnResponseTransaction{}
	for i := range answer.Transactions {
		byID[answer.Transactions[i].TransactionalID] = &answer.Transactions[i]
	}
	for _, a := range together {
		switch said := byID[a.TransactionalID]; {
		case answer.ErrorCode != 0:
			a.settle(a.all(asError(answer.ErrorCode)))
		case said == nil:
			return errShape
		default:
			a.settle(a.decode(said))
		}
	}
	if len(rest) > 0 {
		return carry(ctx, conn, rest)
	}
	return nil
}

func unique(requests []*asking) (together, rest []*asking) {
	seen := map[string]bool{}
	for _, a := range requests {
		if seen[a.TransactionalID] {
			rest = append(rest, a)
			continue
		}
		seen[a.TransactionalID] = true
		together = append(together, a)
	}
	return together, rest
}

func (a *asking) encode() kmsg.AddPartitionsToTxnRequestTransaction {
	one := kmsg.NewAddPartitionsToTxnRequestTransaction()
	one.TransactionalID, one.ProducerID, one.ProducerEpoch, one.VerifyOnly = a.TransactionalID, a.ProducerID, a.ProducerEpoch, a.Verify
	for _, p := range a.Partitions {
		if n := len(one.Topics); n == 0 || one.Topics[n-1].Topic != p.Topic {
			one.Topics = append(one.Topics, kmsg.AddPartitionsToTxnRequestTransactionTopic{Topic: p.Topic})
		}
		last := &one.Topics[len(one.Topics)-1]
		last.Partitions = append(last.Partitions, p.Index)
	}
	return one
}

func (a *asking) decode(said *kmsg.AddPartitionsToTxnResponseTransaction) []*kerr.Error {
	codes := map[txn.Partition]*kerr.Error{}
	for _, topic := range said.Topics {
		for _, part := range topic.Partitions {
			codes[txn.Partition{Topic: topic.Topic, Index: part.Partition}] = asError(part.ErrorCode)
		}
	}
	all := make([]*kerr.Error, len(a.Partitions))
	for i, p := range a.Partitions {
		var ok bool
		if all[i], ok = codes[p]; !ok {
			all[i] = kerr.UnknownServerError
		}
	}
	return all
}

func asError(code int16) *kerr.Error {
	var known *kerr.Error
	errors.As(kerr.ErrorForCode(code), &known)
	return known
}
