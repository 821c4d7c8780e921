package model

import (
	"cmp"
	"math"
	"slices"

	"odradek/linearizability/history"
)

// never is the end of an operation that has none.
const never = math.MaxInt64

// op is one operation of a partition's log, placed in it.
type op struct {
	place int64 // an append: its offset; a read: the end of the log at its instant
	read  bool
	call  int64 // nanoseconds
	ret   int64 // or never
	send  int   // of an append: index into Sends
	step  int   // of a read: index into Reads

	from  int64  // an append: the end of the log before it; below place when offsets without a record lie between
	token uint64 // an append's
	shift uint64 // an append: base^(place+1-from)
	want  uint64 // a read: the chain at its place
	clash bool   // an append: somebody saw another record at its place
	maybe bool   // an append that may never have happened, at a place that nobody knows
}

// partitionLog is what the operations of one partition say together.
type partitionLog struct {
	name     history.Partition
	agreed   map[int64]uint64 // token of each known offset: as read, else as acknowledged
	places   map[history.ValueID][]int64
	frontier int64    // no read came further
	known    []int64  // offsets of agreed, ascending
	chain    []uint64 // chain[i] covers known[:i]
	appends  []op     // by place, after link
	reads    []op     // by place, after link
	maybes   []int    // sends with an unknown outcome that nobody saw
	loose    bool     // offsets beyond the frontier may be of records that nothing tells of
	loosened int      // how many such offsets there are
}

// build places everything that the history says of one partition.
func build(t *history.Table, p history.Promises, name history.Partition, part *part, seen []bool) *partitionLog {
	l := &partitionLog{name: name, agreed: map[int64]uint64{}, places: map[history.ValueID][]int64{}}
	for _, r := range part.reads {
		l.see(t, &t.Reads[r])
	}
	for _, i := range part.sends {
		l.place(t, p, i, seen)
	}
	for _, a := range l.appends {
		if _, ok := l.agreed[a.place]; !ok {
			l.agreed[a.place] = a.token
		}
	}
	l.index()
	l.placeReads(t, part.reads)
	l.link()
	return l
}

// see takes the records of a read into what is agreed. The first reader's word stands; another's is held against it later.
func (l *partitionLog) see(t *history.Table, step *history.ReadStep) {
	for k, v := range step.Values {
		offset := step.Offset + int64(k)
		if _, ok := l.agreed[offset]; !ok {
			l.agreed[offset] = token(t.Value(v))
			l.places[v] = append(l.places[v], offset)
		}
	}
	l.frontier = max(l.frontier, step.After)
}

// firstUnexplained is the index in appends of the first one beyond the frontier that does not follow the one before it.
func (l *partitionLog) firstUnexplained() int {
	return slices.IndexFunc(l.appends, func(a op) bool { return a.place > l.frontier && a.from < a.place })
}

// place makes a send's appends: one for an acknowledgement, one for each place where it was seen besides.
func (l *partitionLog) place(t *history.Table, p history.Promises, i int, seenAnywhere []bool) {
	s := &t.Sends[i]
	if s.Outcome == history.Fail {
		return
	}
	seen := l.places[s.Value]
	acked := s.Acknowledged() && s.Offset >= 0
	if acked && !slices.Contains(seen, s.Offset) && p.MayLose(s.Asked.Topic, s.Acks) {
		// Lost, or beyond what was read and perhaps lost: set apart.
		acked = false
		l.loose = l.loose || s.Offset >= l.frontier
	}
	if acked {
		l.append(t, i, s.Offset, s.Done)
	}
	for n, offset := range seen {
		switch {
		case acked && offset == s.Offset:
		case s.Idempotent && (acked || n > 0):
			// A second copy is nobody's append: that is for the checkers to see.
		case s.Acknowledged() && s.Offset < 0 && n == 0:
			l.append(t, i, offset, s.Done)
		default:
			l.append(t, i, offset, never)
		}
	}
	if !s.Idempotent {
		l.loose = true
	}
	if !acked && !seenAnywhere[s.Value] {
		l.maybes = append(l.maybes, i)
	}
}

