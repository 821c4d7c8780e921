package assign

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"odradek/broker/metadata"
)

func id(i int) metadata.UUID { return metadata.UUID{byte(i >> 8), byte(i), 1} }

// group is members and topics as rapid draws them; what members own came about by the assignor itself, or not.
func group(t *rapid.T, assignor Assignor) ([]Member, []Topic) {
	topics := make([]Topic, rapid.IntRange(0, 5).Draw(t, "topics"))
	for i := range topics {
		topics[i] = Topic{id(i), rapid.IntRange(0, 9).Draw(t, "partitions")}
	}
	members := make([]Member, rapid.IntRange(1, 6).Draw(t, "members"))
	alike := rapid.Bool().Draw(t, "alike")
	for i := range members {
		members[i] = Member{ID: fmt.Sprint("m", i), Owned: Partitions{}}
		if rapid.IntRange(0, 3).Draw(t, "static") == 0 {
			members[i].Instance = fmt.Sprint("i", 9-i)
		}
		for _, topic := range topics {
			if alike || rapid.Bool().Draw(t, "subscribes") {
				members[i].Topics = append(members[i].Topics, topic.ID)
			}
		}
	}
	if rapid.Bool().Draw(t, "assigned before") {
		some := members[:rapid.IntRange(1, len(members)).Draw(t, "before")]
		for i, owned := range assignor(some, topics) {
			members[i].Owned = owned
		}
	}
	return members, topics
}

func load(p Partitions) int { return p.Count() }

// owners checks that every partition that somebody subscribes to is assigned once, to a subscriber, and in order.
func owners(t *rapid.T, members []Member, topics []Topic, assigned []Partitions) {
	for m, p := range assigned {
		for topic, list := range p {
			if !slices.Contains(members[m].Topics, topic) {
				t.Fatalf("%s got partitions of a topic that it does not subscribe to", members[m].ID)
			}
			if len(list) == 0 || !slices.IsSorted(list) {
				t.Fatalf("%s got %v", members[m].ID, list)
			}
		}
	}
	for _, topic := range topics {
		subscribed := slices.ContainsFunc(members, func(m Member) bool { return slices.Contains(m.Topics, topic.ID) })
		for p := range topic.Partitions {
			times := 0
			for _, a := range assigned {
				if a.Has(topic.ID, int32(p)) {
					times++
				}
			}
			if subscribed && times != 1 || !subscribed && times != 0 {
				t.Fatalf("partition %d of topic %v was assigned %d times", p, topic.ID, times)
			}
		}
	}
}

func TestUniform(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, topics := group(t, Uniform)
		assigned := Uniform(members, topics)
		owners(t, members, topics, assigned)
		for rich, p := range assigned {
			for poor, q := range assigned {
				for topic := range p {
					if slices.Contains(members[poor].Topics, topic) && load(p) > load(q)+1 {
						t.Fatalf("%s has %d partitions, %s %d and would take one", members[rich].ID, load(p), members[poor].ID, load(q))
					}
				}
			}
		}
		for i := range members {
			members[i].Owned = assigned[i]
		}
		for i, again := range Uniform(members, topics) {
			if !again.Equal(assigned[i]) {
				t.Fatalf("nothing changed, and %s has %v after %v", members[i].ID, again, assigned[i])
			}
		}
	})
}

// TestUniformMovesLittle holds the moves of a group whose members subscribe alike to the fewest that give a balance.
func TestUniformMovesLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topics := []Topic{{id(1), rapid.IntRange(0, 20).Draw(t, "partitions")}, {id(2), rapid.IntRange(0, 20).Draw(t, "more partitions")}}
		members := make([]Member, rapid.IntRange(1, 8).Draw(t, "members"))
		for i := range members {
			members[i] = Member{ID: fmt.Sprint("m", i), Topics: []metadata.UUID{id(1), id(2)}, Owned: Partitions{}}
		}
		for _, topic := range topics {
			for p := range topic.Partitions {
				if owner := rapid.IntRange(-1, len(members)-1).Draw(t, "owner"); owner >= 0 {
					members[owner].Owned.Add(topic.ID, int32(p))
				}
			}
		}
		total := topics[0].Partitions + topics[1].Partitions
		least, extra := total/len(members), total%len(members)
		loads := make([]int, len(members))
		for i, m := range members {
			loads[i] = m.Owned.Count()
		}
		slices.SortFunc(loads, func(a, b int) int { return b - a })
		must := 0 // what members with more than their share have to give; the largest shares go to those who have most
		for i, n := range loads {
			share := least
			if i < extra {
				share++
			}
			must += max(n-share, 0)
		}
		given := 0
		for i, p := range Uniform(members, topics) {
			_, taken := members[i].Owned.Split(p)
			given += taken.Count()
		}
		if given != must {
			t.Fatalf("%d partitions were taken from who had them, %d is enough", given, must)
		}
	})
}

func TestRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, topics := group(t, Range)
		assigned := Range(members, topics)
		owners(t, members, topics, assigned)
		for _, topic := range topics {
			for m, p := range assigned {
				list := p[topic.ID]
				if len(list) > 0 && int(list[len(list)-1]-list[0]) != len(list)-1 {
					t.Fatalf("%s has %v, which is no range", members[m].ID, list)
				}
				for other, q := range assigned {
					if slices.Contains(members[other].Topics, topic.ID) && len(list) > len(q[topic.ID])+1 {
						t.Fatalf("%s has %v, %s %v", members[m].ID, list, members[other].ID, q[topic.ID])
					}
				}
			}
		}
	})
}

func TestRangeGoesByInstance(t *testing.T) {
	topics := []Topic{{id(1), 4}, {id(2), 4}}
	both := []metadata.UUID{id(1), id(2)}
	got := Range([]Member{{ID: "a", Topics: both}, {ID: "b", Instance: "z", Topics: both}, {ID: "c", Instance: "y", Topics: both}}, topics)
	for i, want := range [][]int32{{3}, {2}, {0, 1}} {
		for _, topic := range both {
			if !slices.Equal(got[i][topic], want) {
				t.Errorf("member %d has %v, want %v", i, got[i][topic], want)
			}
		}
	}
}

func TestSimple(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, topics := group(t, Simple)
		assigned := Simple(members, topics)
		for _, topic := range topics {
			var takers []int
			for m := range members {
				if slices.Contains(members[m].Topics, topic.ID) {
					takers = append(takers, m)
				} else if len(assigned[m][topic.ID]) > 0 {
					t.Fatalf("%s does not subscribe", members[m].ID)
				}
			}
			shared := map[int32]int{}
			for _, m := range takers {
				if topic.Partitions > 0 && len(assigned[m][topic.ID]) == 0 {
					t.Fatalf("%s has nothing of a topic that it subscribes to", members[m].ID)
				}
				for _, p := range assigned[m][topic.ID] {
					shared[p]++
				}
			}
			if len(takers) > 0 && len(shared) != topic.Partitions {
				t.Fatalf("%d of %d partitions have a member", len(shared), topic.Partitions)
			}
			if counts := slices.Sorted(maps.Values(shared)); len(counts) > 0 && counts[len(counts)-1] > counts[0]+1 {
				t.Fatalf("partitions have %v members", counts)
			}
		}
	})
}

// benchmarkMembers is a group of 100 members that subscribe to 100 topics of 100 partitions.
func benchmarkMembers() ([]Member, []Topic) {
	topics := make([]Topic, 100)
	all := make([]metadata.UUID, len(topics))
	for i := range topics {
		topics[i] = Topic{id(i), 100}
		all[i] = topics[i].ID
	}
	members := make([]Member, 100)
	for i := range members {
		members[i] = Member{ID: fmt.Sprintf("member-%03d", i), Topics: all}
	}
	return members, topics
}

func BenchmarkFirst(b *testing.B) {
	members, topics := benchmarkMembers()
	for name, assignor := range map[string]Assignor{"uniform": Uniform, "range": Range, "simple": Simple} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				assignor(members, topics)
			}
		})
	}
}

// BenchmarkOneMore is a member that joins.
func BenchmarkOneMore(b *testing.B) {
	members, topics := benchmarkMembers()
	for i, owned := range Uniform(members[1:], topics) {
		members[i+1].Owned = owned
	}
	b.ReportAllocs()
	for b.Loop() {
		Uniform(members, topics)
	}
}
