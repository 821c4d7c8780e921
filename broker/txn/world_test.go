package txn

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// world is what surrounds a machine: a log, a clock, ids, and a sender whose markers the test writes. It carries effects out as a
// shard does.
type world struct {
	machine *Machine
	cfg     Config
	now     time.Time
	epoch   int32
	log     []coord.Record
	fresh   int64
	// refusal is why appends are refused, nil when they are not; held keeps replies back, as a high watermark that stands still.
	refusal *kerr.Error
	held    bool
	waiting []coord.Reply
	// sent are the endings whose markers are on their way.
	sent []Ending
	// heard is told what happens, answered of each answer, replayed of each record.
	heard    func(line string)
	answered func(who string, response any)
	replayed func(before, after *transaction)
}

func newWorld() *world {
	w := &world{now: time.UnixMilli(0), fresh: 1000, heard: func(string) {}, answered: func(string, any) {}, replayed: func(_, _ *transaction) {}}
	w.cfg = Config{TimeoutMaxMs: 900_000, Expiration: 24 * time.Hour, ExpiryInterval: time.Hour, Sender: w}
	w.machine = New(&w.cfg)
	w.machine.Elected(0)
	w.performAll(w.machine.Loaded(w.now))
	return w
}

// Send implements Sender.
func (w *world) Send(e Ending) {
	w.sent = append(w.sent, e)
	w.heard("markers: " + describeEnding(e))
}

// Unsure implements Sender.
func (w *world) Unsure(e Ending) { w.heard("unsure of " + e.TransactionalID) }

func describeEnding(e Ending) string {
	outcome := "abort"
	if e.Committed {
		outcome = "commit"
	}
	if e.Bumped {
		outcome += " bumped"
	}
	return fmt.Sprintf("%s %d/%d %s by %d %s", e.TransactionalID, e.ProducerID, e.ProducerEpoch, outcome, e.CoordinatorEpoch, describePartitions(e.Partitions))
}

func describePartitions(all []Partition) string {
	var names []string
	for _, p := range all {
		names = append(names, fmt.Sprintf("%s-%d", p.Topic, p.Index))
	}
	return "[" + strings.Join(names, " ") + "]"
}

// caller is somebody by name.
type caller struct {
	world *world
	name  string
}

func (c caller) Answer(response any) {
	c.world.heard(c.name + " <- " + describeAnswer(response))
	c.world.answered(c.name, response)
}

func (c caller) Refuse(err *kerr.Error) {
	c.world.heard(c.name + " <- refused: " + err.Message)
	c.world.answered(c.name, err)
}

func describeAnswer(response any) string {
	code := func(err *kerr.Error) string {
		if err == nil {
			return "ok"
		}
		return err.Message
	}
	switch r := response.(type) {
	case *kerr.Error:
		return code(r)
	case []*kerr.Error:
		var all []string
		for _, err := range r {
			all = append(all, code(err))
		}
		return strings.Join(all, " ")
	case Producing:
		if r.Err != nil {
			return code(r.Err)
		}
		return fmt.Sprintf("producer %d/%d", r.ProducerID, r.ProducerEpoch)
	case NeedsProducerID:
		return "needs a producer id"
	case kmsg.DescribeTransactionsResponseTransactionState:
		if r.ErrorCode != 0 {
			return kerr.ErrorForCode(r.ErrorCode).(*kerr.Error).Message
		}
		var partitions []Partition
		for _, topic := range r.Topics {
			for _, index := range topic.Partitions {
				partitions = append(partitions, Partition{topic.Topic, index})
			}
		}
		return fmt.Sprintf("%s producer %d/%d timeout=%d start=%d %s", r.State, r.ProducerID, r.ProducerEpoch, r.TimeoutMillis, r.StartTimestamp, describePartitions(partitions))
	case []kmsg.ListTransactionsResponseTransactionState:
		var all []string
		for _, each := range r {
			all = append(all, each.TransactionalID+"("+each.TransactionState+")")
		}
		return "list: " + strings.Join(all, " ")
	}
	return fmt.Sprintf("%+v", response)
}

func describeRecord(r coord.Record) string {
	var key kmsg.TxnMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		panic(err)
	}
	if r.Value == nil {
		return key.TransactionalID + " is forgotten"
	}
	t, err := decode(key.TransactionalID, r.Value)
	if err != nil {
		panic(err)
	}
	text := fmt.Sprintf("%s %s producer %d/%d", t.id, t.state, t.producer, t.epoch)
	if t.previous >= 0 {
		text += fmt.Sprintf(" previous=%d", t.previous)
	}
	if t.next >= 0 {
		text += fmt.Sprintf(" next=%d", t.next)
	}
	return text + " " + describePartitions(t.sorted())
}

func (w *world) performAll(all []coord.Effects) {
	for _, e := range all {
		w.perform(e)
	}
}

func (w *world) perform(e coord.Effects) {
	if len(e.Records) > 0 && w.refusal != nil {
		w.heard("append refused: " + w.refusal.Message)
		for _, r := range append(e.Prompt, e.Replies...) {
			r.To.Refuse(w.refusal)
		}
		return
	}
	for _, r := range e.Records {
		w.log = append(w.log, r)
		w.heard("log: " + describeRecord(r))
		var key kmsg.TxnMetadataKey
		if err := key.ReadFrom(r.Key); err != nil {
			panic(err)
		}
		var before *transaction
		if t := w.machine.transactions[key.TransactionalID]; t != nil {
			before = t.clone()
		}
		if err := w.machine.Replay(r); err != nil {
			panic(err)
		}
		w.replayed(before, w.machine.transactions[key.TransactionalID])
	}
	for _, r := range e.Prompt {
		r.To.Answer(r.Response)
	}
	w.waiting = append(w.waiting, e.Replies...)
	if !w.held {
		w.release()
	}
}

// release lets the high watermark catch up.
func (w *world) release() {
	w.held = false
	for len(w.waiting) > 0 {
		r := w.waiting[0]
		w.waiting = w.waiting[1:]
		r.To.Answer(r.Response)
	}
}

// advance lets time pass, from one timer to the next.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := w.machine.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.After(w.now) {
			w.now = next
		}
		w.performAll(w.machine.Tick(w.now))
	}
	w.now = end
}

// failover puts a machine in the place of this one that knows what is in the log but for the last records, which were not
// committed. Whoever waits is refused.
func (w *world) failover(lost int) {
	for _, r := range w.waiting {
		r.To.Refuse(kerr.NotCoordinator)
	}
	for _, to := range w.machine.Abandon() {
		to.Refuse(kerr.NotCoordinator)
	}
	w.waiting, w.held, w.sent = nil, false, nil
	w.log = w.log[:len(w.log)-lost]
	w.machine = New(&w.cfg)
	for _, r := range w.log {
		if err := w.machine.Replay(r); err != nil {
			panic(err)
		}
	}
	w.epoch++
	w.machine.Elected(w.epoch)
	w.performAll(w.machine.Loaded(w.now))
}
