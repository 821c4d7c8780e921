package mutants

import (
	"os/exec"
	"path"
	"path/filepath"
	"testing"
)

// TestKnownMutantsBuild compiles the packages that a mutant changes, natively: a mutant that doesn't compile finds out
// nothing.
func TestKnownMutantsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a package or two for each mutant")
	}
	all, err := Known()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		overlay, err := m.Overlay(root, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		args := []string{"build", "-overlay", overlay}
		for _, edit := range m.Edits {
			args = append(args, "./"+path.Dir(edit.File))
		}
		build := exec.CommandContext(t.Context(), "go", args...)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.Name, err, out)
		}
	}
}
