package page

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"odradek/linearizability/history"
	"odradek/reports"
)

// operationsOf reads a history into the page's operations, in the order of their beginnings, and what clients got each second.
func operationsOf(text io.Reader, length time.Duration) ([]reports.Operation, []reports.Second, error) {
	events, err := history.NewReader(text)
	if err != nil {
		return nil, nil, err
	}
	var all []reports.Operation
	open := map[string]int{} // by operationKey: place in all
	for e, err := range events.Events() {
		if err != nil {
			return nil, nil, err
		}
		key := operationKey(e.Process, e.ID)
		if e.Type == history.Invoke {
			open[key] = len(all)
			all = append(all, begun(&e))
			continue
		}
		end(&all[open[key]], &e)
		delete(open, key)
	}
	return all, secondsOf(all, length), nil
}

// begun is an operation of which nothing but the beginning is known.
func begun(e *history.Event) reports.Operation {
	o := reports.Operation{
		Process: e.Process, ID: e.ID, Kind: string(e.Op), Outcome: reports.OutcomeUnknown,
		From: at(time.Duration(e.Time)), To: reports.Never, Offset: -1,
	}
	switch e.Op {
	case history.Send:
		o.Where, o.What, o.Detail = place(e.Topic, e.Partition), e.Value, sendWords(e)
	case history.Offsets:
		o.Where = place(e.Topic, e.Partition)
	case history.Assign:
		o.Where, o.What = assigned(e.Positions)
		if e.Final {
			o.Detail = "final read"
		}
	}
	return o
}

func end(o *reports.Operation, e *history.Event) {
	o.To = at(time.Duration(e.Time))
	if e.Type != history.OK {
		o.Outcome = reports.OutcomeUnknown
		if e.Type == history.Fail {
			o.Outcome = reports.OutcomeFail
		}
		o.Detail = strings.TrimPrefix(o.Detail+"; "+e.Error, "; ")
		return
	}
	o.Outcome = reports.OutcomeOK
	switch e.Op {
	case history.Send:
		o.Offset = e.Offset
		if topic, chosen := strings.CutSuffix(o.Where, anyPartition); chosen {
			o.Where = place(topic, e.Partition)
		}
	case history.Offsets:
		o.What = fmt.Sprintf("from %d to %d", e.Start, e.End)
	case history.Poll:
		o.Where, o.Offset, o.What = polled(e.Runs)
	}
}

// anyPartition follows a topic; no topic's name has a space.
const anyPartition = " (any)"

// place names a partition, or the topic whose partition the client is yet to choose.
func place(topic string, partition int32) string {
	if partition < 0 {
		return topic + anyPartition
	}
	return fmt.Sprintf("%s-%d", topic, partition)
}

func sendWords(e *history.Event) string {
	words := "acks=" + map[history.Acks]string{history.AcksAll: "all", history.AcksOne: "1", history.AcksNone: "0"}[e.Acks]
	if e.Idempotent {
		words += ", idempotent"
	}
	if e.Key != "" {
		words += ", key " + e.Key
	}
	return words
}

func assigned(positions []history.Position) (where, what string) {
	var places, offsets []string
	for _, p := range positions {
		places = append(places, place(p.Topic, p.Partition))
		switch p.Offset {
		case history.PositionEarliest:
			offsets = append(offsets, "earliest")
		case history.PositionLatest:
			offsets = append(offsets, "latest")
		default:
			offsets = append(offsets, fmt.Sprint(p.Offset))
		}
	}
	if len(slices.Compact(slices.Clone(offsets))) == 1 {
		offsets = offsets[:1]
	}
	return strings.Join(places, " "), "from " + strings.Join(offsets, ", ")
}

