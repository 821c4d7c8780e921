package envtest

import (
	"io/fs"

	"odradek/broker/env"
)

// helperCases are about what package env builds upon a Disk.
var helperCases = []Case{
	{"helper-remove-all", helperRemoveAll},
	{"helper-write-file-atomic", helperWriteFileAtomic},
	{"helper-read-file", helperReadFile},
}

func helperRemoveAll(t *T) {
	t.must(t.Disk.MkdirAll(t.path("d/e/f")))
	t.put("d/a", "one")
	t.put("d/e/b", "two")
	t.put("da", "stays")
	t.must(env.RemoveAll(t.Disk, t.path("d")))
	t.names("", "da")
	t.must(env.RemoveAll(t.Disk, t.path("d")))
	t.must(env.RemoveAll(t.Disk, t.path("da")))
	t.names("")
}

func helperWriteFileAtomic(t *T) {
	for _, content := range []string{"one", "two, longer", "", "3", string(noise(1, 100_000))} {
		t.must(env.WriteFileAtomic(t.Disk, t.path("a"), []byte(content)))
		t.file("a", content)
		t.names("", "a")
	}
	t.put("b.tmp", "left behind by a crash, and longer than what comes")
	t.must(env.WriteFileAtomic(t.Disk, t.path("b"), []byte("one")))
	t.file("b", "one")
}

func helperReadFile(t *T) {
	t.put("a", "one")
	if got, err := env.ReadFile(t.Disk, t.path("a"), 3); string(got) != "one" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if got, err := env.ReadFile(t.Disk, t.path("a"), 2); err == nil {
		t.Errorf("read %q past the limit", got)
	}
	_, err := env.ReadFile(t.Disk, t.path("b"), 3)
	t.fails(err, fs.ErrNotExist)
	t.put("empty", "")
	if got, err := env.ReadFile(t.Disk, t.path("empty"), 0); len(got) != 0 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}
