package txn

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"

	"odradek/broker/coord"
)

// client is a producer as it sees itself.
type client struct {
	name     string
	version  int16
	claim    Claim // what it was last told; ProducerID -1 for nothing
	fenced   bool  // another got the transactional id after this one
	asked    string
	askedIn  bool               // it was not fenced when it asked
	adding   []Partition        // under way
	added    map[Partition]bool // acknowledged in the transaction that is open for it
	deciding map[Partition]bool // what it asked to end
	commits  bool
	unsure   bool // it does not know whether that was done, and asks for nothing else
}

// rules watches a machine from outside: what clients are told, what is in the log, and which markers are sent.
type rules struct {
	t       *rapid.T
	w       *world
	clients []*client
	// committed is how much of the log can't be lost any more.
	committed int
	// transactions counts those that were begun at the id; outcome is what was carried out of each.
	transactions int
	outcome      map[int]bool
}

func newRules(t *rapid.T) *rules {
	r := &rules{t: t, w: newWorld(), outcome: map[int]bool{}}
	for i := range 3 {
		r.clients = append(r.clients, &client{name: fmt.Sprint("c", i), version: int16(2 * (i % 2)), claim: Claim{"x", -1, -1}, added: map[Partition]bool{}})
	}
	r.w.answered = r.answered
	r.w.replayed = func(before, after *transaction) {
		if after == nil {
			return
		}
		r.follows(before, after)
	}
	return r
}

// follows holds a record to the one before it.
func (r *rules) follows(before, after *transaction) {
	from := Empty
	if before != nil {
		from = before.state
		if before.producer == after.producer && after.epoch < before.epoch {
			r.t.Fatalf("epoch goes back from %d to %d", before.epoch, after.epoch)
		}
	}
	switch after.state {
	case Ongoing:
		if from == PrepareCommit || from == PrepareAbort {
			r.t.Fatalf("a transaction begins while another is being ended")
		}
		if from != Ongoing {
			r.transactions++
		}
	case CompleteCommit:
		if from != PrepareCommit {
			r.t.Fatalf("%v becomes CompleteCommit", from)
		}
	case CompleteAbort:
		if from != PrepareAbort {
			r.t.Fatalf("%v becomes CompleteAbort", from)
		}
	case PrepareCommit:
		if from != Ongoing {
			r.t.Fatalf("%v becomes PrepareCommit", from)
		}
	case Empty:
		if from == Ongoing || from == PrepareAbort || from == PrepareCommit {
			r.t.Fatalf("%v becomes Empty", from)
		}
	}
	if (after.state == Ongoing || after.state == PrepareAbort || after.state == PrepareCommit) != (len(after.partitions) > 0) && after.state != PrepareAbort {
		r.t.Fatalf("%v with partitions %v", after.state, after.sorted())
	}
}

// answered takes in what a client is told.
func (r *rules) answered(who string, response any) {
	for _, c := range r.clients {
		if c.name == who {
			r.told(c, response)
		}
	}
}

func (r *rules) told(c *client, response any) {
	asked, wasIn := c.asked, c.askedIn
	c.asked = ""
	switch said := response.(type) {
	case *kerr.Error:
		c.unsure = c.unsure || asked == "end"
		if said == nil && asked == "add" {
			r.mustNotBeFenced(c, wasIn)
			for _, p := range c.adding {
				c.added[p] = true
			}
		}
	case Producing:
		c.unsure = asked == "end" && (said.Err == kerr.ConcurrentTransactions)
		if said.Err != nil {
			if asked == "end" && !c.unsure {
				c.added = map[Partition]bool{}
			}
			return
		}
		switch asked {
		case "init":
			for _, other := range r.clients {
				other.fenced = other != c
			}
			c.added = map[Partition]bool{}
		case "end":
			r.mustNotBeFenced(c, wasIn)
			c.added = map[Partition]bool{}
		}
		c.claim.ProducerID, c.claim.ProducerEpoch = said.ProducerID, said.ProducerEpoch
	}
}

func (r *rules) mustNotBeFenced(c *client, wasIn bool) {
	if !wasIn {
		r.t.Fatalf("%s succeeds though another has taken its place", c.name)
	}
}

// noteSent checks the markers that are on their way.
func (r *rules) noteSent() {
	if len(r.w.sent) == 0 {
		return
	}
	e := r.w.sent[len(r.w.sent)-1]
	if was, known := r.outcome[r.transactions]; known && was != e.Committed && len(e.Partitions) > 0 {
		r.t.Fatalf("transaction %d is both committed and aborted", r.transactions)
	}
	if len(e.Partitions) > 0 {
		r.outcome[r.transactions] = e.Committed
	}
	has := map[Partition]bool{}
	for _, p := range e.Partitions {
		has[p] = true
	}
	for _, c := range r.clients {
		if c.fenced || c.asked != "" && c.asked != "end" {
			continue
		}
		for p := range c.deciding {
			if !has[p] && e.Committed && c.commits {
				r.t.Fatalf("%s added %v, whose marker is not sent: %v", c.name, p, e.Partitions)
			}
		}
	}
}

