package historytest

import (
	"fmt"

	"odradek/linearizability/history"
)

// world is a topic t of a log that keeps its promises, and its clients.
type world struct {
	*Script
	intn      func(n int) int
	logs      [][]string // by partition
	committed []int      // by partition: what consumers can see
	open      []*record
	producers int
	positions []map[int]int // by consumer and partition
	values    int
}

// record is a send that has not been answered.
type record struct {
	producer   string
	id         int64
	partition  int
	value      string
	acks       history.Acks
	idempotent bool
	given      bool // up: the client has had its answer, of whatever kind
	offset     int  // in the log, or -1
}

// Play plays a topic t of a few partitions under several producers and consumers, with acknowledgements that come late, never, or
// without knowing, retries that append twice where they may, consumers that lag, and a final read. Nothing in it breaks a
// promise, and progress is demanded. All choices are intn's, uniform below n.
func Play(steps int, intn func(n int) int) *Script {
	w := &world{Script: New(), intn: intn, producers: 1 + intn(3)}
	w.Promises.Progress = true
	w.logs = make([][]string, 1+intn(2))
	w.committed = make([]int, len(w.logs))
	for c := range 1 + intn(2) {
		w.positions = append(w.positions, map[int]int{})
		w.assign(name("consumer", c), false)
	}
	for range steps {
		switch n := intn(10); {
		case n < 3:
			w.send()
		case n < 6:
			w.land()
		case n < 8:
			w.answer()
		default:
			w.poll(intn(len(w.positions)))
		}
	}
	w.finish()
	return w.Script
}

// send begins a record. The producer's number decides what it is: idempotent, acks=1, acks=0 or retrying acks=all.
func (w *world) send() {
	n := w.intn(w.producers)
	r := &record{producer: name("producer", n), partition: w.intn(len(w.logs)), acks: history.AcksAll, offset: -1}
	switch n {
	case 0:
		r.idempotent = true
	case 1:
		r.acks = []history.Acks{history.AcksAll, history.AcksOne, history.AcksNone}[w.intn(3)]
	case 2:
		r.idempotent = true
	}
	w.values++
	r.value = fmt.Sprintf("v%d", w.values)
	asked := int32(r.partition)
	if w.intn(2) == 0 {
		asked = -1
	}
	r.id = w.Send(r.producer, asked, r.value, r.acks, r.idempotent)
	w.open = append(w.open, r)
}

// land appends a record that is on its way. An idempotent producer's records land in their order.
func (w *world) land() {
	if len(w.open) == 0 {
		return
	}
	r := w.open[w.intn(len(w.open))]
	if r.idempotent {
		for _, earlier := range w.open {
			if earlier.producer == r.producer && earlier.partition == r.partition && earlier.offset < 0 {
				r = earlier
				break
			}
		}
	}
	if r.offset >= 0 && r.idempotent {
		return
	}
	log := &w.logs[r.partition]
	*log = append(*log, r.value)
	r.offset = len(*log) - 1
	if w.intn(3) > 0 {
		w.committed[r.partition] = len(*log)
	}
	if r.given {
		w.drop(r)
	}
}

// answer ends a send towards its client: well when it has landed, with fail only when it will never land.
func (w *world) answer() {
	if len(w.open) == 0 {
		return
	}
	r := w.open[w.intn(len(w.open))]
	switch {
	case r.given:
	case r.acks == history.AcksNone:
		r.given = true
		w.Acked(r.producer, r.id, int32(r.partition), -1)
	case r.offset < 0 && w.intn(2) == 0:
		w.Lost(r.producer, r.id, history.Fail)
		w.drop(r)
	case r.offset < 0 || w.intn(4) == 0:
		r.given = true // it may still land, after what was sent later
		w.Lost(r.producer, r.id, history.Info)
	default:
		w.committed[r.partition] = max(w.committed[r.partition], r.offset+1)
		w.Acked(r.producer, r.id, int32(r.partition), int64(r.offset))
		w.drop(r)
	}
}

func (w *world) drop(r *record) {
	for i, o := range w.open {
		if o == r {
			w.open = append(w.open[:i:i], w.open[i+1:]...)
			return
		}
	}
}

func (w *world) assign(process string, final bool) {
	var positions []history.Position
	for p := range w.logs {
		positions = append(positions, history.Position{Topic: "t", Partition: int32(p)})
	}
	id := w.Begin(process, history.Event{Op: history.Assign, Positions: positions, Final: final})
	w.End(process, id, history.OK, history.Event{Op: history.Assign})
}

// poll reads some of what is committed, of each partition, perhaps nothing. The answer was made before it arrives.
func (w *world) poll(c int) {
	process := name("consumer", c)
	id := w.Begin(process, history.Event{Op: history.Poll})
	runs := []history.Run{}
	for p := range w.logs {
		from := w.positions[c][p]
		n := w.intn(w.committed[p] - from + 1)
		if n == 0 {
			continue
		}
		runs = append(runs, history.Run{Topic: "t", Partition: int32(p), Offset: int64(from), Values: w.logs[p][from : from+n : from+n]})
		w.positions[c][p] = from + n
	}
	if w.intn(3) == 0 {
		w.land()
	}
	w.End(process, id, history.OK, history.Event{Op: history.Poll, Runs: runs})
}

// finish reads everything. Sends that are still open stay so.
func (w *world) finish() {
	const process = "final"
	w.assign(process, true)
	for p := range w.logs {
		w.committed[p] = len(w.logs[p])
		id := w.Begin(process, history.Event{Op: history.Offsets, Topic: "t", Partition: int32(p)})
		w.End(process, id, history.OK, history.Event{Op: history.Offsets, End: int64(len(w.logs[p]))})
	}
	w.positions = append(w.positions, map[int]int{})
	for p, log := range w.logs {
		for at := 0; at < len(log); {
			n := 1 + w.intn(len(log)-at)
			w.PollRun(process, history.Run{Topic: "t", Partition: int32(p), Offset: int64(at), Values: log[at : at+n : at+n]})
			at += n
		}
	}
}
