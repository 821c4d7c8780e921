package raftstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"odradek/broker/env/memenv"
)

var errCrash = errors.New("crash")

// crasher runs one operation and stops it at a disk operation, in one of the ways that a node stops.
type crasher struct {
	disk *memenv.Disk
	at   int  // which disk operation does not happen
	kill bool // the process dies; otherwise the machine loses its power
	loss memenv.Loss
}

func drawCrash(t *rapid.T, disk *memenv.Disk) *crasher {
	c := &crasher{disk: disk, at: rapid.IntRange(1, 12).Draw(t, "crashAt"), kill: rapid.Bool().Draw(t, "kill")}
	if seed := rapid.Uint64().Draw(t, "loss"); seed%4 != 0 {
		c.loss = memenv.Loss{Rand: rand.New(rand.NewPCG(seed, 1)), Torn: seed%2 == 0}
	}
	return c
}

// during runs op and returns the disk as the next process finds it. completed says that the crash came after op's end.
func (c *crasher) during(op func() error) (disk *memenv.Disk, completed bool) {
	n := 0
	c.disk.SetHook(func(o memenv.Op) error {
		if o.Kind.Changes() {
			n++
		}
		if n >= c.at {
			return errCrash
		}
		return nil
	})
	completed = op() == nil
	c.disk.SetHook(nil)
	if c.kill {
		return c.disk.Kill(), completed
	}
	return c.disk.PowerLoss(c.loss), completed
}

// entry is what the model knows of a log's entry.
type entry struct {
	term uint64
	data string
}

// logModel is what a log must hold.
type logModel struct {
	entries     map[uint64]entry // what was acknowledged and not deleted, and hidden ones below first
	first, last uint64           // 0 when empty
}

func (m *logModel) clear() { *m = logModel{entries: map[uint64]entry{}} }

func (m *logModel) add(logs []*raft.Log) {
	if len(logs) > 0 && logs[0].Index != m.last+1 {
		m.clear()
	}
	for _, log := range logs {
		m.entries[log.Index] = entry{log.Term, string(log.Data)}
		if m.first == 0 {
			m.first = log.Index
		}
		m.last = log.Index
	}
}

func drawLogs(t *rapid.T, m *logModel) []*raft.Log {
	next := m.last + 1
	if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
		next += uint64(rapid.IntRange(1, 50).Draw(t, "by"))
	}
	var logs []*raft.Log
	for range rapid.IntRange(1, 5).Draw(t, "entries") {
		log := &raft.Log{Index: next, Term: rapid.Uint64Range(1, 3).Draw(t, "term"), Type: raft.LogCommand, Data: []byte(rapid.StringN(0, 60, 200).Draw(t, "data"))}
		if rapid.Bool().Draw(t, "extended") {
			log.Extensions = []byte("ext")
		}
		logs = append(logs, log)
		next++
	}
	return logs
}

// read returns what a log holds, which must be without gaps and readable.
func read(t *rapid.T, l *Log) (entries map[uint64]entry, first, last uint64) {
	first, _ = l.FirstIndex()
	last, _ = l.LastIndex()
	entries = map[uint64]entry{}
	if (first == 0) != (last == 0) {
		t.Fatalf("first %d, last %d", first, last)
	}
	for i := first; i != 0 && i <= last; i++ {
		var log raft.Log
		if err := l.GetLog(i, &log); err != nil || log.Index != i {
			t.Fatalf("index %d of %d..%d: %+v %v", i, first, last, log, err)
		}
		entries[i] = entry{log.Term, string(log.Data)}
	}
	for _, outside := range []uint64{first - 1, last + 1} {
		if err := l.GetLog(outside, &raft.Log{}); err != raft.ErrLogNotFound {
			t.Fatalf("index %d outside %d..%d: %v", outside, first, last, err)
		}
	}
	return entries, first, last
}

func openSmall(t *rapid.T, disk *memenv.Disk) *Log {
	if err := disk.MkdirAll("quorum"); err != nil {
		t.Fatal(err)
	}
	if err := disk.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(disk, "quorum/log")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	l.maxBytes = 300
	return l
}

