package history

import (
	"fmt"
	"slices"
	"strings"
)

// Version is the version of the format that this package reads and writes.
const Version = 1

// Type says whether an event begins an operation, or how it ended.
type Type string

// The types of event.
const (
	Invoke Type = "invoke" // begun
	OK     Type = "ok"     // done, and known to be
	Fail   Type = "fail"   // not done, and known not to be: it never takes effect
	Info   Type = "info"   // ended without knowing; so is an operation that has no second event
)

// Op is what a process does.
type Op string

// The operations.
const (
	Send    Op = "send"    // one record
	Assign  Op = "assign"  // a consumer takes partitions and their positions, instead of those that it had
	Poll    Op = "poll"    // one return of a consumer's poll
	Offsets Op = "offsets" // ListOffsets: the beginning and the end of a partition
	Delete  Op = "delete"  // DeleteRecords: everything of a partition before an offset
	EndTxn  Op = "end"     // of a transaction
	View    Op = "view"    // one return of a poll for committed records only
	// Own is a partition in the hands of a group's member, from when it was told so to when it was told otherwise.
	Own       Op = "own"
	Commit    Op = "commit"    // a member commits offsets
	Committed Op = "committed" // OffsetFetch: what a group has committed; of a share group, where it starts
	Take      Op = "take"      // a member of a share group acquires records
	Settle    Op = "settle"    // a member of a share group is done with records: it accepts or rejects them
)

// reserved are names of operations to come; they are refused like unknown ones, in other words.
var reserved = []string{"begin", "join", "leave"}

// Acks is what a send waits for, as in the Produce request.
type Acks int8

// The values of acks.
const (
	AcksNone Acks = 0
	AcksOne  Acks = 1
	AcksAll  Acks = -1
)

// Start and Latest are positions of an assign that name no offset.
const (
	PositionEarliest int64 = -2
	PositionLatest   int64 = -1
)

// A Header is the first line of a history.
type Header struct {
	Version  int      `json:"odradek_history"`
	Run      string   `json:"run,omitempty"` // where it comes from, for people: "seed 7", a command, a date
	Promises Promises `json:"promises"`
}

// An Event is one line of a history. Which fields an event has depends on its type and operation; the others are zero:
//
//	send    invoke  Topic, Partition (-1 leaves the choice to the client), Value, Acks, Idempotent; Key if any; Tombstone if the
//	                record has no value: it is then known by what a header of it says, which is unique as a value is; Txn if
//	                it is sent in a transaction, Copies if it is a copy of another record: that one's value
//	        ok      Partition, Offset (-1 when the answer carries none: acks=0, or a duplicate that the broker knew)
//	assign  invoke  Positions; Final for the reader that goes through everything after healing
//	        ok      nothing
//	poll    invoke  nothing
//	        ok      Runs
//	offsets invoke  Topic, Partition
//	        ok      Start, End: the first offset, and the one after the last that a consumer can read
//	delete  invoke  Topic, Partition, Offset: the first that is to stay
//	        ok      Start: the low watermark of the answer
//	end     invoke  Txn, Commit: whether it is to be committed, or aborted
//	        ok      nothing: it is done as asked
//	        fail    it was aborted
//	view    invoke  Final for the reader that goes through everything after healing
//	        ok      Runs
//	own     invoke  Group, Generation (the member's when it was told), Topic, Partition
//	        ok      nothing
//	commit  invoke  Group, Generation, Positions: of each partition, the first offset that is not done with
//	        ok      nothing
//	committed  invoke  Group
//	        ok      Positions: of the partitions that have a committed offset
//	take    invoke  Group
//	        ok      Runs: what was acquired
//	settle  invoke  Group, Positions: each record
//	        ok      nothing
//	any     fail, info   Error, in words or as Kafka names it
type Event struct {
	Time    int64  // nanoseconds since the run began; does not decrease within a process
	Process string // unique in the history: a client that restarts is another process
	Type    Type
	Op      Op
	ID      int64 // of the operation: counts up from 1 within the process

	Topic      string
	Partition  int32
	Key        string
	Value      string // unique among all sends of the history
	Acks       Acks
	Idempotent bool
	Tombstone  bool
	Offset     int64

	Positions []Position
	Final     bool
	Runs      []Run

	Start, End int64

	Txn        string // unique in the history
	Copies     string
	Commit     bool
	Group      string
	Generation int32

	Error string
}

