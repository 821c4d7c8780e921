package replica

import (
	"testing"
	"time"
)

func TestCaughtUp(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	type fetch struct {
		second            int
		offset, leaderEnd int64
	}
	for _, test := range []struct {
		name    string
		inSync  bool
		fetches []fetch
		end     int64
		now     int
		want    bool
	}{
		{name: "member of the ISR has the benefit of the doubt", inSync: true, end: 10, now: 29, want: true},
		{name: "but not for ever", inSync: true, end: 10, now: 31, want: false},
		{name: "others don't", end: 10, now: 0, want: false},
		{name: "at the end", fetches: []fetch{{0, 10, 10}}, end: 10, now: 1000, want: true},
		{name: "at the end a moment ago", fetches: []fetch{{0, 10, 10}}, end: 20, now: 30, want: true},
		{name: "at the end too long ago", fetches: []fetch{{0, 10, 10}}, end: 20, now: 31, want: false},
		{name: "always one fetch behind", fetches: []fetch{{0, 0, 10}, {20, 10, 20}, {40, 20, 30}, {60, 30, 40}}, end: 50, now: 70, want: true},
		{name: "slower than the leader", fetches: []fetch{{0, 0, 10}, {20, 5, 20}, {40, 10, 30}, {60, 15, 40}}, end: 50, now: 61, want: false},
		{name: "one fetch behind, then silent", fetches: []fetch{{0, 0, 10}, {20, 10, 20}}, end: 50, now: 31, want: false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProgress(2)
			p.startEpoch(start, 0, true, test.inSync)
			for _, f := range test.fetches {
				p.fetched(f.offset, 0, f.leaderEnd, 1, at(f.second))
			}
			if got := p.caughtUp(test.end, at(test.now), 30*time.Second); got != test.want {
				t.Errorf("caught up: %v, want %v (%+v)", got, test.want, *p)
			}
		})
	}
}

func TestProgressOverEpochs(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newProgress(2)
	p.fetched(7, 3, 9, 1, now)
	p.startEpoch(now, 9, false, false)
	if p.logEndOffset != 7 || p.logStartOffset != 3 {
		t.Errorf("the same leader forgot: %+v", *p)
	}
	p.startEpoch(now, 9, true, true)
	if p.logEndOffset != -1 || p.logStartOffset != -1 || p.leaderEndOffset != -1 {
		t.Errorf("a new leader believes what another learned: %+v", *p)
	}
}
