package host

import "github.com/tetratelabs/wazero/experimental"

// limitedMemory is an instance's memory, which stops growing at the node's limit.
type limitedMemory struct {
	experimental.LinearMemory
	node *Node
}

// Reallocate implements experimental.LinearMemory.
func (m *limitedMemory) Reallocate(size uint64) []byte {
	if n := m.node; n.memoryLimit > 0 && size > n.memoryLimit && n.proc != nil {
		n.starved++
		return nil
	}
	return m.LinearMemory.Reallocate(size)
}

// heapMemory is an instance's memory on the host's heap, where the system offers nothing better.
type heapMemory struct {
	image *image // to be copied in when there is room
	space []byte
}

// Reallocate implements experimental.LinearMemory.
func (m *heapMemory) Reallocate(size uint64) []byte {
	if size > uint64(cap(m.space)) {
		grown := make([]byte, size, size+size/4)
		copy(grown, m.space)
		m.space = grown
	}
	m.space = m.space[:size]
	if m.image != nil {
		copy(m.space, m.image.bytes)
		m.image = nil
	}
	return m.space
}

// Free implements experimental.LinearMemory.
func (m *heapMemory) Free() { m.space = nil }
