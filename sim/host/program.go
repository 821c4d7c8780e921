// Package host runs a universe: nodes that are instances of one WebAssembly program (GOOS=wasip1, stock Go toolchain) on a
// simulated kernel, whose network, disks, clocks and entropy come from one seed.
//
// A Program is compiled once and shared; any number of universes may run beside each other on different goroutines. Within
// a universe exactly one thing happens at a time: the loop of Universe.Run takes an event off the queue; an event may wake a
// guest, which runs as a coroutine until it parks in a host call. So the host makes no decision that depends on threads, on
// the wall clock or on a map's order, and a seed and a program determine every byte of what follows.
package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Program is a compiled guest. Safe for concurrent use.
type Program struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	image   *image
}

// CompileOptions say how a guest is compiled.
type CompileOptions struct {
	// CacheDir keeps machine code between processes: seconds become milliseconds. Empty keeps nothing.
	CacheDir string
	// Workers is how many threads compile; 0 is one.
	Workers int
	// MemoryLimitMiB is the most memory an instance may have, after which its allocations fail; 0 is 1 GiB.
	MemoryLimitMiB int
}

// Compile compiles a guest and links it to the simulated kernel.
func Compile(ctx context.Context, wasm []byte, options CompileOptions) (*Program, error) {
	pages := uint32(1 << 14)
	if options.MemoryLimitMiB > 0 {
		pages = uint32(min(options.MemoryLimitMiB, 4096)) * 16
	}
	config := wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(pages).WithDebugInfoEnabled(false)
	if options.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(options.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("compilation cache: %w", err)
		}
		config = config.WithCompilationCache(cache)
	}
	if options.Workers > 1 {
		ctx = experimental.WithCompilationWorkers(ctx, options.Workers)
	}
	wasm, memory := splitImage(wasm)
	p := &Program{runtime: wazero.NewRuntimeWithConfig(ctx, config), image: newImage(memory)}
	err := linkKernel(ctx, p.runtime)
	if err == nil {
		p.module, err = p.runtime.CompileModule(ctx, wasm)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("compile guest: %w", err), p.Close())
	}
	return p, nil
}

// Close frees the machine code. No universe may run it any more.
func (p *Program) Close() error {
	return errors.Join(p.runtime.Close(context.Background()), p.image.close())
}

// instantiate makes an instance that hasn't begun to run, with the node's memory.
func (p *Program) instantiate(ctx context.Context, n *Node) (api.Module, error) {
	limited := experimental.MemoryAllocatorFunc(func(_, limit uint64) experimental.LinearMemory {
		return &limitedMemory{allocate(p.image, limit), n}
	})
	return p.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, limited), p.module,
		wazero.NewModuleConfig().WithName("").WithStartFunctions())
}
