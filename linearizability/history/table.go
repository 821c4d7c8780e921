package history

import (
	"errors"
	"fmt"
	"io"
)

// A Partition names a partition of a topic.
type Partition struct {
	Topic string
	Index int32
}

// String is "t0-2", as Kafka's own logs write it.
func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// A Table is a history whose events have been paired and numbered: what every checker starts from. It holds each send once
// and four bytes for each record that a poll returned.
type Table struct {
	Header     Header
	Operations int         // begun, of all kinds
	Sends      []SendOp    // in the order of their invokes in the history
	Reads      []ReadStep  // in the order of their completions in the history; a consumer's are in its own order
	Ends       []OffsetsOp // successful ones, in the order of their completions
	Deletes    []DeleteOp  // in the order of their invokes
	Owns       []OwnOp     // in the order of their invokes
	Commits    []CommitOp  // in the order of their invokes
	Committed  []CommitOp  // successful questions for what is committed, in the order of their completions
	Takes      []TakeStep  // in the order of their completions
	Settles    []SettleOp  // in the order of their invokes
	Txns       []TxnOp     // in the order in which they came up
	Views      []ViewStep  // in the order of their completions
	Viewed     bool        // a final reader of committed records came to its end
	txns       map[string]int
	values     []string // by ValueID
	sendOf     []int32  // by ValueID: index into Sends, -1 for a value that nobody sent
	ids        map[string]ValueID
}

// A ValueID stands for a value of the history.
type ValueID int32

// A SendOp is a send from its beginning to its end.
type SendOp struct {
	Process    string
	ID         int64
	Asked      Partition // Index -1 left the choice to the client
	Key        string
	Value      ValueID
	Acks       Acks
	Idempotent bool
	Tombstone  bool    // it has no value: it says that its key is no more
	Txn        int     // index into Txns, -1 outside of any
	Copies     ValueID // the value that it is a copy of, -1 for none
	Invoked    int64
	Outcome    Type  // OK, Fail or Info; Info also when no end is in the history
	Done       int64 // time of the outcome; meaningless when Ended is false
	Ended      bool  // an event says how it ended
	Partition  int32 // of an OK
	Offset     int64 // of an OK; -1 when the answer had none
	Error      string
}

// Acknowledged is true of a send that a replica or all confirmed.
func (s *SendOp) Acknowledged() bool { return s.Outcome == OK && s.Acks != AcksNone }

// Place is the partition that the record went to; ok is false while that is unknown.
func (s *SendOp) Place() (p Partition, ok bool) {
	if s.Outcome == OK {
		return Partition{s.Asked.Topic, s.Partition}, true
	}
	return s.Asked, s.Asked.Index >= 0
}

// Events gives back the events that the send was made of.
func (s *SendOp) Events(t *Table) []Event {
	begun := Event{Time: s.Invoked, Process: s.Process, Type: Invoke, Op: Send, ID: s.ID, Topic: s.Asked.Topic,
		Partition: s.Asked.Index, Key: s.Key, Value: t.Value(s.Value), Acks: s.Acks, Idempotent: s.Idempotent, Tombstone: s.Tombstone}
	if s.Txn >= 0 {
		begun.Txn = t.Txns[s.Txn].Name
	}
	if s.Copies >= 0 {
		begun.Copies = t.Value(s.Copies)
	}
	if !s.Ended {
		return []Event{begun}
	}
	return []Event{begun, {Time: s.Done, Process: s.Process, Type: s.Outcome, Op: Send, ID: s.ID,
		Partition: s.Partition, Offset: s.Offset, Error: s.Error}}
}

// A ReadStep is one thing that happened to a consumer's position in one partition: it was assigned, or a run was read.
type ReadStep struct {
	Process   string
	ID        int64 // of the assign or poll
	Invoked   int64
	Done      int64
	Partition Partition
	Assign    bool      // else a run
	First     bool      // the first step of its assign: positions of the assign before are gone
	Final     bool      // of an assign: a final read
	Offset    int64     // of the assign's position, or of the run's first record
	Values    []ValueID // of the run
	After     int64     // position after the run
}

