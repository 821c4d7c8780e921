package txn

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/env/sometimes"
)

// Config says what holds for all transactions. Kafka's key is behind each.
type Config struct {
	TimeoutMaxMs   int32         // transaction.max.timeout.ms
	Expiration     time.Duration // transactional.id.expiration.ms
	ExpiryInterval time.Duration // transaction.remove.expired.transaction.cleanup.interval.ms
	Sender         Sender
}

// Sender writes the markers of transactions that are decided.
type Sender interface {
	// Send has a marker written to each partition, and calls the machine's Ended once all have it, or Undelivered. It must not
	// block nor call back before it returns.
	Send(e Ending)
	// Unsure says that the decision is in the log, but not yet known to be committed: the machine's Undelivered is to be called.
	Unsure(e Ending)
}

// Ending is a transaction that is decided.
type Ending struct {
	TransactionalID  string
	ProducerID       int64
	ProducerEpoch    int16 // that of the markers
	Committed        bool
	Bumped           bool // the markers' epoch is the one after the transaction's
	CoordinatorEpoch int32
	Partitions       []Partition
}

const (
	// waitMax is how long a request for the next transaction waits for the end of the one before. Then its client tries again.
	waitMax = 500 * time.Millisecond
	// waitersMax bounds the requests that wait at a transactional id: one producer has one under way.
	waitersMax = 8
	// retryPause is how long after an attempt that came to nothing the next is made.
	retryPause = 500 * time.Millisecond
)

// Machine is the state of the transactional ids of one partition of __transaction_state; it is a coord.Machine.
type Machine struct {
	cfg          *Config
	transactions map[string]*transaction
	timers       coord.Timers
	epoch        int32 // the coordinator's
	// expiry is when old ids are looked for next.
	expiry time.Time
}

var (
	_ coord.Machine   = (*Machine)(nil)
	_ coord.Electable = (*Machine)(nil)
)

// New makes a machine that knows no transactional id.
func New(cfg *Config) *Machine { return &Machine{cfg: cfg, transactions: map[string]*transaction{}} }

// Elected implements coord.Electable.
func (m *Machine) Elected(leaderEpoch int32) { m.epoch = leaderEpoch }

// adopt puts a transaction in the place of what was known of its id.
func (m *Machine) adopt(t *transaction) {
	if before := m.transactions[t.id]; before != nil {
		t.wakes, t.waiting, t.lastEpoch = before.wakes, before.waiting, before.lastEpochThen
	}
	m.transactions[t.id] = t
	m.arm(t, time.Time{})
}

// arm sets the timer that a transaction needs, later than after: what was decided until then is not in the state yet.
func (m *Machine) arm(t *transaction, after time.Time) {
	due := t.due()
	if !due.IsZero() && !due.After(after) {
		due = after.Add(time.Millisecond)
	}
	if !due.IsZero() && (t.wakes.IsZero() || due.Before(t.wakes)) {
		t.wakes = due
		m.timers.Push(due, t.id)
	}
}

// Loaded implements coord.Machine: what was decided is carried out.
func (m *Machine) Loaded(now time.Time) []coord.Effects {
	var all []coord.Effects
	for _, id := range m.ids() {
		if t := m.transactions[id]; t.preparing() {
			all = append(all, m.deliver(t))
		}
	}
	m.expiry = now.Add(m.cfg.ExpiryInterval)
	return all
}

// Next implements coord.Machine.
func (m *Machine) Next() time.Time {
	if next := m.timers.First(); !next.IsZero() && next.Before(m.expiry) {
		return next
	}
	return m.expiry
}

// Tick implements coord.Machine.
func (m *Machine) Tick(now time.Time) []coord.Effects {
	var all []coord.Effects
	for {
		id, due := m.timers.Pop(now)
		if !due {
			break
		}
		if t := m.transactions[id]; t != nil && !t.wakes.After(now) {
			t.wakes = time.Time{}
			all = append(all, m.tick(t, now))
			m.arm(t, now)
		}
	}
	if !m.expiry.After(now) {
		m.expiry = now.Add(m.cfg.ExpiryInterval)
		all = append(all, m.expire(now))
	}
	return all
}

// tick does one of the things that are due.
func (m *Machine) tick(t *transaction, now time.Time) coord.Effects {
	switch {
	case t.again.After(now):
	case t.state == Ongoing && !t.timesOut().After(now):
		t.again = now.Add(retryPause) // if it is refused
		sometimes.Reached(sometimes.TransactionTimedOut)
		return m.fence(t, now)
	case t.preparing() && !t.again.IsZero():
		return m.deliver(t)
	}
	for i, w := range t.waiting {
		if t.preparing() && w.until.After(now) {
			continue
		}
		t.waiting = slices.Delete(slices.Clone(t.waiting), i, i+1)
		if t.preparing() {
			return prompt(w.to, w.refused(kerr.ConcurrentTransactions))
		}
		return w.again(now)
	}
	return coord.Effects{}
}

func prompt(to coord.Caller, response any) coord.Effects {
	return coord.Effects{Prompt: []coord.Reply{{To: to, Response: response}}}
}

func reply(to coord.Caller, response any) coord.Effects {
	return coord.Effects{Replies: []coord.Reply{{To: to, Response: response}}}
}

// Abandon implements coord.Machine.
func (m *Machine) Abandon() []coord.Caller {
	var waiting []coord.Caller
	for _, id := range m.ids() {
		for _, w := range m.transactions[id].waiting {
			waiting = append(waiting, w.to)
		}
	}
	return waiting
}

// expire forgets the ids that have not been used for long.
func (m *Machine) expire(now time.Time) coord.Effects {
	var e coord.Effects
	for _, id := range m.ids() {
		t := m.transactions[id]
		if t.state != Ongoing && !t.preparing() && now.UnixMilli()-t.updatedMs >= m.cfg.Expiration.Milliseconds() {
			e.Records = append(e.Records, tombstone(id))
		}
	}
	return e
}

// ids are the transactional ids in order.
func (m *Machine) ids() []string {
	ids := make([]string, 0, len(m.transactions))
	for id := range m.transactions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
