package host

// heapMemory is an instance's memory on the host's heap, where the system offers nothing better.
type heapMemory struct{ space []byte }

// Reallocate implements experimental.LinearMemory.
func (m *heapMemory) Reallocate(size uint64) []byte {
	if size > uint64(cap(m.space)) {
		grown := make([]byte, size, size+size/4)
		copy(grown, m.space)
		m.space = grown
	}
	m.space = m.space[:size]
	return m.space
}

// Free implements experimental.LinearMemory.
func (m *heapMemory) Free() { m.space = nil }
