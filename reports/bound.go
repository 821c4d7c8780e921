package reports

import (
	"fmt"
	"slices"
)

// Bounds of what a page embeds, in bytes of text or numbers of entries. Together they keep a page below three megabytes, which
// a browser opens at once and an issue tracker accepts.
const (
	operationBytesMax = 1_100_000
	lineBytesMax      = 800_000
	whatBytesMax      = 2_000 // of one operation or line
	faultsMax         = 1_000
	violationsMax     = 200
	changesMax        = 200 // of one partition
	partitionsMax     = 20
)

// Rough sizes of a row in JSON beside its texts.
const (
	operationBytes = 90
	lineBytes      = 20
)

// bounded is the run cut down to the bounds. Of operations and lines those stay that are evidence, and then those nearest in
// time to a violation; to a fault, where nothing was violated.
func (r Run) bounded() Run {
	r.Faults = cut(&r, r.Faults, faultsMax, "faults")
	r.Violations = slices.Clone(cut(&r, r.Violations, violationsMax, "violations"))
	r.Partitions = slices.Clone(cut(&r, r.Partitions, partitionsMax, "partitions"))
	for i := range r.Partitions {
		p := &r.Partitions[i]
		p.Changes = cut(&r, p.Changes, changesMax, "changes of partition "+p.Name)
	}
	r.cutOperations(r.moments())
	r.cutLines(r.moments())
	return r
}

// cut keeps the first few and says so.
func cut[T any](r *Run, all []T, most int, name string) []T {
	if len(all) <= most {
		return all
	}
	r.leaveOut(most, len(all), name, "the first")
	return all[:most]
}

func (r *Run) leaveOut(kept, all int, name, which string) {
	r.LeftOut = append(slices.Clip(r.LeftOut), fmt.Sprintf("%d of %d %s are in this page: %s", kept, all, name, which))
}

// moments are the times of interest, ascending.
func (r *Run) moments() []Time {
	var at []Time
	for _, v := range r.Violations {
		if v.At != Never {
			at = append(at, v.At)
		}
		for _, e := range v.Evidence {
			at = append(at, e.At)
		}
	}
	if at == nil {
		for _, f := range r.Faults {
			at = append(at, f.From)
		}
	}
	slices.Sort(at)
	return at
}

// nearness is the distance to the nearest moment.
func nearness(moments []Time, at Time) Time {
	i, _ := slices.BinarySearch(moments, at)
	near := Time(1) << 62
	if i < len(moments) {
		near = moments[i] - at
	}
	if i > 0 {
		near = min(near, at-moments[i-1])
	}
	return near
}

const nearest = "those that show a violation, and the nearest in time to one, or to a fault where nothing was violated"

func (r *Run) cutOperations(moments []Time) {
	evidence := map[int]bool{}
	for _, v := range r.Violations {
		for _, e := range v.Evidence {
			evidence[e.Operation] = true
		}
	}
	all := r.Operations
	r.Operations = slices.Clone(all)
	for i := range r.Operations {
		r.Operations[i].What = shorten(r.Operations[i].What)
		r.Operations[i].Detail = shorten(r.Operations[i].Detail)
	}
	rank := func(i int) Time {
		if evidence[i] {
			return -1
		}
		return nearness(moments, all[i].From)
	}
	size := func(i int) int {
		o := &r.Operations[i]
		return operationBytes + jsonLen(o.Process) + jsonLen(o.What) + jsonLen(o.Detail) + jsonLen(o.Where)
	}
	kept := keep(len(all), operationBytesMax, rank, size)
	if len(kept) == len(all) {
		return
	}
	r.leaveOut(len(kept), len(all), "operations", nearest)
	place := make(map[int]int, len(kept))
	few := make([]Operation, 0, len(kept))
	for _, i := range kept {
		place[i] = len(few)
		few = append(few, r.Operations[i])
	}
	r.Operations = few
	for i := range r.Violations {
		v := &r.Violations[i]
		v.Evidence = slices.Clone(v.Evidence)
		for j := range v.Evidence {
			if at, ok := place[v.Evidence[j].Operation]; ok {
				v.Evidence[j].Operation = at
			} else {
				v.Evidence[j].Operation = -1
			}
		}
	}
}

func (r *Run) cutLines(moments []Time) {
	all := slices.Clone(r.Lines)
	for i := range all {
		all[i].Text = shorten(all[i].Text)
	}
	kept := keep(len(all), lineBytesMax,
		func(i int) Time { return nearness(moments, all[i].At) },
		func(i int) int { return lineBytes + jsonLen(all[i].Who) + jsonLen(all[i].Text) })
	if len(kept) < len(all) {
		r.leaveOut(len(kept), len(all), "lines of the log", nearest)
	}
	r.Lines = nil
	for _, i := range kept {
		r.Lines = append(r.Lines, all[i])
	}
}

// keep picks, by ascending rank, entries of at most so many bytes, and gives them in their own order.
func keep(n, bytesMax int, rank func(int) Time, size func(int) int) []int {
	order := make([]int, n)
	ranks := make([]Time, n)
	for i := range order {
		order[i], ranks[i] = i, rank(i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ranks[a] < ranks[b]:
			return -1
		case ranks[a] > ranks[b]:
			return 1
		}
		return a - b
	})
	total := 0
	for k, i := range order {
		if total += size(i); total > bytesMax {
			order = order[:k]
			break
		}
	}
	slices.Sort(order)
	return order
}

// jsonLen is about how long a text is in JSON: what HTML or JSON escapes takes six bytes.
func jsonLen(text string) int {
	n := len(text)
	for _, c := range []byte(text) {
		switch {
		case c < ' ' || c == '<' || c == '>' || c == '&':
			n += 5
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}

// shorten cuts a text to whatBytesMax, at the beginning of a character.
func shorten(text string) string {
	if len(text) <= whatBytesMax {
		return text
	}
	end := whatBytesMax
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end] + " …"
}
