package envtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"odradek/broker/env"
)

// directoryCases are about names.
var directoryCases = []Case{
	{"dir-missing", dirMissing},
	{"dir-file-or-directory", dirFileOrDirectory},
	{"dir-make", dirMake},
	{"dir-rename", dirRename},
	{"dir-rename-replaces", dirRenameReplaces},
	{"dir-rename-is-one-step", dirRenameIsOneStep},
	{"dir-rename-directory", dirRenameDirectory},
	{"dir-remove", dirRemove},
	{"dir-remove-open", dirRemoveOpen},
	{"dir-list", dirList},
	{"dir-stat", dirStat},
	{"dir-sync", dirSync},
	{"dir-lock", dirLock},
	{"dir-boot-id", dirBootID},
}

func dirMissing(t *T) {
	_, err := t.Disk.Open(t.path("no/a"), os.O_CREATE)
	t.fails(err, fs.ErrNotExist)
	_, err = t.Disk.Stat(t.path("no"))
	t.fails(err, fs.ErrNotExist)
	_, err = t.Disk.List(t.path("no"))
	t.fails(err, fs.ErrNotExist)
	_, err = t.Disk.Lock(t.path("no/lock"))
	t.fails(err, fs.ErrNotExist)
	t.fails(t.Disk.Remove(t.path("no")), fs.ErrNotExist)
	t.fails(t.Disk.SyncDir(t.path("no")), fs.ErrNotExist)
	t.fails(t.Disk.Rename(t.path("no"), t.path("b")), fs.ErrNotExist)
	t.put("a", "one")
	t.fails(t.Disk.Rename(t.path("a"), t.path("no/a")), fs.ErrNotExist)
	t.file("a", "one")
}

// That these fail is promised; systems differ in how they call it.
func dirFileOrDirectory(t *T) {
	t.put("a", "one")
	t.must(t.Disk.MkdirAll(t.path("d")))
	_, err := t.Disk.Open(t.path("d"), 0)
	t.failsSomehow("open of a directory", err)
	_, err = t.Disk.Open(t.path("a/b"), os.O_CREATE)
	t.failsSomehow("open below a file", err)
	_, err = t.Disk.List(t.path("a"))
	t.failsSomehow("list of a file", err)
	t.failsSomehow("mkdir over a file", t.Disk.MkdirAll(t.path("a")))
	t.failsSomehow("mkdir below a file", t.Disk.MkdirAll(t.path("a/b/c")))
	t.failsSomehow("rename of a file over a directory", t.Disk.Rename(t.path("a"), t.path("d")))
	t.failsSomehow("rename of a directory over a file", t.Disk.Rename(t.path("d"), t.path("a")))
	t.failsSomehow("rename of a directory into itself", t.Disk.Rename(t.path("d"), t.path("d/e")))
	t.file("a", "one")
	t.names("", "a", "d")
	t.names("d")
}

func dirMake(t *T) {
	t.must(t.Disk.MkdirAll(t.path("b/c/d")))
	t.must(t.Disk.MkdirAll(t.path("b/c/e")))
	t.must(t.Disk.MkdirAll(t.path("b")))
	t.names("b/c", "d", "e")
	t.put("b/c/d/a", "one")
	t.file("b/c/d/a", "one")
}

func dirRename(t *T) {
	t.must(t.Disk.MkdirAll(t.path("d")))
	f := t.create("a", "one")
	defer f.Close()
	t.must(t.Disk.Rename(t.path("a"), t.path("d/b")))
	t.names("", "d")
	t.write(f, " more", 3)
	t.file("d/b", "one more")
	t.must(t.Disk.Rename(t.path("d/b"), t.path("d/b")))
	t.file("d/b", "one more")
}

// Handles belong to the file, not to the name.
func dirRenameReplaces(t *T) {
	old := t.create("a", "old")
	defer old.Close()
	replacement := t.create("b", "new")
	defer replacement.Close()
	t.must(t.Disk.Rename(t.path("b"), t.path("a")))
	t.names("", "a")
	t.file("a", "new")
	t.holds(old, "old")
	t.write(old, "gone", 0)
	t.holds(old, "gone")
	t.holds(replacement, "new")
	t.file("a", "new")
}

