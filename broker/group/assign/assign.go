// Package assign says who of a group gets which partitions: the server-side assignors of KIP-848 (uniform and range) and of KIP-932
// (simple), as pure functions. Equal input gives equal output, whatever the order of maps.
package assign

import (
	"bytes"
	"cmp"
	"slices"

	"odradek/broker/metadata"
)

// Partitions are partitions by topic. Invariant: each list ascends and is not empty.
type Partitions map[metadata.UUID][]int32

// Member is a member of the group, as far as it matters here.
type Member struct {
	ID       string
	Instance string // "" for a dynamic member
	// Topics are those it subscribes to, of which all are among the topics to assign.
	Topics []metadata.UUID
	// Owned is what it was assigned before.
	Owned Partitions
}

// Topic is a topic with the number of its partitions.
type Topic struct {
	ID         metadata.UUID
	Partitions int
}

// Assignor gives each member, by its place in members, what it is to have.
type Assignor func(members []Member, topics []Topic) []Partitions

// Topics lists the topics in order.
func (p Partitions) Topics() []metadata.UUID {
	topics := make([]metadata.UUID, 0, len(p))
	for id := range p {
		topics = append(topics, id)
	}
	slices.SortFunc(topics, CompareTopics)
	return topics
}

// CompareTopics orders topics by id.
func CompareTopics(a, b metadata.UUID) int { return bytes.Compare(a[:], b[:]) }

// Count is the number of partitions.
func (p Partitions) Count() (n int) {
	for _, list := range p {
		n += len(list)
	}
	return n
}

// Has says whether a partition is among p.
func (p Partitions) Has(topic metadata.UUID, partition int32) bool {
	_, found := slices.BinarySearch(p[topic], partition)
	return found
}

// Add puts a partition in its place.
func (p Partitions) Add(topic metadata.UUID, partition int32) {
	if at, found := slices.BinarySearch(p[topic], partition); !found {
		p[topic] = slices.Insert(p[topic], at, partition)
	}
}

// Equal compares two sets of partitions.
func (p Partitions) Equal(q Partitions) bool {
	if len(p) != len(q) {
		return false
	}
	for id, list := range p {
		if !slices.Equal(list, q[id]) {
			return false
		}
	}
	return true
}

// With is p and q together.
func (p Partitions) With(q Partitions) Partitions {
	both := make(Partitions, len(p)+len(q))
	for _, set := range []Partitions{p, q} {
		for id, list := range set {
			both[id] = slices.Concat(both[id], list)
		}
	}
	for id, list := range both {
		slices.Sort(list)
		both[id] = slices.Compact(list)
	}
	return both
}

// Split tells those of p that are also in q from those that are not.
func (p Partitions) Split(q Partitions) (common, rest Partitions) {
	common, rest = Partitions{}, Partitions{}
	for id, list := range p {
		var in, out []int32
		for _, partition := range list {
			if q.Has(id, partition) {
				in = append(in, partition)
			} else {
				out = append(out, partition)
			}
		}
		if len(in) > 0 {
			common[id] = in
		}
		if len(out) > 0 {
			rest[id] = out
		}
	}
	return common, rest
}

// sorted returns the places of the members in the order of their ids.
func sorted(members []Member, compare func(a, b *Member) int) []int {
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compare(&members[a], &members[b]) })
	return order
}

func byID(a, b *Member) int { return cmp.Compare(a.ID, b.ID) }

// byInstance puts static members first, by their instances, which outlive their ids.
func byInstance(a, b *Member) int {
	switch {
	case a.Instance != "" && b.Instance != "":
		return cmp.Compare(a.Instance, b.Instance)
	case a.Instance != "":
		return -1
	case b.Instance != "":
		return 1
	}
	return byID(a, b)
}

// subscribers are, for each topic, the places of the members that subscribe to it, in order.
func subscribers(members []Member, topics []Topic, order []int) [][]int {
	index := make(map[metadata.UUID]int, len(topics))
	for i, t := range topics {
		index[t.ID] = i
	}
	all := make([][]int, len(topics))
	for _, m := range order {
		for _, id := range members[m].Topics {
			if t, ok := index[id]; ok && (len(all[t]) == 0 || all[t][len(all[t])-1] != m) {
				all[t] = append(all[t], m)
			}
		}
	}
	return all
}

func empty(n int) []Partitions {
	all := make([]Partitions, n)
	for i := range all {
		all[i] = Partitions{}
	}
	return all
}

// Range gives each member that subscribes to a topic a range of its partitions, in the order of the members: members that subscribe
// alike get the same partitions of topics of the same size.
func Range(members []Member, topics []Topic) []Partitions {
	assigned := empty(len(members))
	for t, takers := range subscribers(members, topics, sorted(members, byInstance)) {
		next := 0
		for i, m := range takers {
			share := topics[t].Partitions / len(takers)
			if i < topics[t].Partitions%len(takers) {
				share++
			}
			if share == 0 {
				break
			}
			list := make([]int32, share)
			for j := range list {
				list[j] = int32(next + j)
			}
			assigned[m][topics[t].ID] = list
			next += share
		}
	}
	return assigned
}

// Simple is for share groups, where partitions are shared: every member gets a partition of each topic it subscribes to, and every
// partition a member, of both as evenly as it goes.
func Simple(members []Member, topics []Topic) []Partitions {
	assigned := empty(len(members))
	for t, takers := range subscribers(members, topics, sorted(members, byID)) {
		n := topics[t].Partitions
		if len(takers) == 0 || n == 0 {
			continue
		}
		for i := range max(len(takers), n) {
			assigned[takers[i%len(takers)]].Add(topics[t].ID, int32(i%n))
		}
	}
	return assigned
}