// Event gives back the poll or assign, cut down to at most one record around an offset.
func (s *ReadStep) Event(t *Table, offset int64) Event {
	if s.Assign {
		return Event{Time: s.Invoked, Process: s.Process, Type: Invoke, Op: Assign, ID: s.ID, Final: s.Final,
			Positions: []Position{{Topic: s.Partition.Topic, Partition: s.Partition.Index, Offset: s.Offset}}}
	}
	run := Run{Topic: s.Partition.Topic, Partition: s.Partition.Index, Offset: s.Offset, Next: s.After, Values: []string{}}
	if i := offset - s.Offset; i >= 0 && i < int64(len(s.Values)) {
		run.Offset, run.Next, run.Values = offset, 0, []string{t.Value(s.Values[i])}
	}
	return Event{Time: s.Done, Process: s.Process, Type: OK, Op: Poll, ID: s.ID, Runs: []Run{run}}
}

// An OffsetsOp is a successful answer of where a partition begins and ends.
type OffsetsOp struct {
	Process    string
	ID         int64
	Invoked    int64
	Done       int64
	Partition  Partition
	Start, End int64
}

// Event gives back the operation's end.
func (o *OffsetsOp) Event() Event {
	return Event{Time: o.Done, Process: o.Process, Type: OK, Op: Offsets, ID: o.ID, Start: o.Start, End: o.End}
}

// A DeleteOp is a request to delete what lies before an offset.
type DeleteOp struct {
	Process   string
	ID        int64
	Invoked   int64
	Done      int64 // when OK
	Partition Partition
	Offset    int64 // the first that is to stay
	OK        bool  // done, and known to be
	Low       int64 // the low watermark that was answered, when OK
}

// Events gives back the events that the request was made of.
func (d *DeleteOp) Events() []Event {
	begun := Event{Time: d.Invoked, Process: d.Process, Type: Invoke, Op: Delete, ID: d.ID, Topic: d.Partition.Topic,
		Partition: d.Partition.Index, Offset: d.Offset}
	if !d.OK {
		return []Event{begun}
	}
	return []Event{begun, {Time: d.Done, Process: d.Process, Type: OK, Op: Delete, ID: d.ID, Start: d.Low}}
}

// A TxnOp is a transaction, and how it was to end.
type TxnOp struct {
	Name    string
	Process string
	Sends   []int // indexes into Sends, in order
	Asked   bool  // an end was asked for
	Commit  bool  // which
	ID      int64 // of the end
	Invoked int64 // likewise
	Done    int64 // when Outcome is not Info
	Outcome Type  // OK: as asked; Fail: aborted; Info: unknown, or never asked for
}

// Committed and Aborted say what is known for sure. A transaction whose end nobody asked for may be ended by the broker, which aborts it.
func (x *TxnOp) Committed() bool { return x.Outcome == OK && x.Commit }

// Aborted is explained at Committed.
func (x *TxnOp) Aborted() bool { return x.Outcome == Fail || x.Outcome == OK && !x.Commit || !x.Asked }

// Events gives back the events of the end.
func (x *TxnOp) Events() []Event {
	if !x.Asked {
		return nil
	}
	events := []Event{{Time: x.Invoked, Process: x.Process, Type: Invoke, Op: EndTxn, ID: x.ID, Txn: x.Name, Commit: x.Commit}}
	if x.Outcome != Info {
		events = append(events, Event{Time: x.Done, Process: x.Process, Type: x.Outcome, Op: EndTxn, ID: x.ID})
	}
	return events
}

// A ViewStep is a run of committed records that a reader was given.
type ViewStep struct {
	Process   string
	ID        int64
	Done      int64
	Final     bool
	Partition Partition
	Offset    int64
	Values    []ValueID
}

// Event gives back the view, cut down to the record at an offset.
func (v *ViewStep) Event(t *Table, offset int64) Event {
	return Event{Time: v.Done, Process: v.Process, Type: OK, Op: View, ID: v.ID, Runs: t.oneRecord(v.Partition, offset, v.Values[offset-v.Offset])}
}

