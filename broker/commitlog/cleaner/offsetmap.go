package cleaner

import (
	"crypto/sha256"
	"encoding/binary"
)

// KeyBytes is what the offset map takes for a key, in bytes: 16 of its hash, 8 of its offset.
const KeyBytes = 24

const hashBytes = 16

// offsetMap knows the last offset of each key: a hash table with open addressing in one piece of memory. Two keys of one hash
// would be taken for one, and a record lost: the hash is cryptographic, cut to 128 bits, so that nobody finds such keys.
//
// Invariant: offsets of one key come rising; less than all slots are taken.
type offsetMap struct {
	slots []byte // KeyBytes each: hash, offset + 1; an offset of 0 is an empty slot
	count int
	limit int // how many keys it takes
	// latest is the last offset up to which it knows every record, -1 when none.
	latest int64
}

// newOffsetMap makes a map of at most bytes for at most keys keys, filled to loadFactor. It has room for one key at least.
func newOffsetMap(bytes int64, loadFactor float64, keys int64) *offsetMap {
	slots := bytes / KeyBytes
	if wanted := int64(float64(keys)/loadFactor) + 2; wanted < slots {
		slots = wanted
	}
	slots = max(slots, 2)
	limit := max(int(float64(slots)*loadFactor), 1)
	return &offsetMap{slots: make([]byte, slots*KeyBytes), limit: min(limit, int(slots)-1), latest: -1}
}

// find is the place of a hash's slot, its own or the empty one where it belongs.
func (m *offsetMap) find(hash []byte) []byte {
	count := uint64(len(m.slots) / KeyBytes)
	for i := binary.BigEndian.Uint64(hash) % count; ; i = (i + 1) % count {
		slot := m.slots[i*KeyBytes:][:KeyBytes]
		if binary.BigEndian.Uint64(slot[hashBytes:]) == 0 || string(slot[:hashBytes]) == string(hash) {
			return slot
		}
	}
}

// put notes that offset is the last of key; false when the key is new and there is no room.
func (m *offsetMap) put(key []byte, offset int64) bool {
	hash := sha256.Sum256(key)
	slot := m.find(hash[:hashBytes])
	if binary.BigEndian.Uint64(slot[hashBytes:]) == 0 {
		if m.count == m.limit {
			return false
		}
		m.count++
		copy(slot, hash[:hashBytes])
	}
	binary.BigEndian.PutUint64(slot[hashBytes:], uint64(offset+1))
	return true
}

// get is the last offset of key, -1 when it has none here.
func (m *offsetMap) get(key []byte) int64 {
	hash := sha256.Sum256(key)
	return int64(binary.BigEndian.Uint64(m.find(hash[:hashBytes])[hashBytes:])) - 1
}
