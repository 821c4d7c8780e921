package quota

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/broker/metadata"
)

var start = time.Unix(1_700_000_000, 0)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

var config = Config{Samples: 11, Window: time.Second, MutationSamples: 11, MutationWindow: time.Second}

func named(name string) metadata.QuotaName {
	return metadata.QuotaName{Kind: metadata.QuotaNamed, Name: name}
}

var anyone = metadata.QuotaName{Kind: metadata.QuotaDefault}

func managed(quotas map[metadata.QuotaEntity]metadata.Quotas) *Manager {
	m := New(config)
	m.Apply(&metadata.Image{Quotas: quotas}, &metadata.Delta{Quotas: true})
	return m
}

// TestRate follows a rate by hand: the first windows count as ten seconds, later ones as long as they are.
func TestRate(t *testing.T) {
	r := newRate(11, time.Second, start)
	for _, step := range []struct {
		at, value, rate float64
		over            time.Duration
	}{
		{0, 1000, 100, 10 * time.Second},
		{0.5, 1000, 2000 / 10.5, 10500 * time.Millisecond},
		{1, 1000, 300, 10 * time.Second},
		{10.5, 0, 3000 / 10.5, 10500 * time.Millisecond},
		{11.5, 0, 1000 / 10.5, 10500 * time.Millisecond}, // the first window is over
		{60, 0, 0, 10 * time.Second},
	} {
		r.record(step.value, at(step.at))
		rate, over := r.perSecond(at(step.at))
		if math.Abs(rate-step.rate) > 1e-9 || over != step.over {
			t.Errorf("at %v: %v over %v, want %v over %v", step.at, rate, over, step.rate, step.over)
		}
	}
	if r.idle(at(70)) || !r.idle(at(71)) {
		t.Error("idle too early or too late")
	}
}

// TestRateConverges: who sends as fast as it can and waits as it is told gets its limit, on average.
func TestRateConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Float64Range(100, 1e7).Draw(t, "limit")
		m := managed(map[metadata.QuotaEntity]metadata.Quotas{{ClientID: named("c")}: {"producer_byte_rate": limit}})
		now, sent := start, 0.0
		for now.Sub(start) < 100*time.Second {
			piece := rapid.Float64Range(limit/4, limit*3).Draw(t, "bytes")
			sent += piece
			now = now.Add(m.Record(ProduceBytes, Who{"u", "c"}, piece, now) + time.Duration(rapid.IntRange(1, 400).Draw(t, "ms"))*time.Millisecond)
		}
		// A burst of the ten windows that count before there are any comes on top.
		if got := sent / now.Sub(start).Seconds(); got > limit*1.2 {
			t.Fatalf("%v a second, limit %v", got, limit)
		}
	})
}

func TestPrecedence(t *testing.T) {
	levels := []struct {
		entity metadata.QuotaEntity
		sharer Who
	}{
		{metadata.QuotaEntity{User: named("u"), ClientID: named("c")}, Who{"u", "c"}},
		{metadata.QuotaEntity{User: named("u"), ClientID: anyone}, Who{"u", "c"}},
		{metadata.QuotaEntity{User: named("u")}, Who{"u", ""}},
		{metadata.QuotaEntity{User: anyone, ClientID: named("c")}, Who{"u", "c"}},
		{metadata.QuotaEntity{User: anyone, ClientID: anyone}, Who{"u", "c"}},
		{metadata.QuotaEntity{User: anyone}, Who{"u", ""}},
		{metadata.QuotaEntity{ClientID: named("c")}, Who{"", "c"}},
		{metadata.QuotaEntity{ClientID: anyone}, Who{"", "c"}},
	}
	quotas := map[metadata.QuotaEntity]metadata.Quotas{{User: named("u")}: {"consumer_byte_rate": 1}}
	for i := len(levels) - 1; i >= 0; i-- { // from the weakest: each new one is the one that counts
		quotas[levels[i].entity] = metadata.Quotas{"producer_byte_rate": float64(i), "request_percentage": 7}
		limit, sharer, ok := limitOf(quotas, ProduceBytes, Who{"u", "c"})
		if !ok || limit != float64(i) || sharer != levels[i].sharer {
			t.Errorf("level %d: limit %v shared by %v, %v", i, limit, sharer, ok)
		}
	}
	if _, _, ok := limitOf(quotas, ProduceBytes, Who{"x", "y"}); !ok {
		t.Error("the default is for everybody")
	}
	if _, _, ok := limitOf(quotas, Mutations, Who{"u", "c"}); ok {
		t.Error("a limit of another kind")
	}
}

