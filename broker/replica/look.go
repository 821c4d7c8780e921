package replica

import (
	"cmp"
	"slices"
)

// CheckpointEntry is what a checkpoint file says of a partition.
type CheckpointEntry struct {
	Topic  string
	Index  int32
	Offset int64
}

// DecodeCheckpoint reads a file of offsets by partition (replication-offset-checkpoint, cleaner-offset-checkpoint), for tools
// that look at it from outside. Entries are sorted.
func DecodeCheckpoint(content []byte) ([]CheckpointEntry, error) {
	offsets, err := parseCheckpoint(content)
	entries := make([]CheckpointEntry, 0, len(offsets))
	for name, offset := range offsets {
		entries = append(entries, CheckpointEntry{name.topic, name.index, offset})
	}
	slices.SortFunc(entries, func(a, b CheckpointEntry) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
	})
	return entries, err
}
