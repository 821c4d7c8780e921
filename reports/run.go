package reports

// Time is virtual time since a run began, in microseconds.
type Time int64

// Never is the end of what did not end.
const Never Time = -1

// The verdicts that a page has a colour and a sign for.
const (
	Pass    = "pass"
	Fail    = "fail"
	Unknown = "unknown"
)

// A Run is all that a page shows. Its JSON is what the page embeds, and reads back to the same Run.
type Run struct {
	Title       string      `json:"title"`   // as "Seed 7"
	Verdict     string      `json:"verdict"` // Pass, Fail or Unknown
	Hash        string      `json:"hash,omitempty"`
	Command     string      `json:"command,omitempty"` // replays the run
	Length      Time        `json:"length"`
	Figures     []Figure    `json:"figures,omitempty"` // the few numbers at the top
	Plan        []Fact      `json:"plan,omitempty"`    // what was to happen, in words
	Phases      []Span      `json:"phases,omitempty"`
	Nodes       []Node      `json:"nodes,omitempty"` // numbered from 1 in this order
	Controllers []Reign     `json:"controllers,omitempty"`
	Partitions  []Partition `json:"partitions,omitempty"`
	Faults      []Fault     `json:"faults,omitempty"`
	Violations  []Violation `json:"violations,omitempty"`
	Smallest    *Smallest   `json:"smallest,omitempty"`
	Open        []string    `json:"open,omitempty"`  // what the checkers gave up, and why
	Notes       []string    `json:"notes,omitempty"` // what else a reader should know
	Latencies   []Latency   `json:"latencies,omitempty"`
	Seconds     []Second    `json:"seconds,omitempty"` // one after the other, from the run's beginning
	Operations  []Operation `json:"operations,omitempty"`
	Lines       []Line      `json:"lines,omitempty"`
	LeftOut     []string    `json:"leftOut,omitempty"` // what the run had and the page has not, in words
}

// A Figure is a number with its name.
type Figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Fact is a part of the plan: a name and its sentences.
type Fact struct {
	Name  string   `json:"name"`
	Words []string `json:"words"`
}

// A Span is a named stretch of time.
type Span struct {
	Name string `json:"name"`
	From Time   `json:"from"`
	To   Time   `json:"to"`
}

// A Node is a broker's machine.
type Node struct {
	Name   string `json:"name"`
	Lives  []Span `json:"lives,omitempty"`  // of its processes; Name says how each ended, To is Never for one that did not
	Paused []Span `json:"paused,omitempty"` // within its lives
}

// A Reign is the time of an active controller, until the next one's.
type Reign struct {
	At   Time   `json:"at"`
	Node int    `json:"node"`
	By   string `json:"by"` // who said so first
}

// A Partition is a partition's story.
type Partition struct {
	Name      string   `json:"name"`
	MinInsync int      `json:"minInsync,omitempty"`
	Replicas  []int    `json:"replicas,omitempty"`
	Changes   []Change `json:"changes,omitempty"` // by time
}

// A Change is a partition from then on, until the next change.
type Change struct {
	At             Time   `json:"at"`
	Leader         int    `json:"leader"` // 0 for nobody
	LeaderEpoch    int    `json:"leaderEpoch"`
	PartitionEpoch int    `json:"partitionEpoch"`
	ISR            []int  `json:"isr,omitempty"`
	By             string `json:"by"` // who said so first
}

// The classes of fault: what part of the world they act on.
const (
	OnLinks   = "links"
	OnProcess = "process"
	OnDisk    = "disk"
	OnClock   = "clock"
)

// A Fault is something that was done to the cluster.
type Fault struct {
	Kind  string `json:"kind"`
	Class string `json:"class"` // OnLinks, OnProcess, OnDisk or OnClock
	Words string `json:"words"`
	From  Time   `json:"from"`
	To    Time   `json:"to"` // From for what happens at once
	Nodes []int  `json:"nodes,omitempty"`
	Links string `json:"links,omitempty"` // which it hit, in words
	Note  string `json:"note,omitempty"`  // when something kept it from having its effect
}

// A Violation is a promise that was broken.
type Violation struct {
	Kind     string     `json:"kind"`
	At       Time       `json:"at"`    // when it was seen, Never when it is of no moment
	Where    string     `json:"where"` // a partition, or empty
	Words    string     `json:"words"`
	Evidence []Evidence `json:"evidence,omitempty"` // by time
}

// Smallest is what was found by leaving out of a failing run all that it can do without.
type Smallest struct {
	Words   []string `json:"words"`   // which fault sealed the outcome, and what is needed
	Sealed  Span     `json:"sealed"`  // that fault; of no length when there is none
	Command string   `json:"command"` // runs what is left
}

// Evidence is an event that shows a violation.
type Evidence struct {
	At        Time   `json:"at"`
	Who       string `json:"who"`
	Words     string `json:"words"`
	Operation int    `json:"operation"` // index in Run.Operations, -1 for none
}

// A Latency is what became of one kind of operation in one phase: those that ended in it.
type Latency struct {
	Phase string `json:"phase"`
	Kind  string `json:"kind"`
	Done  int    `json:"done"`
	Bad   int    `json:"bad,omitempty"` // failed, or ended without knowing
	P50   Time   `json:"p50,omitempty"` // of those that were done
	P99   Time   `json:"p99,omitempty"`
	Max   Time   `json:"max,omitempty"`
}

// A Second is what clients got in one second of virtual time.
type Second struct {
	Acked int  `json:"acked"`         // sends acknowledged in it
	Bad   int  `json:"bad,omitempty"` // sends whose end in it was no acknowledgement
	P50   Time `json:"p50,omitempty"` // from a send to its acknowledgement, of those acknowledged in it
	P99   Time `json:"p99,omitempty"`
}