func (r *rules) settle() {
	if !r.w.held {
		r.committed = len(r.w.log)
	}
	r.noteSent()
}

func (r *rules) pick(t *rapid.T) *client {
	return r.clients[rapid.IntRange(0, len(r.clients)-1).Draw(t, "client")]
}

func (r *rules) ask(c *client, what string, decide func(to coord.Caller) coord.Effects) {
	if c.asked != "" {
		return // it has a request under way
	}
	c.asked, c.askedIn = what, !c.fenced
	r.w.perform(decide(caller{r.w, c.name}))
}

func (r *rules) init(t *rapid.T) {
	c := r.pick(t)
	req := InitRequest{TransactionalID: "x", TimeoutMs: 5_000, ProducerID: -1, ProducerEpoch: -1, Fresh: r.w.fresh}
	r.w.fresh++
	if c.claim.ProducerID >= 0 && rapid.Bool().Draw(t, "resumes") {
		req.ProducerID, req.ProducerEpoch = c.claim.ProducerID, c.claim.ProducerEpoch
	}
	r.ask(c, "init", func(to coord.Caller) coord.Effects { return r.w.machine.Init(to, req, r.w.now) })
}

func (r *rules) add(t *rapid.T) {
	c := r.pick(t)
	if c.claim.ProducerID < 0 || c.asked != "" || c.unsure {
		return
	}
	c.adding = []Partition{{"t", rapid.Int32Range(0, 3).Draw(t, "partition")}}
	r.ask(c, "add", func(to coord.Caller) coord.Effects {
		return r.w.machine.Add(to, c.claim, c.adding, c.version, r.w.now)
	})
}

func (r *rules) end(t *rapid.T) {
	c := r.pick(t)
	if c.claim.ProducerID < 0 || c.asked != "" {
		return
	}
	req := EndRequest{Claim: c.claim, Commit: rapid.Bool().Draw(t, "commit"), Version: c.version, Fresh: r.w.fresh}
	r.w.fresh++
	if c.unsure {
		req.Commit = c.commits
	}
	c.commits, c.deciding = req.Commit, c.added
	r.ask(c, "end", func(to coord.Caller) coord.Effects { return r.w.machine.End(to, req, r.w.now) })
}

// TestTransactionsAreWhole: whatever clients ask, whatever is lost or refused, and however often the coordinator moves, a
// transaction is carried out in one way only, with a marker for every partition that was acknowledged to be in it, and who was
// fenced does not succeed.
func TestTransactionsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRules(t)
		if rapid.Bool().Draw(t, "near the last epoch") {
			r.w.machine.transactions["x"] = &transaction{id: "x", producer: 999, epoch: epochExhausted - 2, lastEpoch: none, lastEpochThen: none,
				previous: none, next: none, startMs: none, partitions: map[Partition]bool{}}
			r.w.log = append(r.w.log, r.w.machine.transactions["x"].record())
		}
		t.Repeat(map[string]func(*rapid.T){
			"init": r.init, "add": r.add, "add more": r.add, "end": r.end, "end again": r.end,
			"written": func(*rapid.T) {
				if len(r.w.sent) > 0 {
					e := r.w.sent[0]
					r.w.sent = r.w.sent[1:]
					r.w.perform(r.w.machine.Ended(e, r.w.now))
				}
			},
			"undelivered": func(*rapid.T) {
				if len(r.w.sent) > 0 {
					e := r.w.sent[0]
					r.w.sent = r.w.sent[1:]
					r.w.perform(r.w.machine.Undelivered(e, r.w.now))
				}
			},
			"wait": func(t *rapid.T) {
				r.w.advance(time.Duration(rapid.IntRange(1, 3_000).Draw(t, "ms")) * time.Millisecond)
			},
			"hold":   func(*rapid.T) { r.w.held = true },
			"caught": func(*rapid.T) { r.w.release() },
			"refuse": func(t *rapid.T) {
				r.w.refusal = nil
				if rapid.Bool().Draw(t, "refuses") {
					r.w.refusal = kerr.CoordinatorNotAvailable
				}
			},
			"failover": func(t *rapid.T) {
				lost := rapid.IntRange(0, len(r.w.log)-r.committed).Draw(t, "lost")
				r.w.refusal = nil
				for i := len(r.w.log) - lost; i < len(r.w.log); i++ {
					r.unbegin(i)
				}
				r.w.failover(lost)
			},
			"": func(*rapid.T) { r.settle() },
		})
	})
}

// unbegin forgets a transaction whose first record is lost.
func (r *rules) unbegin(i int) {
	state := func(i int) State {
		if i < 0 {
			return Empty
		}
		t, err := decode("x", r.w.log[i].Value)
		if err != nil {
			r.t.Fatal(err)
		}
		return t.state
	}
	if state(i) == Ongoing && state(i-1) != Ongoing {
		r.transactions--
	}
}
