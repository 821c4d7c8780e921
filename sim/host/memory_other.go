//go:build !unix

package host

import "github.com/tetratelabs/wazero/experimental"

func allocate(i *image, _ uint64) experimental.LinearMemory { return &heapMemory{image: i} }
