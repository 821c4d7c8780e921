//go:build !unix

package host

import "github.com/tetratelabs/wazero/experimental"

var allocator = experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return &heapMemory{} })
