package sim

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"odradek/chaos"
	"odradek/linearizability/verdict"
)

// What was written comes back; a line that was cut short is left out, and what is none is an error.
func TestResultsFile(t *testing.T) {
	records := []Record{
		RecordOf(3, failed(), nil), RecordOf(4, nil, ErrHarness),
		{Seed: 5, Verdict: verdict.Pass, Hash: "1", VirtualNs: 7, Sometimes: map[string]bool{"rare": false}},
	}
	header := ResultsHeader{Version: ResultsVersion, Guest: "abc", For: "1m0s"}
	text := AppendResult(nil, header)
	for _, r := range records {
		text = AppendResult(text, r)
	}
	for _, cut := range []string{"", `{"seed":6,"verd`} {
		gotHeader, got, whole, err := ReadResults(strings.NewReader(string(text) + cut))
		if err != nil || gotHeader != header || !reflect.DeepEqual(got, records) || whole != int64(len(text)) {
			t.Errorf("%v: %+v %+v, %d bytes", err, gotHeader, got, whole)
		}
	}
	for _, bad := range []string{"{}\n", "hello\n", `{"odradek_results":2}` + "\n", string(text) + "hello\n"} {
		if _, _, _, err := ReadResults(strings.NewReader(bad)); !errors.Is(err, ErrResults) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Parts are put together by seed, and machines that disagree on a seed are found out.
func TestMerge(t *testing.T) {
	pass := func(seed uint64, hash string) Record { return Record{Seed: seed, Verdict: verdict.Pass, Hash: hash} }
	tally, different := Merge([]Record{pass(4, "a"), pass(1, "b"), pass(4, "a"), {Seed: 2, Verdict: verdict.Fail, Kinds: []string{"lost-write"}}, pass(1, "c"), {Seed: 9}})
	if tally.Passed != 2 || tally.Failed != 1 || tally.Broken != 1 || !slices.Equal(different, []uint64{1}) || !slices.Equal(tally.ByKind["lost-write"], []uint64{2}) {
		t.Errorf("%s, different %v", tally.Line(), different)
	}
}

// The shards of a campaign are all of its seeds, each once, and what is known is not run again.
func TestShardsAndResuming(t *testing.T) {
	var mu sync.Mutex
	seen := map[uint64]int{}
	run := func(o Options) (*Result, error) {
		mu.Lock()
		defer mu.Unlock()
		seen[o.Plan.Seed]++
		return &Result{Seed: o.Plan.Seed, Verdict: verdict.Pass, Virtual: time.Minute}, nil
	}
	for _, text := range []string{"0/3", "1/3", "2/3"} {
		shard, err := ParseShard(text)
		if err != nil {
			t.Fatal(err)
		}
		c := &Campaign{First: 10, Last: 30, For: chaos.RunMin, Jobs: 2, Shard: shard, run: run}
		if tally := c.Run(context.Background()); tally.Seeds() != 7 {
			t.Errorf("%s: %s", text, tally.Line())
		}
	}
	for seed := uint64(10); seed <= 30; seed++ {
		if seen[seed] != 1 {
			t.Errorf("seed %d was run %d times", seed, seen[seed])
		}
	}
	c := &Campaign{First: 10, Last: 12, Jobs: 1, run: run, Known: []Record{{Seed: 11, Verdict: verdict.Fail, Kinds: []string{"lost-write"}}, {Seed: 99, Verdict: verdict.Pass}}}
	if tally := c.Run(context.Background()); tally.Passed != 2 || tally.Failed != 1 || seen[11] != 1 || seen[10] != 2 {
		t.Errorf("resumed: %s, %v", tally.Line(), seen)
	}
	for _, bad := range []string{"", "3", "3/3", "-1/3", "1/3/4", "a/b", "1/0"} {
		if s, err := ParseShard(bad); err == nil {
			t.Errorf("%q is shard %+v", bad, s)
		}
	}
}
