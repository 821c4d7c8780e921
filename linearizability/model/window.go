package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// state is the log as porcupine sees it.
type state struct {
	end  int64
	hash uint64
}

// window is a stretch of a partition's operations, in the order of their places.
type window struct {
	start state
	ops   []op
	known map[int64]bool // of a tail with forks: the places that are not for a fork to fill; else nil
}

// windows cuts the operations by place. When forks are to be tried, what comes at or after the first unexplained offset is
// one window, with the forks in it.
func (l *partitionLog) windows(opsMax int, forks []op) []window {
	ops := make([]op, 0, len(l.appends)+len(l.reads))
	ops = append(append(ops, l.appends...), l.reads...)
	// A read of the log up to b comes after the append of b-1 and before that of b.
	key := func(o op) int64 {
		if o.read {
			return 2 * o.place
		}
		return 2*o.place + 1
	}
	slices.SortStableFunc(ops, func(a, b op) int { return cmp.Compare(key(a), key(b)) })
	tail := len(ops)
	if len(forks) > 0 {
		tail = slices.IndexFunc(ops, func(o op) bool { return !o.read && o.place > l.frontier && o.from < o.place })
	}
	var out []window
	for head := range slices.Chunk(ops[:tail], opsMax) {
		out = append(out, window{start: l.stateBefore(head[0].place), ops: head})
	}
	if tail < len(ops) {
		w := window{start: l.stateBefore(ops[tail].place), known: map[int64]bool{}}
		for _, o := range ops[tail:] {
			o.from, o.shift = o.place, base // forks fill the offsets between
			w.ops = append(w.ops, o)
			w.known[o.place] = true
		}
		w.ops = append(w.ops, forks...)
		out = append(out, w)
	}
	return out
}

func (l *partitionLog) stateBefore(place int64) state {
	end, chain := l.before(place)
	return state{end, chain}
}

// model is the sequential log, started where the window starts.
func (w *window) model() porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return w.start },
		Equal: func(a, b any) bool { return a.(state) == b.(state) },
		Hash:  func(s any) uint64 { return s.(state).hash },
		Step: func(s, input, _ any) (bool, any) {
			next, ok := w.step(s.(state), input.(*op))
			return ok, next
		},
	}
}

func (w *window) step(s state, o *op) (state, bool) {
	switch {
	case o.read:
		return s, s.end == o.place && s.hash == o.want
	case o.maybe:
		// It may fill what no known append will. After all others it did not happen, or nobody can tell.
		return state{s.end + 1, add(mul(s.hash, base), o.token)}, !w.known[s.end]
	}
	return state{o.place + 1, add(mul(s.hash, o.shift), o.token)}, s.end == o.from && !o.clash
}

// search asks porcupine for an order.
func (w *window) search(timeout time.Duration) (porcupine.CheckResult, porcupine.LinearizationInfo) {
	ranks := w.ranks()
	history := make([]porcupine.Operation, len(w.ops))
	for i := range w.ops {
		o := &w.ops[i]
		history[i] = porcupine.Operation{Input: o, Call: 2 * ranks[o.call], Return: 2 * ranks[o.ret]}
		if o.read {
			history[i].Call-- // ahead of the append that begins with it: that order is the one to try first
		}
	}
	lanes(history)
	return porcupine.CheckOperationsVerbose(w.model(), history, timeout)
}

// lanes gives operations that overlap different clients, as porcupine's page draws them; ours send and poll at once.
func lanes(history []porcupine.Operation) {
	order := make([]int, len(history))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(history[a].Call, history[b].Call) })
	var ends []int64
	for _, i := range order {
		lane := slices.IndexFunc(ends, func(end int64) bool { return end < history[i].Call })
		if lane < 0 {
			lane, ends = len(ends), append(ends, 0)
		}
		history[i].ClientId, ends[lane] = lane, history[i].Return
	}
}

// stuck is, of a window without an order, the operation that ends first of those that the longest order found leaves out; -1 when it
// leaves out none.
func (w *window) stuck(info porcupine.LinearizationInfo) int {
	var longest []int
	for _, partition := range info.PartialLinearizations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	stuck := -1
	for i := range w.ops {
		if !slices.Contains(longest, i) && (stuck < 0 || w.ops[i].ret < w.ops[stuck].ret) {
			stuck = i
		}
	}
	return stuck
}

// ranks numbers the times of a window: their order is all that counts, and twice a rank does not overflow.
func (w *window) ranks() map[int64]int64 {
	var times []int64
	for _, o := range w.ops {
		times = append(times, o.call, o.ret)
	}
	slices.Sort(times)
	ranks := make(map[int64]int64, len(times))
	for i, at := range slices.Compact(times) {
		ranks[at] = int64(i) + 1
	}
	return ranks
}
