package coord

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Record is one record of the internal topic. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

// Caller is whoever asked. Exactly one of its methods is called, once, from any goroutine; none may block or call back into
// the shard.
type Caller interface {
	// Answer hands over what the machine decided; its type is the machine's business.
	Answer(response any)
	// Refuse says why there is no answer: a coordinator's error, such as NOT_COORDINATOR.
	Refuse(err *kerr.Error)
}

// Reply is an answer on its way.
type Reply struct {
	To       Caller
	Response any
}

// Effects are what a machine decided.
type Effects struct {
	// Records are appended together, or not at all.
	Records []Record
	// Producer, when set, is in whose transaction Records are: they are given to ReplayPending.
	Producer *Producer
	// Applied says that the state holds the records already; otherwise each is given to Replay once it is appended.
	Applied bool
	// Refused, when set, is called if the records could not be appended, with the error that callers are to be told:
	// it undoes what Applied says and returns what there is to do instead of Replies.
	Refused func(err *kerr.Error, now time.Time) Effects
	// Replies leave when everything is committed that the machine knew of, Records included.
	Replies []Reply
	// Prompt replies leave at once: they tell of nothing that is in the log.
	Prompt []Reply

	// marker ends a transaction, instead of records.
	marker *Marker
}

// Add appends the replies of another decision; records stay those of e.
func (e *Effects) Add(replies Effects) {
	if len(replies.Records) > 0 || replies.Refused != nil {
		panic("coord: records can't be merged into another decision")
	}
	e.Replies = append(e.Replies, replies.Replies...)
	e.Prompt = append(e.Prompt, replies.Prompt...)
}

// Machine is the state of one shard.
type Machine interface {
	// Replay takes in one record of the log, in the log's order; also while it is loaded. An error says that the record is
	// not understood: it is logged and passed over.
	Replay(r Record) error
	// Loaded is called once, after the log was replayed.
	Loaded(now time.Time) []Effects
	// Next is when Tick is to be called, zero for never. It may be too early.
	Next() time.Time
	// Tick does what is due.
	Tick(now time.Time) []Effects
	// Abandon returns all callers that have not been answered: the shard moves elsewhere. The machine is not used after.
	Abandon() []Caller
}
