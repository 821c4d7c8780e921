package coord

import "unicode/utf16"

// PartitionFor is the partition of an internal topic that a key (a group's id, a transactional id) belongs to: Java's hash of the
// string, made positive as Kafka's Utils.abs does.
func PartitionFor(key string, partitions int32) int32 {
	var hash int32
	for _, unit := range utf16.Encode([]rune(key)) {
		hash = 31*hash + int32(unit)
	}
	return (hash & 0x7fffffff) % partitions
}