// TestLogAgainstModel runs random operations, each of which may be cut short by a crash at any disk operation. Afterwards the log
// opens, holds every entry that was acknowledged and not deleted, and nothing that was not written to that very place.
func TestLogAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := memenv.NewDisk()
		l := openSmall(t, disk)
		m := &logModel{}
		m.clear()
		for range rapid.IntRange(1, 30).Draw(t, "operations") {
			var logs []*raft.Log
			var from, to uint64
			op := func() error { return l.StoreLogs(logs) }
			switch kind := rapid.SampledFrom([]string{"store", "store", "store", "prefix", "suffix", "all", "reopen"}).Draw(t, "operation"); {
			case kind == "reopen":
				l.Close()
				l = openSmall(t, disk)
				checkLog(t, l, m, nil, 0, 0)
				adopt(t, l, m)
				continue
			case kind == "store" || m.last == 0:
				logs = drawLogs(t, m)
			case kind == "prefix":
				from, to = m.first, rapid.Uint64Range(m.first, m.last).Draw(t, "to")
			case kind == "suffix":
				from, to = rapid.Uint64Range(m.first, m.last).Draw(t, "from"), m.last
			case kind == "all":
				from, to = m.first, m.last
			}
			if from > 0 {
				op = func() error { return l.DeleteRange(from, to) }
			}
			if rapid.IntRange(0, 2).Draw(t, "crash") > 0 {
				if err := op(); err != nil {
					t.Fatal(err)
				}
				apply(m, logs, from, to)
				if _, first, last := read(t, l); first != m.first || last != m.last {
					t.Fatalf("holds %d..%d, want %d..%d", first, last, m.first, m.last)
				}
				continue
			}
			crash := drawCrash(t, disk)
			var completed bool
			if disk, completed = crash.during(op); completed {
				apply(m, logs, from, to)
				logs, from, to = nil, 0, 0
			}
			l = openSmall(t, disk)
			checkLog(t, l, m, logs, from, to)
			// What was found is durable, whoever wrote it.
			found, first, last := read(t, l)
			disk = disk.PowerLoss(memenv.Loss{})
			l = openSmall(t, disk)
			if again, f, la := read(t, l); f != first || la != last || fmt.Sprint(again) != fmt.Sprint(found) {
				t.Fatalf("found %d..%d after the crash, and %d..%d after a power failure", first, last, f, la)
			}
			adopt(t, l, m)
		}
	})
}

func apply(m *logModel, logs []*raft.Log, from, to uint64) {
	switch {
	case from == 0:
		m.add(logs)
	case from == m.first && to == m.last:
		m.clear()
	case from == m.first:
		m.first = to + 1
	default:
		for i := from; i <= to; i++ {
			delete(m.entries, i)
		}
		m.last = from - 1
	}
}

// adopt takes what the log holds for the model's truth.
func adopt(t *rapid.T, l *Log, m *logModel) { m.entries, m.first, m.last = read(t, l) }

// checkLog compares a log with the model, given what was under way: entries being stored, or a range being deleted.
func checkLog(t *rapid.T, l *Log, m *logModel, storing []*raft.Log, from, to uint64) {
	entries, first, last := read(t, l)
	next := map[uint64]entry{}
	replacing := len(storing) > 0 && storing[0].Index != m.last+1
	for _, log := range storing {
		next[log.Index] = entry{log.Term, string(log.Data)}
	}
	for i, got := range entries {
		if want, ok := m.entries[i]; (!ok || got != want) && got != next[i] {
			t.Fatalf("index %d holds %v, want %v or %v", i, got, want, next[i])
		}
	}
	for i := m.first; i != 0 && i <= m.last && !replacing; i++ {
		deleting := from != 0 && i >= from && i <= to
		if _, ok := entries[i]; !ok && !deleting {
			t.Fatalf("index %d of %d..%d is lost: holds %d..%d", i, m.first, m.last, first, last)
		}
	}
}

// TestStableAgainstModel does the same for the store of votes.
func TestStableAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := memenv.NewDisk()
		open := func() *Stable {
			s, err := OpenStable(disk, "stable")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		model := map[string]string{}
		for range rapid.IntRange(1, 30).Draw(t, "operations") {
			key := rapid.SampledFrom([]string{"CurrentTerm", "LastVoteTerm", "LastVoteCand"}).Draw(t, "key")
			value := rapid.StringN(0, 30, 100).Draw(t, "value")
			if rapid.IntRange(0, 5).Draw(t, "large") == 0 {
				value = strings.Repeat("v", 30_000) // leads to a rewrite of the file
			}
			op := func() error { return s.Set([]byte(key), []byte(value)) }
			if rapid.IntRange(0, 2).Draw(t, "crash") > 0 {
				if err := op(); err != nil {
					t.Fatal(err)
				}
				model[key] = value
				continue
			}
			var completed bool
			disk, completed = drawCrash(t, disk).during(op)
			s = open()
			for k, want := range model {
				got, _ := s.Get([]byte(k))
				if string(got) != want && (k != key || string(got) != value) {
					t.Fatalf("%s is %.50q, want %.50q", k, got, want)
				}
			}
			got, _ := s.Get([]byte(key))
			if completed && string(got) != value {
				t.Fatalf("%s is %.50q after Set of %.50q", key, got, value)
			}
			model[key] = string(got)
			disk = disk.PowerLoss(memenv.Loss{})
			s = open()
			for k, want := range model {
				if got, _ := s.Get([]byte(k)); string(got) != want {
					t.Fatalf("%s was %.50q before the power failure, now %.50q", k, want, got)
				}
			}
		}
	})
}
