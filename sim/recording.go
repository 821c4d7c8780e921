package sim

import (
	"encoding/json"
	"time"

	"odradek/chaos"
	"odradek/sim/clock"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// Bounds of a recording: it is for a page that a person reads, so what comes after that much of one kind is only counted.
const (
	recordedLinesMax    = 50_000
	recordedLineBytes   = 4096
	recordedAccountsMax = 50_000
	recordedLivesMax    = 20_000
)

// A Recording is what a run saw as it went, for whoever explains it afterwards. Give an empty one in Options; Run fills it.
type Recording struct {
	Lines    []LogLine       // what the guests logged, the faults and the exits, by time
	Lives    []Life          // of every process, by start
	Steps    []chaos.Outcome // of the schedule: faults as they began and ended, by time
	Accounts []Account       // by time: the first that any broker told of a partition epoch, and changes of the controller
	History  []byte          // what the clients did, in the format of package history
	LeftOut  int             // lines, lives and accounts beyond the bounds
	newest   map[partition]int32
	boss     int32
}

// A LogLine is a line of the run's log.
type LogLine struct {
	At   time.Duration
	Who  string // a node's name; "fault" and "exit" are the run's own words
	Text string
}

// A Life is a process from its start to its end.
type Life struct {
	Node  string
	From  time.Duration
	To    time.Duration // when Ended
	Ended bool
	End   string // how, in words
}

// An Account is what a broker told of the cluster.
type Account struct {
	At   time.Duration
	Node string
	Line guest.Line
}

// log takes a line of the run's log. A nil recording records nothing, here and below.
func (r *Recording) log(who string, at clock.Time, text string) {
	if r == nil || r.full(len(r.Lines), recordedLinesMax) {
		return
	}
	if len(text) > recordedLineBytes {
		text = text[:recordedLineBytes] + " …"
	}
	r.Lines = append(r.Lines, LogLine{At: at.Sub(0), Who: who, Text: text})
}

func (r *Recording) full(have, most int) bool {
	if have < most {
		return false
	}
	r.LeftOut++
	return true
}

func (r *Recording) started(n *host.Node, at clock.Time) {
	if r == nil || r.full(len(r.Lives), recordedLivesMax) {
		return
	}
	r.Lives = append(r.Lives, Life{Node: n.Name(), From: at.Sub(0)})
}

func (r *Recording) ended(n *host.Node, at clock.Time, exit host.Exit) {
	if r == nil {
		return
	}
	for i := len(r.Lives) - 1; i >= 0; i-- {
		if life := &r.Lives[i]; life.Node == n.Name() {
			life.To, life.Ended, life.End = at.Sub(0), true, exit.String()
			return
		}
	}
}

func (r *Recording) took(o chaos.Outcome) {
	if r != nil {
		r.Steps = append(r.Steps, o) // bounded by the plan
	}
}

// told keeps what is new in a broker's line: every broker tells of every change.
func (r *Recording) told(n *host.Node, at clock.Time, text []byte) {
	var line guest.Line
	if r == nil || json.Unmarshal(text, &line) != nil { // a line that is none is a violation already
		return
	}
	switch line.Event {
	case guest.EventController:
		if line.Leader < 0 || line.Leader == r.boss {
			return
		}
		r.boss = line.Leader
	case guest.EventPartition:
		p := partition{line.Topic, line.Partition}
		if newest, known := r.newest[p]; known && line.PartitionEpoch <= newest {
			return
		}
		if r.newest == nil {
			r.newest = map[partition]int32{}
		}
		r.newest[p] = line.PartitionEpoch
	default:
		return
	}
	if !r.full(len(r.Accounts), recordedAccountsMax) {
		r.Accounts = append(r.Accounts, Account{At: at.Sub(0), Node: n.Name(), Line: line})
	}
}