// While one file after another takes a name, whoever opens that name gets one of them, whole.
func dirRenameIsOneStep(t *T) {
	const rounds = 100
	content := func(i int) string { return fmt.Sprintf("content %04d", i) }
	t.put("a", content(0))
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			f, err := t.Disk.Open(t.path("a"), 0)
			if err != nil {
				t.Errorf("the name was gone: %v", err)
				return
			}
			p := make([]byte, len(content(0)))
			var round int
			if _, err := f.ReadAt(p, 0); err != nil && err != io.EOF {
				t.Errorf("read: %v", err)
			} else if _, err := fmt.Sscanf(string(p), "content %04d", &round); err != nil {
				t.Errorf("read %q: %v", p, err)
			}
			f.Close()
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for i := range rounds {
		t.put("b", content(i))
		if err := t.Disk.Rename(t.path("b"), t.path("a")); err != nil {
			t.Errorf("rename: %v", err)
			break
		}
	}
	close(stop)
	reader.Wait()
}

func dirRenameDirectory(t *T) {
	t.must(t.Disk.MkdirAll(t.path("b/c")))
	t.must(t.Disk.MkdirAll(t.path("d")))
	f := t.create("b/c/a", "one")
	defer f.Close()
	t.must(t.Disk.Rename(t.path("b"), t.path("d/e")))
	t.names("", "d")
	t.file("d/e/c/a", "one")
	t.holds(f, "one")
	t.failsSomehow("rename over a directory", t.Disk.Rename(t.path("d/e/c"), t.path("d")))
}

func dirRemove(t *T) {
	t.must(t.Disk.MkdirAll(t.path("d")))
	t.put("d/a", "one")
	t.failsSomehow("remove of a directory with something in it", t.Disk.Remove(t.path("d")))
	t.file("d/a", "one")
	t.must(t.Disk.Remove(t.path("d/a")))
	t.names("d")
	t.must(t.Disk.Remove(t.path("d")))
	t.names("")
	t.fails(t.Disk.Remove(t.path("d")), fs.ErrNotExist)
}

func dirRemoveOpen(t *T) {
	f := t.create("a", "one")
	t.must(t.Disk.Remove(t.path("a")))
	t.names("")
	t.write(f, " more", 3)
	t.holds(f, "one more")
	t.put("a", "other")
	t.holds(f, "one more")
	t.must(f.Sync())
	t.must(f.Close())
	t.file("a", "other")
}

func dirList(t *T) {
	t.names("")
	for _, name := range []string{"b", "a", "10", "9", "B", ".hidden"} {
		t.put(name, "")
	}
	t.must(t.Disk.MkdirAll(t.path("ab/inner")))
	t.names("", ".hidden", "10", "9", "B", "a", "ab", "b")
	const many = 500
	t.must(t.Disk.MkdirAll(t.path("many")))
	var want []string
	for i := range many {
		want = append(want, fmt.Sprintf("%020d.log", i))
		t.put("many/"+want[i], "")
	}
	t.names("many", want...)
}

func dirStat(t *T) {
	t.must(t.Disk.MkdirAll(t.path("d")))
	f := t.create("a", "one")
	defer f.Close()
	for name, want := range map[string]env.Info{"a": {Size: 3}, "d": {IsDir: true}} {
		if got, err := t.Disk.Stat(t.path(name)); err != nil || got != want {
			t.Errorf("stat of %s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	t.write(f, "one", 100)
	if got, err := t.Disk.Stat(t.path("a")); err != nil || got.Size != 103 {
		t.Errorf("stat after a write: %+v, %v", got, err)
	}
}

func dirSync(t *T) {
	t.must(t.Disk.MkdirAll(t.path("d")))
	t.put("d/a", "one")
	t.must(t.Disk.SyncDir(t.path("d")))
	t.must(t.Disk.SyncDir(t.path("")))
	t.file("d/a", "one")
}

// A second lock of one file fails, whichever process asks, also the one that holds it.
func dirLock(t *T) {
	l, err := t.Disk.Lock(t.path("lock"))
	t.must(err)
	t.names("", "lock")
	if second, err := t.Disk.Lock(t.path("lock")); err == nil {
		t.Errorf("locked twice")
		second.Close()
	} else if !errors.Is(err, env.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	other, err := t.Disk.Lock(t.path("other"))
	t.must(err)
	t.must(other.Close())
	t.must(l.Close())
	l, err = t.Disk.Lock(t.path("lock"))
	t.must(err)
	t.must(l.Close())
}

func dirBootID(t *T) {
	if first, second := t.Disk.BootID(), t.Disk.BootID(); first != second {
		t.Errorf("the boot id went from %q to %q", first, second)
	}
}
