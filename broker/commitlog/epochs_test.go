package commitlog

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func epochsOf(entries ...epochEntry) *epochCache { return &epochCache{entries: entries} }

// The cases are those of Kafka's LeaderEpochFileCacheTest.
func TestEpochEndOffset(t *testing.T) {
	history := epochsOf(epochEntry{2, 5}, epochEntry{3, 10}, epochEntry{7, 20})
	for _, test := range []struct {
		name      string
		cache     *epochCache
		epoch     int32
		wantEpoch int32
		wantEnd   int64
	}{
		{"no epoch asked for", history, -1, -1, -1},
		{"nothing known", epochsOf(), 4, -1, -1},
		{"newest ends at the log's end", history, 7, 7, 30},
		{"older ends where the next starts", history, 2, 2, 10},
		{"between two is the one before", history, 5, 3, 20},
		{"older than all", history, 1, 1, 5},
		{"newer than all", history, 8, -1, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if epoch, end := test.cache.endOffset(test.epoch, 30); epoch != test.wantEpoch || end != test.wantEnd {
				t.Errorf("%d, %d, want %d, %d", epoch, end, test.wantEpoch, test.wantEnd)
			}
		})
	}
}

func TestEpochAssign(t *testing.T) {
	for _, test := range []struct {
		name   string
		before []epochEntry
		epoch  int32
		start  int64
		want   string
	}{
		{"first", nil, 3, 0, "3@0"},
		{"next", []epochEntry{{1, 0}}, 2, 7, "1@0 2@7"},
		{"known already", []epochEntry{{1, 0}, {2, 7}}, 2, 9, "1@0 2@7"},
		{"known, but starts before", []epochEntry{{1, 0}, {2, 7}}, 2, 5, "1@0 2@5"},
		{"replaces one without records", []epochEntry{{1, 0}, {2, 7}}, 3, 7, "1@0 3@7"},
		{"older replaces newer", []epochEntry{{1, 0}, {3, 7}}, 2, 9, "1@0 2@9"},
		{"starts before many", []epochEntry{{1, 0}, {2, 7}, {3, 9}}, 4, 6, "1@0 4@6"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := epochsOf(test.before...)
			cache.assign(test.epoch, test.start)
			if got := entryString(cache); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func entryString(c *epochCache) string {
	out := ""
	for i, e := range c.entries {
		if i > 0 {
			out += " "
		}
		out += fmt.Sprintf("%d@%d", e.epoch, e.start)
	}
	return out
}

func TestEpochTruncation(t *testing.T) {
	all := []epochEntry{{2, 5}, {3, 10}, {7, 20}}
	for offset, want := range map[int64]string{4: "", 5: "", 6: "2@5", 10: "2@5", 20: "2@5 3@10", 21: "2@5 3@10 7@20"} {
		cache := epochsOf(append([]epochEntry(nil), all...)...)
		if cache.truncateFromEnd(offset); entryString(cache) != want {
			t.Errorf("from the end at %d: %s, want %s", offset, entryString(cache), want)
		}
	}
	for offset, want := range map[int64]string{4: "2@5 3@10 7@20", 5: "2@5 3@10 7@20", 7: "2@7 3@10 7@20", 10: "3@10 7@20", 99: "7@99"} {
		cache := epochsOf(append([]epochEntry(nil), all...)...)
		if cache.truncateFromStart(offset); entryString(cache) != want {
			t.Errorf("from the start at %d: %s, want %s", offset, entryString(cache), want)
		}
	}
}

// TestEpochsRise: whatever is assigned and truncated, epochs and starts rise strictly, and the file gives them back.
func TestEpochsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c epochCache
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			epoch, offset := rapid.Int32Range(0, 9).Draw(t, "epoch"), rapid.Int64Range(0, 30).Draw(t, "offset")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				c.truncateFromEnd(offset)
			case 1:
				c.truncateFromStart(offset)
			default:
				c.assign(epoch, offset)
				if c.last() != epoch {
					t.Fatalf("newest is %d after %d was assigned", c.last(), epoch)
				}
			}
			decoded, err := decodeEpochs(c.encode())
			if err != nil || fmt.Sprint(decoded) != fmt.Sprint(append([]epochEntry{}, c.entries...)) {
				t.Fatalf("%v, %v, want %v", decoded, err, c.entries)
			}
		}
	})
}

func TestTruncatePastTheEndDropsEpochsWithoutRecords(t *testing.T) {
	l, _ := newLog(t, nil)
	appendBatch(t, l, 3, 5)
	must(t, l.AssignEpoch(7, 3))
	must(t, l.TruncateTo(3))
	if l.LastEpoch() != 5 {
		t.Errorf("epoch %d", l.LastEpoch())
	}
	_, err := l.AppendLeader(batchOf(t, 1, nil), 4)
	wantErr(t, err, ErrStaleLeaderEpoch)
	appendBatch(t, l, 1, 6)
	if epoch, end := l.EpochEndOffset(5); epoch != 5 || end != 3 {
		t.Errorf("epoch %d ends at %d", epoch, end)
	}
}