// An OwnOp is a partition in the hands of a member.
type OwnOp struct {
	Process    string
	ID         int64
	Group      string
	Generation int32
	Partition  Partition
	Invoked    int64
}

// Event gives back the operation's beginning.
func (o *OwnOp) Event() Event {
	return Event{Time: o.Invoked, Process: o.Process, Type: Invoke, Op: Own, ID: o.ID, Group: o.Group, Generation: o.Generation,
		Topic: o.Partition.Topic, Partition: o.Partition.Index}
}

// A CommitOp is a commit, or an answer of what is committed, which has no generation and is always OK.
type CommitOp struct {
	Process    string
	ID         int64
	Group      string
	Generation int32
	Positions  []Position
	Invoked    int64
	Outcome    Type  // OK, Fail or Info; Info also when no end is in the history
	Done       int64 // time of the outcome, when Ended
	Ended      bool
	Error      string
	asked      bool
}

// Offset is what is committed of a partition; -1 for nothing.
func (c *CommitOp) Offset(p Partition) int64 {
	for _, at := range c.Positions {
		if at.Topic == p.Topic && at.Partition == p.Index {
			return at.Offset
		}
	}
	return -1
}

// Events gives back the events that the operation was made of, cut down to a partition.
func (c *CommitOp) Events(p Partition) []Event {
	position := []Position{}
	if offset := c.Offset(p); offset >= 0 {
		position = append(position, Position{Topic: p.Topic, Partition: p.Index, Offset: offset})
	}
	if c.asked {
		return []Event{{Time: c.Done, Process: c.Process, Type: OK, Op: Committed, ID: c.ID, Positions: position}}
	}
	begun := Event{Time: c.Invoked, Process: c.Process, Type: Invoke, Op: Commit, ID: c.ID, Group: c.Group, Generation: c.Generation, Positions: position}
	if !c.Ended {
		return []Event{begun}
	}
	return []Event{begun, {Time: c.Done, Process: c.Process, Type: c.Outcome, Op: Commit, ID: c.ID, Error: c.Error}}
}

// A TakeStep is a run of records that a member of a share group acquired.
type TakeStep struct {
	Process   string
	ID        int64
	Group     string
	Invoked   int64
	Done      int64
	Partition Partition
	Offset    int64
	// LeaderEpoch is as in Run.
	LeaderEpoch int32
	Values      []ValueID
}

// Event gives back the end of the operation, cut down to the record at an offset.
func (s *TakeStep) Event(t *Table, offset int64) Event {
	taken := t.oneRecord(s.Partition, offset, s.Values[offset-s.Offset])
	taken[0].LeaderEpoch = s.LeaderEpoch
	return Event{Time: s.Done, Process: s.Process, Type: OK, Op: Take, ID: s.ID, Runs: taken}
}

// A SettleOp is a member of a share group being done with records for good.
type SettleOp struct {
	Process   string
	ID        int64
	Group     string
	Positions []Position
	Invoked   int64
	Outcome   Type  // OK, Fail or Info; Info also when no end is in the history
	Done      int64 // when Outcome is OK
}

// Events gives back the events of a settlement that was accepted, cut down to a record.
func (s *SettleOp) Events(at Position) []Event {
	return []Event{
		{Time: s.Invoked, Process: s.Process, Type: Invoke, Op: Settle, ID: s.ID, Group: s.Group, Positions: []Position{at}},
		{Time: s.Done, Process: s.Process, Type: OK, Op: Settle, ID: s.ID},
	}
}

func (t *Table) oneRecord(p Partition, offset int64, v ValueID) []Run {
	return []Run{{Topic: p.Topic, Partition: p.Index, Offset: offset, Values: []string{t.Value(v)}}}
}

// Value is the text of a value.
func (t *Table) Value(v ValueID) string { return t.values[v] }

// Values is how many different values the history has.
func (t *Table) Values() int { return len(t.values) }

