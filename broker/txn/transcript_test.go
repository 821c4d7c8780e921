package txn

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"
)

// TestTranscripts replays conversations with a machine. Each line of a block is a request, "who verb key=value…"; the answers, the
// records and the markers come out in the order in which they happen. Run with -rewrite and read the difference.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		w := newWorld()
		var out strings.Builder
		w.heard = func(line string) { out.WriteString(line + "\n") }
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out.Reset()
			if d.Cmd != "do" {
				t.Fatalf("%s: a block begins with do", d.Pos)
			}
			for line := range strings.Lines(d.Input) {
				w.say(t, strings.Fields(line))
			}
			return out.String()
		})
	})
}

// words are a request's settings.
type words map[string]string

func (a words) number(key string, standard int) int {
	if n, err := strconv.Atoi(a[key]); err == nil {
		return n
	}
	return standard
}

func (a words) partitions() (all []Partition) {
	for name := range strings.SplitSeq(a["in"], ",") {
		topic, index, _ := strings.Cut(name, "-")
		n, _ := strconv.Atoi(index)
		all = append(all, Partition{topic, int32(n)})
	}
	return all
}

// claim is of id x unless the words say otherwise, by the producer and the epoch that are current unless they do.
func (w *world) claim(a words) Claim {
	c := Claim{TransactionalID: "x", ProducerID: 1000}
	if id, ok := a["id"]; ok {
		c.TransactionalID = id
	}
	if t := w.machine.transactions[c.TransactionalID]; t != nil {
		c.ProducerID, c.ProducerEpoch = t.producer, t.epoch
	}
	c.ProducerID = int64(a.number("producer", int(c.ProducerID)))
	c.ProducerEpoch = int16(a.number("epoch", int(c.ProducerEpoch)))
	return c
}

// say carries one line out.
func (w *world) say(t *testing.T, fields []string) {
	t.Helper()
	a := words{}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		a[key] = value
	}
	to, m, claim := caller{w, fields[0]}, w.machine, w.claim(a)
	switch fields[1] {
	case "init":
		r := InitRequest{TransactionalID: claim.TransactionalID, TimeoutMs: int32(a.number("timeout", 60_000)), ProducerID: -1, ProducerEpoch: -1, Fresh: -1}
		if _, ok := a["epoch"]; ok {
			r.ProducerID, r.ProducerEpoch = claim.ProducerID, claim.ProducerEpoch
		}
		if a["fresh"] != "no" {
			r.Fresh = w.fresh
			w.fresh++
		}
		w.perform(m.Init(to, r, w.now))
	case "add":
		w.perform(m.Add(to, claim, a.partitions(), int16(a.number("v", 0)), w.now))
	case "verify":
		w.perform(m.Verify(to, claim, a.partitions()))
	case "commit", "abort":
		r := EndRequest{Claim: claim, Commit: fields[1] == "commit", Version: int16(a.number("v", 0)), Fresh: -1}
		if a["fresh"] == "yes" {
			r.Fresh = w.fresh
			w.fresh++
		}
		w.perform(m.End(to, r, w.now))
	case "describe":
		w.perform(m.Describe(to, claim.TransactionalID))
	case "list":
		w.perform(m.List(to, Filter{OlderThanMs: int64(a.number("older", -1))}, w.now))
	default:
		w.control(t, fields[1], a)
	}
}

// control is what the world does.
func (w *world) control(t *testing.T, verb string, a words) {
	t.Helper()
	switch verb {
	case "written": // every partition has its marker
		e := w.sent[0]
		w.sent = w.sent[1:]
		w.perform(w.machine.Ended(e, w.now))
	case "undelivered":
		e := w.sent[0]
		w.sent = w.sent[1:]
		w.perform(w.machine.Undelivered(e, w.now))
	case "wait":
		w.advance(time.Duration(a.number("ms", 0)) * time.Millisecond)
	case "refuse":
		w.refusal = kerr.CoordinatorNotAvailable
	case "accept":
		w.refusal = nil
	case "hold":
		w.held = true
	case "release":
		w.release()
	case "failover":
		w.failover(a.number("lost", 0))
	case "epoch":
		for _, each := range w.machine.transactions {
			each.epoch = int16(a.number("to", 0))
		}
	default:
		t.Fatalf("unknown verb %s", verb)
	}
}
