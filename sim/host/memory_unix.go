//go:build unix

package host

import (
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// allocate reserves address space for all the memory an instance may come to have, with the image at its beginning, so that growth
// copies nothing, and the host's garbage collector never looks at it. Pages cost nothing until they are touched.
func allocate(i *image, limit uint64) experimental.LinearMemory {
	space, err := syscall.Mmap(-1, 0, int(limit), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return &heapMemory{image: i}
	}
	i.lay(space)
	return &mappedMemory{space}
}

type mappedMemory struct{ space []byte }

// Reallocate implements experimental.LinearMemory.
func (m *mappedMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.space)) {
		return nil
	}
	return m.space[:size]
}

// Free implements experimental.LinearMemory.
func (m *mappedMemory) Free() {
	if m.space != nil {
		_ = syscall.Munmap(m.space) // an address that Mmap returned: it can't fail, and nothing could be done
		m.space = nil
	}
}
