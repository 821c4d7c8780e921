package sim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"odradek/sim/host"
)

// LoadProgram reads and compiles the guest. An empty name means odradek.wasm beside the running program. Machine code is kept
// in the user's cache directory, where there is one, so that only the first run of a build pays for compiling it.
func LoadProgram(ctx context.Context, name string) (*host.Program, error) {
	if name == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		name = filepath.Join(filepath.Dir(self), "odradek.wasm")
	}
	wasm, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (make build makes it, --guest names another)", err)
	}
	if err != nil {
		return nil, err
	}
	options := host.CompileOptions{Workers: runtime.NumCPU()}
	if cache, err := os.UserCacheDir(); err == nil {
		options.CacheDir = filepath.Join(cache, "odradek", "guests")
	}
	return host.Compile(ctx, wasm, options)
}
