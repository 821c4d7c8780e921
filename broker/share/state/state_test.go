package state

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// world is a machine with its log.
type world struct {
	machine *Machine
	img     *metadata.Image
	log     []coord.Record
	answer  any
}

func (w *world) Answer(response any)  { w.answer = response }
func (w *world) Refuse(e *kerr.Error) { w.answer = e }

func newWorld() *world {
	w := &world{img: metadata.NewImage()}
	topic := &metadata.Topic{ID: metadata.UUID{1}, Name: "t", Partitions: make([]*metadata.Partition, 2)}
	for i := range topic.Partitions {
		topic.Partitions[i] = &metadata.Partition{}
	}
	w.img.Topics["t"], w.img.TopicsByID[topic.ID] = topic, topic
	w.machine = New(func() *metadata.Image { return w.img })
	return w
}

func (w *world) perform(e coord.Effects) any {
	for _, r := range e.Records {
		w.log = append(w.log, r)
		if err := w.machine.Replay(r); err != nil {
			panic(err)
		}
	}
	for _, r := range e.Replies {
		r.To.Answer(r.Response)
	}
	return w.answer
}

var key = Key{Group: "g", Topic: metadata.UUID{1}, Partition: 0}

// TestMerge holds merge to a table of offsets.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Batch {
			first := rapid.Int64Range(0, 20).Draw(t, "first")
			return Batch{first, first + rapid.Int64Range(0, 6).Draw(t, "length"), rapid.SampledFrom([]int8{0, 2, 4}).Draw(t, "state"), rapid.Int16Range(1, 3).Draw(t, "count")}
		}
		var merged []Batch
		table := map[int64]Batch{}
		start := int64(0)
		for range rapid.IntRange(1, 6).Draw(t, "writes") {
			var changes []Batch
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				changes = append(changes, draw())
			}
			start = max(start, rapid.Int64Range(0, 10).Draw(t, "start"))
			merged = merge(merged, changes, start)
			for _, c := range changes {
				for offset := c.First; offset <= c.Last; offset++ {
					if before, known := table[offset]; !known || c.beats(before) {
						table[offset] = c
					}
				}
			}
			for offset := range start {
				delete(table, offset)
			}
		}
		seen := 0
		for i, b := range merged {
			if b.First > b.Last || i > 0 && (b.First <= merged[i-1].Last || b.First == merged[i-1].Last+1 && b.State == merged[i-1].State && b.DeliveryCount == merged[i-1].DeliveryCount) {
				t.Fatalf("not in order, or not joined: %v", merged)
			}
			for offset := b.First; offset <= b.Last; offset++ {
				if want := table[offset]; want.State != b.State || want.DeliveryCount != b.DeliveryCount {
					t.Fatalf("offset %d is %v, should be %v", offset, b, want)
				}
				seen++
			}
		}
		if seen != len(table) {
			t.Fatalf("%d offsets of %d are there", seen, len(table))
		}
	})
}

// TestFencing: a leader of an older epoch, and one that holds an older state, change nothing; and all is there again from the log.
func TestFencing(t *testing.T) {
	w := newWorld()
	now := time.UnixMilli(1)
	refused := func(what string, answer any, code *kerr.Error) {
		t.Helper()
		if r, ok := answer.(Refusal); !ok || r.Code != code {
			t.Errorf("%s: %v, want %v", what, answer, code)
		}
	}
	refused("a read of what was not begun", w.perform(w.machine.Read(w, key, 1, now)), kerr.InvalidRequest)
	w.perform(w.machine.Initialize(w, key, 1, 5, now))
	if s, ok := w.perform(w.machine.Read(w, key, 3, now)).(State); !ok || s.StartOffset != 5 || s.StateEpoch != 1 {
		t.Fatalf("read %v", w.answer)
	}
	refused("an older leader reads", w.perform(w.machine.Read(w, key, 2, now)), kerr.FencedLeaderEpoch)
	refused("an older leader writes", w.perform(w.machine.Write(w, key, State{StateEpoch: 1, LeaderEpoch: 2}, now)), kerr.FencedLeaderEpoch)
	w.perform(w.machine.Write(w, key, State{StateEpoch: 1, LeaderEpoch: 3, StartOffset: 7, Batches: []Batch{{7, 9, 0, 2}, {10, 12, 2, 1}}}, now))
	w.perform(w.machine.Write(w, key, State{StateEpoch: 1, LeaderEpoch: 3, StartOffset: 6, Batches: []Batch{{6, 6, 0, 2}}}, now))
	if s, ok := w.perform(w.machine.Read(w, key, 3, now)).(State); !ok || s.StartOffset != 7 || len(s.Batches) != 2 {
		t.Errorf("the start went back: %v", w.answer)
	}
	if w.perform(w.machine.Initialize(w, key, 1, -1, now)); w.answer != (Done{}) {
		t.Errorf("a leader's late request to begin: %v", w.answer)
	}
	if s, ok := w.perform(w.machine.Read(w, key, 3, now)).(State); !ok || s.StartOffset != 7 || len(s.Batches) != 2 {
		t.Errorf("it undid what had been written: %v", w.answer)
	}
	w.perform(w.machine.Initialize(w, Key{"g", metadata.UUID{1}, 1}, 0, -1, now))
	w.perform(w.machine.Initialize(w, key, 2, 100, now))
	refused("an older state is written", w.perform(w.machine.Write(w, key, State{StateEpoch: 1, LeaderEpoch: 3}, now)), kerr.FencedStateEpoch)

	again := New(func() *metadata.Image { return w.img })
	for _, r := range w.log {
		if err := again.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	if e := again.entries[key]; len(again.entries) != 2 || e.startOffset != 100 || e.stateEpoch != 2 || e.leaderEpoch != 3 || len(e.batches) != 0 {
		t.Errorf("replayed %+v", e)
	}
	w.perform(w.machine.Delete(w, key))
	if len(w.machine.entries) != 1 {
		t.Error("it was not deleted")
	}
	w.perform(w.machine.TopicsDeleted([]metadata.UUID{{1}}))
	if len(w.machine.entries) != 0 {
		t.Error("the state outlives its topic")
	}
}

// FuzzReplay feeds a machine with records: none may be more than refused.
func FuzzReplay(f *testing.F) {
	w := newWorld()
	w.perform(w.machine.Initialize(w, key, 1, 5, time.UnixMilli(1)))
	w.perform(w.machine.Write(w, key, State{StateEpoch: 1, StartOffset: 7, Batches: []Batch{{7, 9, 0, 2}}}, time.UnixMilli(1)))
	for _, r := range w.log {
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(_ *testing.T, key, value []byte) {
		m := New(func() *metadata.Image { return metadata.NewImage() })
		_ = m.Replay(coord.Record{Key: key, Value: value})
		_ = m.Replay(coord.Record{Key: key, Value: value})
		_ = m.Replay(coord.Record{Key: key})
	})
}
