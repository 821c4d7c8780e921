package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrStale says that the source no longer has the lines that a mutant changes.
var ErrStale = errors.New("stale mutant")

// Overlay writes the changed files into dir, and beside them the JSON that `go build -overlay` reads; it returns the
// JSON's name. root is the module's root directory.
func (m Mutant) Overlay(root, dir string) (string, error) {
	changed := map[string]string{}
	for _, edit := range m.Edits {
		text, ok := changed[edit.File]
		if !ok {
			content, err := os.ReadFile(filepath.Join(root, edit.File))
			if err != nil {
				return "", fmt.Errorf("%w: %s: %w", ErrStale, m.Name, err)
			}
			text = string(content)
		}
		if n := strings.Count(text, edit.Old); n != 1 {
			return "", fmt.Errorf("%w: %s: %d places in %s have its lines, not 1", ErrStale, m.Name, n, edit.File)
		}
		changed[edit.File] = strings.Replace(text, edit.Old, edit.New, 1)
	}
	replace := map[string]string{}
	for file, text := range changed {
		target := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = target
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, content, 0o644)
}

// Build compiles the guest with the mutant laid over it into dir and returns the file's name.
func (m Mutant) Build(ctx context.Context, root, dir string) (string, error) {
	overlay, err := m.Overlay(root, dir)
	if err != nil {
		return "", err
	}
	guest := filepath.Join(dir, m.Name+".wasm")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay, "-o", guest, "./cmd/guest")
	build.Dir = root
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %s does not build: %w: %s", m.Name, err, out)
	}
	return guest, nil
}
