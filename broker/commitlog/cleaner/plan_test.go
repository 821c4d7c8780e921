package cleaner

import (
	"fmt"
	"testing"

	"odradek/broker/commitlog"
)

// segmentsOf makes segments of a hundred offsets each, the last one active; ages are those of their newest records at nowMs.
func segmentsOf(nowMs int64, size int64, ages ...int64) (list []commitlog.SegmentInfo) {
	for i, age := range ages {
		list = append(list, commitlog.SegmentInfo{
			Base: int64(100 * i), Next: int64(100 * (i + 1)), Size: size, FirstMs: nowMs - age - 1, NewestMs: nowMs - age,
			Active: i == len(ages)-1, Settled: i < len(ages)-1,
		})
	}
	return list
}

func TestRetention(t *testing.T) {
	const nowMs = 1_000_000
	for _, test := range []struct {
		name      string
		retention Retention
		mark      int64
		start     int64
	}{
		{"no limit", Retention{-1, -1}, 400, 0},
		{"none old enough", Retention{50, -1}, 400, 0},
		{"one is older", Retention{35, -1}, 400, 100},
		{"exactly as old", Retention{40, -1}, 400, 0},
		{"all are older, the active one too", Retention{5, -1}, 400, 400},
		{"no farther than the high watermark", Retention{5, -1}, 250, 200},
		{"a newer one stops it", Retention{20, -1}, 400, 200},
		{"by size", Retention{-1, 250}, 400, 100},
		{"by size, exactly", Retention{-1, 200}, 400, 200},
		{"by no size", Retention{-1, 0}, 400, 400},
		{"by both", Retention{35, 200}, 400, 200},
	} {
		if got := test.retention.NewStart(segmentsOf(nowMs, 100, 40, 30, 20, 10), 0, test.mark, nowMs); got != test.start {
			t.Errorf("%s: start %d, want %d", test.name, got, test.start)
		}
	}
}

func TestConsider(t *testing.T) {
	const nowMs, never = 1_000_000, 1 << 62
	for _, test := range []struct {
		name           string
		dirty, start   int64
		stable         int64
		lagMin, lagMax int64
		want           string
	}{
		{"new", 0, 0, 400, 0, never, "0-300 0+300 due"},
		{"partly clean", 100, 0, 400, 0, never, "100-300 100+200 due"},
		{"mostly clean", 200, 0, 400, 0, never, "200-300 200+100"},
		{"mostly clean, overdue", 200, 0, 400, 0, 10, "200-300 200+100 due"},
		{"clean", 300, 0, 400, 0, 1, "300-300 300+0"},
		{"an open transaction", 0, 0, 150, 0, never, "0-150 0+200 due"},
		{"too young", 0, 0, 400, 25, never, "0-200 0+200 due"},
		{"all too young", 0, 0, 400, 50, never, "0-0 0+0"},
		{"the start has moved", 50, 120, 400, 0, never, "120-300 100+200 due"},
		{"longer once", 900, 0, 400, 0, never, "0-300 0+300 due"},
	} {
		policy := Policy{LagMsMin: test.lagMin, LagMsMax: test.lagMax, DirtyRatioMin: 0.5}
		p := Consider(segmentsOf(nowMs, 100, 40, 30, 20, 10), test.dirty, test.start, test.stable, policy, nowMs)
		got := fmt.Sprintf("%d-%d %d+%d", p.FirstDirty, p.End, p.CleanBytes, p.DirtyBytes)
		if p.Due(policy) {
			got += " due"
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestGroup(t *testing.T) {
	groups := group(segmentsOf(0, 100, 5, 4, 3, 2, 1), 350, 250)
	if got := fmt.Sprint(groups); got != "[{0 200 2} {200 400 2}]" {
		t.Error(got)
	}
}

func TestOffsetMap(t *testing.T) {
	m := newOffsetMap(10*KeyBytes, 0.5, 1_000)
	for i := range 10 {
		key := []byte(fmt.Sprint(i % 5))
		if !m.put(key, int64(i)) {
			t.Fatalf("%d does not fit", i)
		}
	}
	if m.put([]byte("5"), 10) {
		t.Error("a sixth key fits")
	}
	if !m.put([]byte("4"), 10) {
		t.Error("a known key does not")
	}
	for i, want := range []int64{5, 6, 7, 8, 10, -1} {
		if got := m.get([]byte(fmt.Sprint(i))); got != want {
			t.Errorf("%d: %d, want %d", i, got, want)
		}
	}
	if small := newOffsetMap(1<<30, 0.9, 3); len(small.slots) > 6*KeyBytes {
		t.Errorf("%d bytes for three keys", len(small.slots))
	}
}