// TestSharing: a user's limit is for all its clients together, that of any client for each apart.
func TestSharing(t *testing.T) {
	m := managed(map[metadata.QuotaEntity]metadata.Quotas{{User: named("u")}: {"producer_byte_rate": 100}, {ClientID: anyone}: {"producer_byte_rate": 100}})
	for i, step := range []struct {
		who  Who
		wait bool
	}{
		{Who{"u", "a"}, false}, {Who{"u", "b"}, true},
		{Who{"x", "a"}, false}, {Who{"x", "b"}, false}, {Who{"y", "a"}, true},
	} {
		if wait := m.Record(ProduceBytes, step.who, 1000, start); (wait > 0) != step.wait {
			t.Errorf("step %d, %v: waits %v", i, step.who, wait)
		}
	}
	m.Apply(&metadata.Image{}, &metadata.Delta{Quotas: true})
	if wait := m.Record(ProduceBytes, Who{"u", "a"}, 1e9, start); wait != 0 {
		t.Errorf("waits %v without a limit", wait)
	}
}

func TestWaits(t *testing.T) {
	m := managed(map[metadata.QuotaEntity]metadata.Quotas{
		{User: named("u")}: {"producer_byte_rate": 100, "consumer_byte_rate": 1000, "request_percentage": 50},
		{User: named("z")}: {"producer_byte_rate": 0},
	})
	who := Who{User: "u"}
	if wait := m.Record(ProduceBytes, who, 3000, start); wait != 20*time.Second { // 300 a second where 100 are allowed
		t.Errorf("waits %v", wait)
	}
	if wait := m.Record(RequestPercent, who, 100*60, start); wait != time.Second { // a minute of a processor
		t.Errorf("for its processor time it waits %v", wait)
	}
	if wait := m.Record(ProduceBytes, Who{User: "z"}, 1, start); wait != 10*time.Second {
		t.Errorf("with a limit of nothing it waits %v", wait)
	}
	if n := m.FetchBytesMax(who); n != 10_000 {
		t.Errorf("fetches %d bytes at most", n)
	}
	if n := m.FetchBytesMax(Who{User: "x"}); n != math.MaxInt {
		t.Errorf("without a limit it fetches %d bytes at most", n)
	}
}

func TestMutations(t *testing.T) {
	m := managed(map[metadata.QuotaEntity]metadata.Quotas{{User: named("u")}: {"controller_mutation_rate": 2}})
	who := Who{User: "u"}
	for i, step := range []struct {
		at    float64
		n     int
		force bool
		ok    bool
		wait  time.Duration
	}{
		{0, 20, false, true, 0},               // of 22
		{0, 10, false, true, 4 * time.Second}, // on tick
		{1, 1, false, false, 3 * time.Second}, // still owing 6
		{1, 1, true, true, 3500 * time.Millisecond},
		{1, -1, false, true, 3 * time.Second}, // it was not done after all
		{4, 1, false, true, 500 * time.Millisecond},
		{100, 23, false, true, 500 * time.Millisecond}, // never more than a burst is kept
	} {
		ok, wait := m.Mutate(who, step.n, step.force, at(step.at))
		if ok != step.ok || wait != step.wait {
			t.Errorf("step %d: %v, waits %v; want %v, %v", i, ok, wait, step.ok, step.wait)
		}
	}
	if ok, wait := m.Mutate(Who{User: "x"}, 1000, false, start); !ok || wait != 0 {
		t.Error("without a limit it waits")
	}
}

func TestConnections(t *testing.T) {
	m := managed(map[metadata.QuotaEntity]metadata.Quotas{
		{IP: anyone}: {"connection_creation_rate": 1}, {IP: named("10.0.0.1")}: {"connection_creation_rate": 2},
	})
	for ip, allowed := range map[string]int{"10.0.0.1": 20, "10.0.0.2": 10} {
		for i := range 30 {
			if wait := m.Connection(ip, start); (wait > 0) != (i >= allowed) || wait > time.Second {
				t.Errorf("%s, connection %d: waits %v", ip, i, wait)
			}
		}
	}
}

// TestManyNames: who calls itself something new each time gets no more memory, and no more than a share of what is left.
func TestManyNames(t *testing.T) {
	m := managed(map[metadata.QuotaEntity]metadata.Quotas{{ClientID: anyone}: {"producer_byte_rate": 100}})
	waited := false
	for i := range countedMax + 100 {
		waited = m.Record(ProduceBytes, Who{ClientID: fmt.Sprint(i)}, 900, start) > 0
	}
	if len(m.rates) > countedMax+1 || !waited {
		t.Errorf("%d rates, waited %v", len(m.rates), waited)
	}
	m.Record(ProduceBytes, Who{ClientID: "later"}, 1, at(60))
	if len(m.rates) != 1 {
		t.Errorf("%d rates when all are idle", len(m.rates))
	}
}
