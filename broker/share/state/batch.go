package state

import (
	"cmp"
	"slices"
)

// Batch is a range of offsets in one state. Delivery states are Kafka's: 0 available, 1 acquired, 2 acknowledged, 4 archived.
type Batch struct {
	First, Last   int64
	State         int8
	DeliveryCount int16
}

// merge puts changes over batches. Where both speak of an offset the one that was delivered more often wins, and of those alike the one
// that is further. What lies before start is dropped. The result ascends, without overlaps, and neighbours in it differ.
func merge(batches, changes []Batch, start int64) []Batch {
	for _, change := range changes {
		batches = over(batches, change)
	}
	var merged []Batch
	for _, b := range batches {
		b.First = max(b.First, start)
		if b.Last < b.First {
			continue
		}
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if last.Last+1 == b.First && last.State == b.State && last.DeliveryCount == b.DeliveryCount {
				last.Last = b.Last
				continue
			}
		}
		merged = append(merged, b)
	}
	return merged
}

// over puts one change over batches that ascend.
func over(batches []Batch, change Batch) []Batch {
	next := make([]Batch, 0, len(batches)+2)
	rest := change.First // what of the change has not found its place yet begins here
	for _, b := range batches {
		from, to := max(b.First, change.First), min(b.Last, change.Last)
		if from > to || !change.beats(b) {
			if from <= to && rest <= b.Last { // b stays, the change goes around it
				if rest < b.First {
					next = append(next, change.part(rest, b.First-1))
				}
				rest = b.Last + 1
			}
			next = append(next, b)
			continue
		}
		if b.First < from {
			next = append(next, b.part(b.First, from-1))
		}
		if to < b.Last {
			next = append(next, b.part(to+1, b.Last))
		}
	}
	if rest <= change.Last {
		next = append(next, change.part(rest, change.Last))
	}
	slices.SortFunc(next, func(a, b Batch) int { return cmp.Compare(a.First, b.First) })
	return next
}

func (b Batch) part(first, last int64) Batch {
	b.First, b.Last = first, last
	return b
}

func (b Batch) beats(other Batch) bool {
	return cmp.Or(cmp.Compare(b.DeliveryCount, other.DeliveryCount), cmp.Compare(b.State, other.State)) >= 0
}
