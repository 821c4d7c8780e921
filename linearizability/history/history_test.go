package history_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
)

const header = `{"odradek_history":1,"promises":{}}` + "\n"

// read gives the events of a text.
func read(text string) ([]history.Event, error) {
	r, err := history.NewReader(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var out []history.Event
	for e, err := range r.Events() {
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// example is the one of the package comment.
const example = `{"odradek_history":1,"run":"seed 7","promises":{"may_lose_acks_one":["t0"],"progress":true}}
{"t":1000,"process":"producer-1","type":"invoke","op":"send","id":1,"topic":"t0","partition":-1,"value":"p1-1","acks":-1,"idempotent":true}
{"t":1200,"process":"producer-1","type":"invoke","op":"send","id":2,"topic":"t0","partition":-1,"value":"p1-2","acks":-1,"idempotent":true}
{"t":2500,"process":"producer-1","type":"ok","op":"send","id":1,"partition":1,"offset":40}
{"t":2600,"process":"consumer-1","type":"invoke","op":"assign","id":1,"positions":[{"topic":"t0","partition":1,"offset":0}]}
{"t":2600,"process":"consumer-1","type":"ok","op":"assign","id":1}
{"t":2700,"process":"consumer-1","type":"invoke","op":"poll","id":2}
{"t":3100,"process":"consumer-1","type":"ok","op":"poll","id":2,"records":[{"topic":"t0","partition":1,"offset":40,"values":["p1-1"]}]}
{"t":9000,"process":"producer-1","type":"info","op":"send","id":2,"error":"REQUEST_TIMED_OUT"}
`

func TestTheExampleIsWrittenAsItIsRead(t *testing.T) {
	r, err := history.NewReader(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := history.NewWriter(&b, r.Header())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&e); err != nil {
			t.Fatal(err)
		}
	}
	if b.String() != example {
		t.Errorf("got\n%s", b.String())
	}
}

func TestWhatIsNoHistory(t *testing.T) {
	send := `{"t":1,"process":"p","type":"invoke","op":"send","id":1,"topic":"t","partition":0,"value":"a","acks":-1,"idempotent":true}` + "\n"
	poll := `{"t":1,"process":"p","type":"invoke","op":"poll","id":1}` + "\n"
	polled := func(records string) string {
		return header + poll + `{"t":1,"process":"p","type":"ok","op":"poll","id":1,"records":` + records + "}\n"
	}
	for _, c := range []struct{ name, text, words string }{
		{"empty", "", "it is empty"},
		{"no header", send, `line 1: no header with "odradek_history":1`},
		{"not JSON", "hello\n", "line 1: no header"},
		{"another version", `{"odradek_history":2,"novelty":1}` + "\n", "odradek_history 2: this program reads version 1"},
		{"unknown header field", `{"odradek_history":1,"novelty":1}` + "\n", `line 1: unknown field "novelty"`},
		{"unknown promise", `{"odradek_history":1,"promises":{"all":true}}` + "\n", `unknown field "all"`},
		{"unknown field", header + strings.Replace(send, `"id"`, `"x":1,"id"`, 1), `line 2: unknown field "x"`},
		{"field of another operation", header + strings.Replace(poll, `"id":1`, `"id":1,"offset":1`, 1), `line 2: invoke of poll has offset: allowed are none`},
		{"field missing", header + strings.Replace(send, `,"acks":-1`, "", 1), "invoke of send lacks acks"},
		{"no time", header + strings.Replace(poll, `"t":1,`, "", 1), "every event has t, process, type, op and id"},
		{"unknown op", header + strings.Replace(poll, "poll", "pull", 1), `op "pull": allowed are send, assign, poll, offsets`},
		{"reserved op", header + strings.Replace(poll, "poll", "begin", 1), `op "begin" is reserved`},
		{"unknown type", header + strings.Replace(poll, "invoke", "start", 1), `type "start": allowed are invoke, ok, fail, info`},
		{"id 0", header + strings.Replace(poll, `"id":1`, `"id":0`, 1), "id 0: allowed are 1 and above"},
		{"id again", header + poll + poll, "line 3: id 1: process p has begun 1 already"},
		{"time goes back", header + strings.Replace(poll, `"t":1`, `"t":5`, 1) + strings.Replace(poll, `"id":1`, `"id":2`, 1), "line 3: t 1: process p was at 5 already"},
		{"end without beginning", header + `{"t":1,"process":"p","type":"info","op":"poll","id":1,"error":""}` + "\n", "no such operation open"},
		{"end of another", header + poll + `{"t":1,"process":"p","type":"info","op":"send","id":1,"error":""}` + "\n", "began it as poll"},
		{"ended twice", polled("[]") + `{"t":1,"process":"p","type":"info","op":"poll","id":1,"error":""}` + "\n", "line 4: info of poll 1"},
		{"cut off", header + send[:len(send)-1], "line 2: the line is cut off"},
		{"empty line", header + "\n" + send, "line 2: the line is empty"},
		{"two on a line", header + strings.TrimSpace(send) + send, "line 2: something follows the object"},
		{"no process", header + strings.Replace(poll, `"p"`, `""`, 1), "process"},
		{"long value", header + strings.Replace(send, `"a"`, `"`+strings.Repeat("a", 300)+`"`, 1), "value"},
		{"acks", header + strings.Replace(send, `"acks":-1`, `"acks":2`, 1), "acks 2: allowed are"},
		{"partition", header + strings.Replace(send, `"partition":0`, `"partition":-2`, 1), "partition -2"},
		{"huge partition", header + strings.Replace(send, `"partition":0`, `"partition":4000000000`, 1), "line 2"},
		{"negative offset", polled(`[{"topic":"t","partition":0,"offset":-1,"values":[]}]`), "offset -1"},
		{"huge offset", polled(`[{"topic":"t","partition":0,"offset":9223372036854775807,"values":[]}]`), "offset 9223372036854775807"},
		{"next too low", polled(`[{"topic":"t","partition":0,"offset":5,"next":5,"values":["a"]}]`), "next 5: allowed is 6 or above"},
		{"unknown field in a run", polled(`[{"topic":"t","partition":0,"offset":5,"value":["a"]}]`), `unknown field "value"`},
		{"empty value in a run", polled(`[{"topic":"t","partition":0,"offset":5,"values":[""]}]`), "records[0]: value"},
		{"end before start", header + `{"t":1,"process":"p","type":"invoke","op":"offsets","id":1,"topic":"t","partition":0}
{"t":1,"process":"p","type":"ok","op":"offsets","id":1,"start":5,"end":4}
`, "start 5, end 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.text)
			if !errors.Is(err, history.ErrMalformed) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v lacks %q", err, c.words)
			}
		})
	}
}