// SendOf is the index in Sends of the send of a value, or -1.
func (t *Table) SendOf(v ValueID) int { return int(t.sendOf[v]) }

// Collect reads a history to its end.
func Collect(r io.Reader) (*Table, error) {
	h, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	c := newCollector(h.Header())
	for {
		e, err := h.Next()
		if err == io.EOF {
			return c.table, nil
		}
		if err == nil {
			if err = c.add(&e); err != nil {
				err = h.malformed(err)
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// opKey names an operation.
type opKey struct {
	process string
	id      int64
}

// collector pairs events. Open operations are kept as their first event, sends as their index.
type collector struct {
	table   *Table
	sends   map[opKey]int
	deletes map[opKey]int
	commits map[opKey]int
	settles map[opKey]int
	open    map[opKey]Event
}

func newCollector(h Header) *collector {
	return &collector{
		table: &Table{Header: h, ids: map[string]ValueID{}, txns: map[string]int{}},
		sends: map[opKey]int{}, deletes: map[opKey]int{}, commits: map[opKey]int{}, settles: map[opKey]int{}, open: map[opKey]Event{},
	}
}

func (c *collector) add(e *Event) error {
	key := opKey{e.Process, e.ID}
	if e.Type == Invoke {
		c.table.Operations++
		if e.Op == Send {
			c.sends[key] = len(c.table.Sends)
			return c.beginSend(e)
		}
		switch e.Op {
		case Own:
			c.table.Owns = append(c.table.Owns, OwnOp{Process: e.Process, ID: e.ID, Group: e.Group, Generation: e.Generation,
				Partition: Partition{e.Topic, e.Partition}, Invoked: e.Time})
		case Commit:
			c.commits[key] = len(c.table.Commits)
			c.table.Commits = append(c.table.Commits, CommitOp{Process: e.Process, ID: e.ID, Group: e.Group, Generation: e.Generation,
				Positions: e.Positions, Invoked: e.Time, Outcome: Info})
		case Settle:
			c.settles[key] = len(c.table.Settles)
			c.table.Settles = append(c.table.Settles, SettleOp{Process: e.Process, ID: e.ID, Group: e.Group, Positions: e.Positions, Invoked: e.Time, Outcome: Info})
		case Delete:
			c.deletes[key] = len(c.table.Deletes)
			c.table.Deletes = append(c.table.Deletes, DeleteOp{Process: e.Process, ID: e.ID, Invoked: e.Time,
				Partition: Partition{e.Topic, e.Partition}, Offset: e.Offset})
		}
		if e.Op == EndTxn {
			x := c.txn(e.Txn, e.Process)
			x.Asked, x.Commit, x.ID, x.Invoked = true, e.Commit, e.ID, e.Time
		}
		c.open[key] = *e
		return nil
	}
	if e.Op == Send {
		s := &c.table.Sends[c.sends[key]]
		delete(c.sends, key)
		s.Outcome, s.Done, s.Ended, s.Error = e.Type, e.Time, true, e.Error
		if e.Type == OK {
			s.Partition, s.Offset = e.Partition, e.Offset
		}
		return nil
	}
	begun := c.open[key]
	delete(c.open, key)
	if e.Op == Commit {
		op := &c.table.Commits[c.commits[key]]
		op.Outcome, op.Done, op.Ended, op.Error = e.Type, e.Time, true, e.Error
		return nil
	}
	if e.Op == Settle {
		op := &c.table.Settles[c.settles[key]]
		op.Outcome, op.Done = e.Type, e.Time
		return nil
	}
	if e.Op == EndTxn {
		x := c.txn(begun.Txn, e.Process)
		x.Outcome, x.Done = e.Type, e.Time
	}
	if e.Type == OK {
		c.done(&begun, e)
	}
	return nil
}

// txn is the transaction of a name.
func (c *collector) txn(name, process string) *TxnOp {
	t := c.table
	i, ok := t.txns[name]
	if !ok {
		i = len(t.Txns)
		t.txns[name] = i
		t.Txns = append(t.Txns, TxnOp{Name: name, Process: process, Outcome: Info})
	}
	return &t.Txns[i]
}

func (c *collector) beginSend(e *Event) error {
	v := c.value(e.Value)
	if c.table.sendOf[v] >= 0 {
		return fmt.Errorf("value %q was sent before: values are unique in a history", e.Value)
	}
	if len(c.table.Sends) >= 1<<31-1 {
		return errors.New("more sends than the checkers can number")
	}
	txn, copies := -1, ValueID(-1)
	if e.Txn != "" {
		x := c.txn(e.Txn, e.Process)
		x.Sends = append(x.Sends, len(c.table.Sends))
		txn = c.table.txns[e.Txn]
	}
	if e.Copies != "" {
		copies = c.value(e.Copies)
	}
	c.table.sendOf[v] = int32(len(c.table.Sends))
	c.table.Sends = append(c.table.Sends, SendOp{
		Txn: txn, Copies: copies,
		Process: e.Process, ID: e.ID, Asked: Partition{e.Topic, e.Partition}, Key: e.Key, Value: v, Acks: e.Acks,
		Idempotent: e.Idempotent, Tombstone: e.Tombstone, Invoked: e.Time, Outcome: Info, Partition: -1, Offset: -1,
	})
	return nil
}

// done takes the successful end of an operation that is no send.
func (c *collector) done(begun, e *Event) {
	t := c.table
	switch e.Op {
	case Assign:
		for i, p := range begun.Positions {
			t.Reads = append(t.Reads, ReadStep{Process: e.Process, ID: e.ID, Invoked: begun.Time, Done: e.Time, Assign: true,
				First: i == 0, Final: begun.Final, Partition: Partition{p.Topic, p.Partition}, Offset: p.Offset, After: p.Offset})
		}
	case Poll:
		for _, r := range e.Runs {
			t.Reads = append(t.Reads, ReadStep{Process: e.Process, ID: e.ID, Invoked: begun.Time, Done: e.Time,
				Partition: Partition{r.Topic, r.Partition}, Offset: r.Offset, Values: c.valuesOf(r), After: r.After()})
		}
	case View:
		t.Viewed = t.Viewed || begun.Final
		for _, r := range e.Runs {
			t.Views = append(t.Views, ViewStep{Process: e.Process, ID: e.ID, Done: e.Time, Final: begun.Final,
				Partition: Partition{r.Topic, r.Partition}, Offset: r.Offset, Values: c.valuesOf(r)})
		}
	case Take:
		for _, r := range e.Runs {
			t.Takes = append(t.Takes, TakeStep{Process: e.Process, ID: e.ID, Group: begun.Group, Invoked: begun.Time, Done: e.Time,
				Partition: Partition{r.Topic, r.Partition}, Offset: r.Offset, LeaderEpoch: r.LeaderEpoch, Values: c.valuesOf(r)})
		}
	case Committed:
		t.Committed = append(t.Committed, CommitOp{Process: e.Process, ID: e.ID, Group: begun.Group, Positions: e.Positions,
			Invoked: begun.Time, Outcome: OK, Done: e.Time, Ended: true, asked: true})
	case Delete:
		d := &t.Deletes[c.deletes[opKey{e.Process, e.ID}]]
		d.OK, d.Done, d.Low = true, e.Time, e.Start
	case Offsets:
		t.Ends = append(t.Ends, OffsetsOp{Process: e.Process, ID: e.ID, Invoked: begun.Time, Done: e.Time,
			Partition: Partition{begun.Topic, begun.Partition}, Start: e.Start, End: e.End})
	}
}

// valuesOf are the values of a run; nil for none.
func (c *collector) valuesOf(r Run) (values []ValueID) {
	for _, text := range r.Values {
		values = append(values, c.value(text))
	}
	return values
}

func (c *collector) value(text string) ValueID {
	t := c.table
	if v, ok := t.ids[text]; ok {
		return v
	}
	v := ValueID(len(t.values))
	t.ids[text] = v
	t.values = append(t.values, text)
	t.sendOf = append(t.sendOf, -1)
	return v
}