// polled tells of the records that a poll returned, every value by its name, so that a search for one finds who read it.
func polled(runs []history.Run) (where string, offset int64, what string) {
	offset = -1
	var places, values []string
	for _, run := range runs {
		p := place(run.Topic, run.Partition)
		if !slices.Contains(places, p) {
			places = append(places, p)
		}
		if len(runs) > 1 {
			values = append(values, fmt.Sprintf("%s@%d:", p, run.Offset))
		}
		values = append(values, run.Values...)
	}
	if len(runs) == 1 {
		offset = runs[0].Offset
	}
	if len(values) == 0 {
		return strings.Join(places, " "), offset, "nothing"
	}
	return strings.Join(places, " "), offset, strings.Join(values, " ")
}

// secondsOf counts the sends that ended in each second, and how long those that were acknowledged took.
func secondsOf(all []reports.Operation, length time.Duration) []reports.Second {
	seconds := make([]reports.Second, int((length+time.Second-1)/time.Second))
	took := make([][]reports.Time, len(seconds))
	for _, o := range all {
		i := int(time.Duration(o.To) * time.Microsecond / time.Second)
		if o.Kind != string(history.Send) || o.To == reports.Never || i >= len(seconds) {
			continue
		}
		if o.Outcome != reports.OutcomeOK {
			seconds[i].Bad++
			continue
		}
		if strings.HasPrefix(o.Detail, "acks=0") {
			continue // nobody acknowledges these
		}
		seconds[i].Acked++
		took[i] = append(took[i], o.To-o.From)
	}
	for i, all := range took {
		slices.Sort(all)
		if n := len(all); n > 0 {
			seconds[i].P50, seconds[i].P99 = all[(n-1)/2], all[(n*99+99)/100-1]
		}
	}
	return seconds
}

// eventWords is an event of a violation in a sentence.
func eventWords(e *history.Event) string {
	switch {
	case e.Type == history.Fail:
		return fmt.Sprintf("%s %d failed: %s", e.Op, e.ID, e.Error)
	case e.Type == history.Info:
		return fmt.Sprintf("%s %d ended without knowing: %s", e.Op, e.ID, e.Error)
	case e.Type == history.Invoke && e.Op == history.Send:
		return fmt.Sprintf("sends %q to %s, %s", e.Value, place(e.Topic, e.Partition), sendWords(e))
	case e.Type == history.Invoke && e.Op == history.Assign:
		where, what := assigned(e.Positions)
		if e.Final {
			what += ", for the final read"
		}
		return fmt.Sprintf("is assigned %s %s", where, what)
	case e.Type == history.Invoke:
		return fmt.Sprintf("begins %s %d", e.Op, e.ID)
	}
	switch e.Op {
	case history.Send:
		if e.Offset < 0 {
			return fmt.Sprintf("send %d is acknowledged, in partition %d", e.ID, e.Partition)
		}
		return fmt.Sprintf("send %d is acknowledged, in partition %d at offset %d", e.ID, e.Partition, e.Offset)
	case history.Offsets:
		return fmt.Sprintf("is told that the log goes from %d to %d", e.Start, e.End)
	case history.Poll:
		var words []string
		for _, run := range e.Runs {
			text := fmt.Sprintf("nothing from %s at %d on", place(run.Topic, run.Partition), run.Offset)
			if len(run.Values) > 0 {
				text = fmt.Sprintf("%s from %s at offset %d", quoted(run.Values), place(run.Topic, run.Partition), run.Offset)
			}
			words = append(words, text)
		}
		return fmt.Sprintf("poll %d returns %s", e.ID, strings.Join(words, ", "))
	}
	return fmt.Sprintf("ends %s %d", e.Op, e.ID)
}

func quoted(values []string) string {
	var words []string
	for _, v := range values {
		words = append(words, strconv.Quote(v))
	}
	return strings.Join(words, " ")
}

// exceptionWords names the losses that the plan's faults and settings explain.
func exceptionWords(p history.Promises) []string {
	var words []string
	if p.MayLoseAcksAll != nil {
		words = append(words, "excepted: loss of any record of "+strings.Join(p.MayLoseAcksAll, ", ")+": the faults reach further than its settings")
	}
	if p.MayLoseAcksOne != nil {
		words = append(words, "excepted: loss of what only the leader had acknowledged in "+strings.Join(p.MayLoseAcksOne, ", "))
	}
	return words
}