func TestOverlongLineIsRefusedInBoundedMemory(t *testing.T) {
	r := io.MultiReader(strings.NewReader(header), &endless{})
	h, err := history.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Next(); !errors.Is(err, history.ErrMalformed) || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestALongLineIsRead(t *testing.T) {
	s := historytest.New()
	values := make([]string, 100_000)
	for i := range values {
		values[i] = strings.Repeat("v", 20)
	}
	s.Poll("c", 0, values...)
	events, err := read(string(s.Text(t)))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(events[1].Runs[0].Values); got != len(values) {
		t.Errorf("%d values came back", got)
	}
}

func TestCollectRefusesAValueSentTwice(t *testing.T) {
	s := historytest.New()
	s.Send("p", 0, "a", history.AcksAll, true)
	s.Send("q", 0, "a", history.AcksAll, true)
	_, err := history.Collect(bytes.NewReader(s.Text(t)))
	if !errors.Is(err, history.ErrMalformed) || !strings.Contains(err.Error(), `line 3: value "a" was sent before`) {
		t.Errorf("got %v", err)
	}
}

func TestCollect(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 0)
	open := s.Send("p", -1, "b", history.AcksOne, false)
	s.Assign("c", 0, true)
	s.Ends("c", 2)
	s.PollRun("c", history.Run{Topic: "t", Offset: 0, Next: 3, Values: []string{"a", "x"}})
	got := s.Table(t)
	if got.Operations != 5 || len(got.Sends) != 2 || len(got.Reads) != 2 || len(got.Ends) != 1 || got.Values() != 3 {
		t.Fatalf("%+v", got)
	}
	a, b := &got.Sends[0], &got.Sends[1]
	if p, ok := a.Place(); !ok || p.String() != "t-0" || a.Outcome != history.OK || a.Done-a.Invoked != 1000 || !a.Acknowledged() {
		t.Errorf("a: %+v", a)
	}
	if _, ok := b.Place(); ok || b.Outcome != history.Info || b.Ended || b.ID != open || b.Acknowledged() {
		t.Errorf("b: %+v", b)
	}
	if len(a.Events(got)) != 2 || len(b.Events(got)) != 1 {
		t.Error("a has two events and b one")
	}
	step := &got.Reads[1]
	if !got.Reads[0].Final || !got.Reads[0].First || step.After != 3 || got.SendOf(step.Values[0]) != 0 || got.SendOf(step.Values[1]) != -1 {
		t.Errorf("reads: %+v", got.Reads)
	}
	if run := step.Event(got, 1).Runs[0]; run.Offset != 1 || !reflect.DeepEqual(run.Values, []string{"x"}) {
		t.Errorf("cut down to offset 1: %+v", run)
	}
	if end := got.Ends[0].Event(); end.End != 2 || end.Op != history.Offsets {
		t.Errorf("end: %+v", end)
	}
}