func (l *partitionLog) append(t *history.Table, i int, offset, ret int64) {
	s := &t.Sends[i]
	l.appends = append(l.appends, op{place: offset, call: s.Invoked, ret: ret, send: i, token: token(t.Value(s.Value))})
}

// index sorts the known offsets and chains them.
func (l *partitionLog) index() {
	l.known = make([]int64, 0, len(l.agreed))
	for offset := range l.agreed {
		l.known = append(l.known, offset)
	}
	slices.Sort(l.known)
	l.chain = make([]uint64, 1, len(l.known)+1)
	end := int64(0)
	for i, offset := range l.known {
		l.chain = append(l.chain, add(mul(l.chain[i], power(offset+1-end)), l.agreed[offset]))
		end = offset + 1
	}
}

// before gives the end of the known log below an offset, and the chain there.
func (l *partitionLog) before(offset int64) (end int64, chain uint64) {
	i, _ := slices.BinarySearch(l.known, offset)
	if i == 0 {
		return 0, 0
	}
	return l.known[i-1] + 1, l.chain[i]
}

// placeReads keeps the reads that came further than any that had returned before them.
func (l *partitionLog) placeReads(t *history.Table, reads []int) {
	ordered := slices.Clone(reads)
	slices.SortStableFunc(ordered, func(a, b int) int { return cmp.Compare(t.Reads[a].Done, t.Reads[b].Done) })
	reached := int64(0)
	for _, r := range ordered {
		step := &t.Reads[r]
		if step.Assign || len(step.Values) == 0 {
			continue
		}
		end, chain := l.before(step.Offset)
		want := mul(chain, power(step.Offset-end))
		for _, v := range step.Values {
			want = add(mul(want, base), token(t.Value(v)))
		}
		o := op{place: step.Offset + int64(len(step.Values)), read: true, ret: step.Done, step: r, want: want}
		// A shorter read is implied by the longer one before it, as long as both chain alike.
		if _, chain := l.before(o.place); o.place <= reached && chain == want {
			continue
		}
		reached = max(reached, o.place)
		l.reads = append(l.reads, o)
	}
}

// link gives each append its predecessor, each read the time at which it can have taken effect first, and each append without
// an end the latest time by which it must have happened.
func (l *partitionLog) link() {
	slices.SortStableFunc(l.appends, func(a, b op) int { return cmp.Compare(a.place, b.place) })
	slices.SortStableFunc(l.reads, func(a, b op) int { return cmp.Compare(a.place, b.place) })
	for i := range l.appends {
		a := &l.appends[i]
		a.from, _ = l.before(a.place)
		a.shift = power(a.place + 1 - a.from)
		a.clash = a.token != l.agreed[a.place]
		if a.place > l.frontier {
			l.loosened += int(min(a.place-max(a.from, l.frontier), math.MaxInt32))
		}
	}
	next := 0
	for i := range l.reads {
		r := &l.reads[i]
		for next < len(l.appends) && l.appends[next].place < r.place {
			next++
		}
		r.call = r.ret
		for _, k := range []int{next - 1, next} {
			if k >= 0 && k < len(l.appends) {
				r.call = min(r.call, l.appends[k].call)
			}
		}
	}
	l.closeOpen()
}

// closeOpen ends each append that has no end with the first end of anything further in the log: offsets are the order.
func (l *partitionLog) closeOpen() {
	read, earliest := len(l.reads), int64(never)
	for i := len(l.appends) - 1; i >= 0; i-- {
		a := &l.appends[i]
		for read > 0 && l.reads[read-1].place > a.place {
			read--
			earliest = min(earliest, l.reads[read].ret)
		}
		if a.ret == never {
			a.ret = max(earliest, a.call)
		}
		earliest = min(earliest, a.ret)
	}
}