// A Position is where a consumer starts in a partition: an offset, PositionEarliest or PositionLatest. LeaderEpoch is, where a record is
// settled, the epoch of the leader that was asked, as far as the member knew.
type Position struct {
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Offset      int64  `json:"offset"`
	LeaderEpoch int32  `json:"leader_epoch,omitempty"`
}

// A Run is records of one partition at consecutive offsets, as a poll returned them. Records that do not follow one another
// are several runs. Next, when not zero, is the consumer's position after the run, if that is further than the record
// after the last: what lies between are offsets without a record, such as those of control batches. LeaderEpoch is, where records are
// taken, the epoch of the leader that gave them, as far as the member knew.
type Run struct {
	Topic       string   `json:"topic"`
	Partition   int32    `json:"partition"`
	Offset      int64    `json:"offset"` // of the first value; the position found, when there is none
	Next        int64    `json:"next,omitempty"`
	LeaderEpoch int32    `json:"leader_epoch,omitempty"`
	Values      []string `json:"values"`
}

// After is the consumer's position after the run.
func (r Run) After() int64 { return max(r.Next, r.Offset+int64(len(r.Values))) }

// field is a set of the fields that depend on type and operation.
type field uint

const (
	fTopic field = 1 << iota
	fPartition
	fKey
	fValue
	fAcks
	fIdempotent
	fOffset
	fPositions
	fFinal
	fRecords
	fStart
	fEnd
	fError
	fTombstone
	fTxn
	fCopies
	fCommit
	fGroup
	fGeneration
)

// fieldNames follows the bits of field; they are the names in a line.
var fieldNames = []string{"topic", "partition", "key", "value", "acks", "idempotent", "offset", "positions", "final", "records",
	"start", "end", "error", "tombstone", "txn", "copies", "commit", "group",
	"generation"}

func (set field) names() string {
	var names []string
	for i, name := range fieldNames {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// A shape is what the events of one operation and type carry besides t, process, type, op and id.
type shape struct{ required, optional field }

// shapeOf is the table in Event's comment. ok is false for an unknown operation or type.
func shapeOf(op Op, typ Type) (s shape, err error) {
	if !slices.Contains([]Type{Invoke, OK, Fail, Info}, typ) {
		return shape{}, fmt.Errorf("type %q: allowed are invoke, ok, fail, info", string(typ))
	}
	var begin, done shape
	switch op {
	case Send:
		begin = shape{fTopic | fPartition | fValue | fAcks | fIdempotent, fKey | fTombstone | fTxn | fCopies}
		done = shape{fPartition | fOffset, 0}
	case Assign:
		begin = shape{fPositions, fFinal}
	case Poll:
		done = shape{fRecords, 0}
	case Offsets:
		begin = shape{fTopic | fPartition, 0}
		done = shape{fStart | fEnd, 0}
	case Own:
		begin = shape{fGroup | fGeneration | fTopic | fPartition, 0}
	case Commit:
		begin = shape{fGroup | fGeneration | fPositions, 0}
	case Committed:
		begin = shape{fGroup, 0}
		done = shape{fPositions, 0}
	case Take:
		begin = shape{fGroup, 0}
		done = shape{fRecords, 0}
	case Settle:
		begin = shape{fGroup | fPositions, 0}
	case Delete:
		begin = shape{fTopic | fPartition | fOffset, 0}
		done = shape{fStart, 0}
	case EndTxn:
		begin = shape{fTxn | fCommit, 0}
	case View:
		begin = shape{0, fFinal}
		done = shape{fRecords, 0}
	default:
		if slices.Contains(reserved, string(op)) {
			return shape{}, fmt.Errorf("op %q is reserved, version %d has no such operation", string(op), Version)
		}
		return shape{}, fmt.Errorf("op %q: allowed are send, assign, poll, offsets, delete, end, view, own, commit, committed, take, settle", string(op))
	}
	switch typ {
	case Invoke:
		return begin, nil
	case OK:
		return done, nil
	}
	return shape{fError, 0}, nil
}