func TestRecorder(t *testing.T) {
	var b bytes.Buffer
	clock := []int64{10, 5, 20, 20}
	now := func() int64 { v := clock[0]; clock = clock[1:]; return v }
	r := history.NewRecorder(history.NewLineWriter(&b), "p", now)
	first, err := r.Invoke(history.Event{Op: history.Poll})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Done(first, history.Event{Op: history.Poll, Type: history.Info, Error: "closed"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Invoke(history.Event{Op: history.Send}); err == nil {
		t.Error("a send without a topic was written")
	}
	second, err := r.Invoke(history.Event{Op: history.Poll})
	if err != nil || first != 1 || second != 2 {
		t.Errorf("ids %d and %d, %v", first, second, err)
	}
	events, err := read(header + b.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 3 || events[1].Time != 10 || events[2].Time != 20 {
		t.Errorf("%+v", events)
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestWritersErrorStays(t *testing.T) {
	w, err := history.NewWriter(&failing{after: 1}, history.Header{})
	if err != nil {
		t.Fatal(err)
	}
	e := history.Event{Process: "p", ID: 1, Type: history.Invoke, Op: history.Poll}
	for range 2 {
		if err := w.Write(&e); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("got %v", err)
		}
	}
	if _, err := history.NewWriter(&failing{}, history.Header{}); err == nil {
		t.Error("a header that could not be written was no error")
	}
}

func TestMayLose(t *testing.T) {
	p := history.Promises{MayLoseAcksAll: []string{"a"}, MayLoseAcksOne: []string{"o"}}
	for _, c := range []struct {
		topic     string
		acks      history.Acks
		may, read bool
	}{
		{"a", history.AcksAll, true, true}, {"a", history.AcksOne, true, true}, {"o", history.AcksAll, false, false},
		{"o", history.AcksOne, true, false}, {"x", history.AcksOne, false, false}, {"x", history.AcksNone, true, false},
	} {
		if p.MayLose(c.topic, c.acks) != c.may || p.MayForget(c.topic) != c.read {
			t.Errorf("%+v", c)
		}
	}
}

// anyEvent draws an event that the format has.
func anyEvent(r *rapid.T, id int64, at int64) history.Event {
	name := rapid.StringN(1, 10, 200)
	partition := rapid.Int32Range(0, 1000)
	offset := rapid.Int64Range(0, 1<<40)
	e := history.Event{Time: at, Process: "p", Type: history.Invoke, ID: id}
	switch rapid.IntRange(0, 3).Draw(r, "op") {
	case 0:
		e.Op, e.Topic, e.Partition = history.Send, name.Draw(r, "topic"), rapid.Int32Range(-1, 1000).Draw(r, "partition")
		e.Value, e.Acks = name.Draw(r, "value"), history.Acks(rapid.IntRange(-1, 1).Draw(r, "acks"))
		e.Idempotent, e.Key = rapid.Bool().Draw(r, "idempotent"), rapid.StringN(0, 10, 200).Draw(r, "key")
	case 1:
		e.Op, e.Final, e.Positions = history.Assign, rapid.Bool().Draw(r, "final"), []history.Position{}
		for range rapid.IntRange(0, 3).Draw(r, "n") {
			e.Positions = append(e.Positions, history.Position{Topic: name.Draw(r, "topic"), Partition: partition.Draw(r, "partition"),
				Offset: rapid.Int64Range(-2, math.MaxInt64/2).Draw(r, "offset"), LeaderEpoch: partition.Draw(r, "epoch")})
		}
	case 2:
		e.Op = history.Poll
	case 3:
		e.Op, e.Topic, e.Partition = history.Offsets, name.Draw(r, "topic"), partition.Draw(r, "partition")
	}
	if rapid.Bool().Draw(r, "begin") {
		return e
	}
	e = history.Event{Time: at, Process: "p", Op: e.Op, ID: id, Type: rapid.SampledFrom([]history.Type{history.OK, history.Fail, history.Info}).Draw(r, "type")}
	switch {
	case e.Type != history.OK:
		e.Error = rapid.String().Draw(r, "error")
	case e.Op == history.Send:
		e.Partition, e.Offset = partition.Draw(r, "partition"), rapid.Int64Range(-1, 1<<40).Draw(r, "offset")
	case e.Op == history.Poll:
		e.Runs = []history.Run{}
		for range rapid.IntRange(0, 3).Draw(r, "n") {
			run := history.Run{Topic: name.Draw(r, "topic"), Partition: partition.Draw(r, "partition"), Offset: offset.Draw(r, "offset"),
				LeaderEpoch: partition.Draw(r, "epoch"), Values: rapid.SliceOf(name).Draw(r, "values")}
			run.Next = rapid.SampledFrom([]int64{0, run.After(), run.After() + 7}).Draw(r, "next")
			e.Runs = append(e.Runs, run)
		}
	case e.Op == history.Offsets:
		e.Start = offset.Draw(r, "start")
		e.End = e.Start + offset.Draw(r, "length")
	}
	return e
}

func TestEventsRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := anyEvent(r, 2, rapid.Int64Range(0, math.MaxInt64).Draw(r, "t"))
		text := header
		if want.Type != history.Invoke { // something for it to end
			begin := history.Event{Process: "p", Type: history.Invoke, Op: want.Op, ID: 2, Topic: "t", Value: "v", Positions: []history.Position{}}
			line, err := history.AppendEvent(nil, &begin)
			if err != nil {
				r.Fatal(err)
			}
			text += string(line)
		}
		line, err := history.AppendEvent(nil, &want)
		if err != nil {
			r.Fatal(err)
		}
		events, err := read(text + string(line))
		if err != nil {
			r.Fatalf("%v: %s", err, line)
		}
		if got := events[len(events)-1]; !reflect.DeepEqual(got, want) {
			r.Fatalf("\n%+v\n%+v\n%s", got, want, line)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(example))
	s := historytest.Play(40, func(n int) int { return n / 2 })
	f.Add(historytest.Text(f, s.Promises, s.Events))
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := read(string(text))
		if _, collectErr := history.Collect(bytes.NewReader(text)); err != nil && collectErr == nil {
			t.Fatalf("Collect takes what the Reader refuses: %v", err)
		}
		if err != nil {
			return
		}
		again, err := read(string(historytest.Text(t, history.Promises{}, events)))
		if err != nil {
			t.Fatalf("what was read and written is refused: %v", err)
		}
		if len(again)+len(events) > 0 && !reflect.DeepEqual(again, events) {
			t.Fatalf("came back different:\n%+v\n%+v", events, again)
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	e := history.Event{Time: 1, Process: "producer-1", Type: history.Invoke, Op: history.Send, ID: 7, Topic: "t0", Value: "p1-7", Acks: -1}
	line := make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := history.AppendEvent(line, &e); err != nil {
			b.Fatal(err)
		}
	}
}
