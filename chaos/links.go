package chaos

import "slices"

// Clients stands for every client in a [Link]; nodes are numbered from 1.
const Clients = 0

// A Link is one direction of the traffic between two nodes, or between a node and [Clients].
type Link struct{ From, To int }

// Links lists the directed links that a fault on the network acts on, when its target has been resolved to these nodes of a
// cluster numbered 1 to n: those that a partition cuts, a slow link slows, a reset resets. Sorted, without repetition.
func Links(f Fault, targets []int, n int) []Link {
	var pairs []Link
	for a := 1; a <= n; a++ {
		for b := 1; b <= n; b++ {
			if a != b && f.hits(a, b, targets, n) {
				pairs = append(pairs, Link{a, b})
			}
		}
		if f.Params.Clients && slices.Contains(targets, a) {
			if f.Params.Direction != "out" {
				pairs = append(pairs, Link{Clients, a})
			}
			if f.Params.Direction != "in" {
				pairs = append(pairs, Link{a, Clients})
			}
		}
	}
	slices.SortFunc(pairs, func(x, y Link) int {
		if x.From != y.From {
			return x.From - y.From
		}
		return x.To - y.To
	})
	return pairs
}

// hits says whether the link from node a to node b is acted on.
func (f Fault) hits(a, b int, targets []int, n int) bool {
	fromTarget, toTarget := slices.Contains(targets, a), slices.Contains(targets, b)
	switch f.Kind {
	case Isolate, Reset, SlowLink, LoseConns:
		return fromTarget || toTarget
	case Split:
		return fromTarget != toTarget
	case OneWay:
		if f.Params.Direction == "in" {
			return toTarget
		}
		return fromTarget
	case Bridge:
		return !fromTarget && !toTarget && half(a, targets, n) != half(b, targets, n)
	case Ring:
		return ringDistance(a, b, n) > n/2/2+n/2%2
	}
	return false
}

// half numbers the half that a node is in when the bridge is left out: the lower numbers are half 0.
func half(node int, bridge []int, n int) int {
	rank, others := 0, 0
	for id := 1; id <= n; id++ {
		if slices.Contains(bridge, id) {
			continue
		}
		if id < node {
			rank++
		}
		others++
	}
	if rank < (others+1)/2 {
		return 0
	}
	return 1
}

// ringDistance counts the steps between two nodes on the ring of their numbers. A node that sees the neighbours up to
// ceil((n/2)/2) steps away on either side sees at least n/2 others, which with itself is a majority.
func ringDistance(a, b, n int) int {
	d := (a - b + n) % n
	return min(d, n-d)
}
