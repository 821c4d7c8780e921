package replica

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestPendingQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q pendingQueue
		var model []*PendingAppend
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				a := &PendingAppend{required: rapid.Int64Range(0, 20).Draw(t, "required")}
				q.add(a)
				model = append(model, a)
			},
			"release": func(t *rapid.T) {
				upTo := rapid.Int64Range(0, 20).Draw(t, "upTo")
				var got []*PendingAppend
				q.release(upTo, func(a *PendingAppend) { got = append(got, a) })
				var want, rest []*PendingAppend
				for _, a := range model {
					if a.required <= upTo {
						want = append(want, a)
					} else {
						rest = append(rest, a)
					}
				}
				slices.SortStableFunc(want, func(a, b *PendingAppend) int { return int(a.required - b.required) })
				if !slices.Equal(got, want) {
					t.Fatalf("released %d, want %d", len(got), len(want))
				}
				model = rest
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				q.remove(model[i])
				if model[i].queue != nil {
					t.Fatal("a removed append is in a queue")
				}
				model = slices.Delete(model, i, i+1)
			},
			"": func(t *rapid.T) {
				if len(q.waiting) != len(model) {
					t.Fatalf("%d wait, want %d", len(q.waiting), len(model))
				}
			},
		})
	})
}

// Answers leave in the order in which they became known, though several goroutines unlock.
func TestCompletionsKeepTheirOrder(t *testing.T) {
	p := &Partition{}
	var mu sync.Mutex
	var got []int64
	next := int64(0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				p.mu.Lock()
				for range 3 {
					next++
					a := &PendingAppend{partition: p, required: next}
					a.done = func(r AppendResult) {
						mu.Lock()
						defer mu.Unlock()
						got = append(got, a.required)
					}
					p.complete(a, nil)
				}
				p.unlock()
			}
		})
	}
	all.Wait()
	if len(got) != 12000 || !slices.IsSorted(got) {
		t.Errorf("%d answers, sorted: %v", len(got), slices.IsSorted(got))
	}
}

// done may come back to the partition.
func TestDoneMayAppendAgain(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.create(topicID, 1)
		p := c.partition(1)
		answers := 0
		var again func(r AppendResult)
		again = func(r AppendResult) {
			if answers++; answers < 10 {
				p.Append(batch("v", 1), -1, again)
			}
		}
		p.Append(batch("v", 1), -1, again)
		if answers != 10 {
			t.Errorf("%d answers", answers)
		}
	})
}
