package assign

import (
	"cmp"
	"container/heap"
	"slices"
)

// Uniform balances the number of partitions between the members, whatever their topics, and moves no partition that need not move.
//
// First everybody keeps what it has and still subscribes to. Then the partitions that nobody has go, those of the topics with the
// fewest takers first, to whoever has least. Then, as long as some member has at least two partitions more than another that would take one
// of them, one moves. Each such move makes the sum of the squares of the loads smaller, so it ends; no move of a single partition
// can make the result more even. Kafka has two algorithms here, one for members that all subscribe alike: there this one gives as
// even a result with as few moves.
func Uniform(members []Member, topics []Topic) []Partitions {
	order := sorted(members, byID)
	u := &uniform{members: members, topics: topics, takers: subscribers(members, topics, order), load: make([]int, len(members))}
	u.keep()
	scarce := make([]int, len(topics))
	for t := range scarce {
		scarce[t] = t
	}
	slices.SortStableFunc(scarce, func(a, b int) int { return cmp.Compare(len(u.takers[a]), len(u.takers[b])) })
	for _, t := range scarce {
		u.fill(t)
	}
	for moved := true; moved; {
		moved = false
		for _, t := range scarce {
			moved = u.balance(t) || moved
		}
	}
	return u.result()
}

const nobody = -1

type uniform struct {
	members []Member
	topics  []Topic
	takers  [][]int // of each topic, members in order
	owner   [][]int // of each topic's partitions
	load    []int   // of each member
}

func (u *uniform) keep() {
	u.owner = make([][]int, len(u.topics))
	for t, topic := range u.topics {
		owner := make([]int, topic.Partitions)
		for p := range owner {
			owner[p] = nobody
		}
		for _, m := range u.takers[t] {
			for _, p := range u.members[m].Owned[topic.ID] {
				if int(p) < len(owner) && owner[p] == nobody {
					owner[p] = m
					u.load[m]++
				}
			}
		}
		u.owner[t] = owner
	}
}

// fill gives the partitions of a topic that nobody has to those who have least.
func (u *uniform) fill(t int) {
	if len(u.takers[t]) == 0 {
		return
	}
	poorest := &byLoad{u.load, slices.Clone(u.takers[t])}
	made := false
	for p, owner := range u.owner[t] {
		if owner != nobody {
			continue
		}
		if !made {
			heap.Init(poorest)
			made = true
		}
		m := poorest.members[0]
		u.owner[t][p] = m
		u.load[m]++
		heap.Fix(poorest, 0)
	}
}

// balance moves partitions of a topic from those who have most to those who have least.
func (u *uniform) balance(t int) (moved bool) {
	takers := u.takers[t]
	if len(takers) < 2 {
		return false
	}
	have := make(map[int]int, len(takers)) // partitions of this topic
	for _, m := range u.owner[t] {
		have[m]++
	}
	for {
		richest, poorest := nobody, takers[0]
		for _, m := range takers {
			if have[m] > 0 && (richest == nobody || u.load[m] >= u.load[richest]) {
				richest = m
			}
			if u.load[m] < u.load[poorest] {
				poorest = m
			}
		}
		if richest == nobody || u.load[richest]-u.load[poorest] < 2 {
			return moved
		}
		for p := len(u.owner[t]) - 1; ; p-- {
			if u.owner[t][p] == richest {
				u.owner[t][p] = poorest
				break
			}
		}
		have[richest]--
		have[poorest]++
		u.load[richest]--
		u.load[poorest]++
		moved = true
	}
}

func (u *uniform) result() []Partitions {
	assigned := empty(len(u.members))
	for t, owner := range u.owner {
		for p, m := range owner {
			if m != nobody {
				assigned[m][u.topics[t].ID] = append(assigned[m][u.topics[t].ID], int32(p))
			}
		}
	}
	return assigned
}

// byLoad is a heap of members, the one that has least on top; of several the first in order.
type byLoad struct {
	load    []int
	members []int
}

func (b *byLoad) Len() int      { return len(b.members) }
func (b *byLoad) Swap(i, j int) { b.members[i], b.members[j] = b.members[j], b.members[i] }
func (b *byLoad) Less(i, j int) bool {
	x, y := b.members[i], b.members[j]
	return b.load[x] < b.load[y] || b.load[x] == b.load[y] && x < y
}
func (b *byLoad) Push(any) { panic("assign: nobody joins while partitions are given out") }
func (b *byLoad) Pop() any { panic("assign: nobody leaves while partitions are given out") }
