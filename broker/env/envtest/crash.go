package envtest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"odradek/broker/env"
)

// Machine is a disk and the machine around it, which can stop.
type Machine interface {
	// Disk returns the disk as the process that runs now sees it.
	Disk() env.Disk
	// Kill ends that process as kill -9 does, and starts another.
	Kill()
	// StopBefore has the power fail n operations from now, before the next one for 0: that one and all later fail, until
	// PowerLoss. Which operations count is left open, if only all do that change something.
	StopBefore(n int)
	// PowerLoss has the power fail, unless StopBefore did, and starts the machine again with a new process.
	PowerLoss()
}

// CrashCase is one promise about what a stopped process or machine leaves.
type CrashCase struct {
	Name string
	run  func(*T, func(seed uint64) Machine)
}

// seeds is how many machines a case tries. Each outcome that a case wants to see has a chance of a tenth or more.
const seeds = 100

// CrashCases returns what a disk that can lose power has to pass, beside Cases. A case fails not only when something is
// lost that must stay: also when nothing is ever lost, because such a disk would prove nothing.
func CrashCases() []CrashCase { return crashCases }

// Run runs the case with machines that newMachine makes, each with an empty disk; the seed draws what survives. It
// returns what it found wrong, or nil.
func (c CrashCase) Run(newMachine func(seed uint64) Machine) error {
	return runLimited(&T{}, func(t *T) { c.run(t, newMachine) })
}

var crashCases = []CrashCase{
	{"crash-kill", crashKill},
	{"crash-boot", crashBoot},
	{"crash-synced", crashSynced},
	{"crash-overwritten", crashOverwritten},
	{"crash-appended", crashAppended},
	{"crash-truncated", crashTruncated},
	{"crash-created", crashCreated},
	{"crash-renamed", crashRenamed},
	{"crash-moved", crashMoved},
	{"crash-removed", crashRemoved},
	{"crash-created-after-sync", crashCreatedAfterSync},
	{"crash-settled", crashSettled},
	{"crash-write-file-atomic", crashWriteFileAtomic},
}

// outcomes runs one history on many machines, and checks that every outcome is allowed and that each of those is met.
func (t *T) outcomes(newMachine func(uint64) Machine, history func(Machine) string, allowed ...string) {
	seen := map[string]int{}
	for seed := range uint64(seeds) {
		seen[history(newMachine(seed))]++
	}
	for _, outcome := range slices.Sorted(maps.Keys(seen)) {
		if !slices.Contains(allowed, outcome) {
			t.Errorf("%d of %d machines ended with %q", seen[outcome], seeds, outcome)
		}
	}
	for _, outcome := range allowed {
		if seen[outcome] == 0 {
			t.Errorf("none of %d machines ended with %q", seeds, outcome)
		}
	}
}

// putOn writes a file on d, synced or not, and leaves it open.
func (t *T) putOn(d env.Disk, name, content string, synced bool) env.File {
	f, err := d.Open(name, os.O_CREATE)
	t.must(err)
	t.write(f, content, 0)
	if synced {
		t.must(f.Sync())
	}
	return f
}

const missing = "(missing)"

// contentOn returns a file's content, or missing.
func (t *T) contentOn(d env.Disk, name string) string {
	content, err := env.ReadFile(d, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return missing
	}
	t.must(err)
	return string(content)
}

func crashKill(t *T, newMachine func(uint64) Machine) {
	m := newMachine(1)
	d := m.Disk()
	boot := d.BootID()
	t.must(d.MkdirAll("d"))
	f := t.putOn(d, "d/a", "one", false)
	t.putOn(d, "d/b", "two", false)
	t.must(d.Rename("d/b", "d/c"))
	_, err := d.Lock("lock")
	t.must(err)
	m.Kill()
	_, err = f.WriteAt([]byte("x"), 0)
	t.failsSomehow("write by a dead process", err)
	_, err = f.ReadAt(make([]byte, 1), 0)
	t.failsSomehow("read by a dead process", err)
	d = m.Disk()
	for name, want := range map[string]string{"d/a": "one", "d/b": missing, "d/c": "two"} {
		if got := t.contentOn(d, name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	_, err = d.Lock("lock")
	t.must(err)
	if d.BootID() != boot {
		t.Errorf("the boot id went from %q to %q without a boot", boot, d.BootID())
	}
}

func crashBoot(t *T, newMachine func(uint64) Machine) {
	m := newMachine(1)
	d := m.Disk()
	boot := d.BootID()
	f := t.putOn(d, "a", "one", true)
	t.must(d.SyncDir("/"))
	_, err := d.Lock("lock")
	t.must(err)
	m.PowerLoss()
	_, err = f.ReadAt(make([]byte, 1), 0)
	t.failsSomehow("read from before the power loss", err)
	d = m.Disk()
	if d.BootID() == boot && boot != "" {
		t.Errorf("the boot id is still %q", boot)
	}
	_, err = d.Lock("lock")
	t.must(err)
}

func crashSynced(t *T, newMachine func(uint64) Machine) {
	content := string(noise(1, 10_000))
	for seed := range uint64(seeds) {
		m := newMachine(seed)
		d := m.Disk()
		t.must(d.MkdirAll("d/e"))
		t.must(d.SyncDir("/"))
		t.must(d.SyncDir("d"))
		f := t.putOn(d, "d/e/a", content[:5_000], true)
		t.write(f, content[5_000:], 5_000)
		t.must(f.Sync())
		t.must(d.SyncDir("d/e"))
		m.PowerLoss()
		if got := t.contentOn(m.Disk(), "d/e/a"); got != content {
			t.Fatalf("seed %d: synced content of %d bytes came back as %d, or differs", seed, len(content), len(got))
		}
	}
}

// Blocks survive one by one, none in a state that was never written.
func crashOverwritten(t *T, newMachine func(uint64) Machine) {
	const block, blocks = 4096, 3
	fill := func(p []byte, b byte) string {
		for i := range p {
			p[i] = b
		}
		return string(p)
	}
	letter := func(content string) string {
		if fill(make([]byte, block), content[0]) != content {
			return "?"
		}
		return content[:1]
	}
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		f := t.putOn(d, "a", fill(make([]byte, block*blocks), 'o'), true)
		t.must(d.SyncDir("/"))
		t.write(f, fill(make([]byte, block*blocks), 'n'), 0)
		m.PowerLoss()
		content := t.contentOn(m.Disk(), "a")
		if len(content) != block*blocks {
			return fmt.Sprint(len(content))
		}
		return letter(content[:block]) + letter(content[block:2*block]) + letter(content[2*block:])
	}, "ooo", "oon", "ono", "onn", "noo", "non", "nno", "nnn")
}

// Of what was appended any part may be there: with its bytes or, where the size survived and they did not, with zeros.
func crashAppended(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		f := t.putOn(d, "a", "one", true)
		t.must(d.SyncDir("/"))
		t.write(f, "two", 3)
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a")
	}, "one", "onetwo", "one\x00\x00\x00")
}

func crashTruncated(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		f := t.putOn(d, "a", "one", true)
		t.must(d.SyncDir("/"))
		t.must(f.Truncate(0))
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a")
	}, "one", "")
}

// A file that was synced, in a directory that was not, may be gone.
func crashCreated(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		t.putOn(d, "a", "one", true)
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a")
	}, "one", missing)
}

// A name that is taken over holds the old file or the new one, and there is no moment without either.
func crashRenamed(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		t.putOn(d, "a", "old", true)
		t.putOn(d, "b", "new", true)
		t.must(d.SyncDir("/"))
		t.must(d.Rename("b", "a"))
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a") + " " + t.contentOn(m.Disk(), "b")
	}, "old new", "new "+missing)
}

// A file that moves between directories is in one of them.
func crashMoved(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		t.must(d.MkdirAll("d"))
		t.must(d.MkdirAll("e"))
		t.putOn(d, "d/a", "one", true)
		for _, dir := range []string{"/", "d", "e"} {
			t.must(d.SyncDir(dir))
		}
		t.must(d.Rename("d/a", "e/a"))
		m.PowerLoss()
		return t.contentOn(m.Disk(), "d/a") + " " + t.contentOn(m.Disk(), "e/a")
	}, "one "+missing, missing+" one")
}

func crashRemoved(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		t.putOn(d, "a", "one", true)
		t.must(d.SyncDir("/"))
		t.must(d.Remove("a"))
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a")
	}, "one", missing)
	m := newMachine(1)
	d := m.Disk()
	t.putOn(d, "a", "one", true)
	t.must(d.SyncDir("/"))
	t.must(d.Remove("a"))
	t.must(d.SyncDir("/"))
	m.PowerLoss()
	if got := t.contentOn(m.Disk(), "a"); got != missing {
		t.Errorf("a file whose removal was synced holds %q", got)
	}
}

// A directory's sync is about its names: the content of a file in it needs a sync of its own.
func crashCreatedAfterSync(t *T, newMachine func(uint64) Machine) {
	t.outcomes(newMachine, func(m Machine) string {
		d := m.Disk()
		t.putOn(d, "a", "one", false)
		t.must(d.SyncDir("/"))
		m.PowerLoss()
		return t.contentOn(m.Disk(), "a")
	}, "", "one", "\x00\x00\x00")
}

// What a machine finds after a power loss is on its disk: the next power loss changes nothing.
func crashSettled(t *T, newMachine func(uint64) Machine) {
	for seed := range uint64(seeds) {
		m := newMachine(seed)
		d := m.Disk()
		f := t.putOn(d, "a", string(noise(1, 30_000)), true)
		t.write(f, string(noise(2, 50_000)), 0)
		t.putOn(d, "b", string(noise(3, 30_000)), false)
		m.PowerLoss()
		a, b := t.contentOn(m.Disk(), "a"), t.contentOn(m.Disk(), "b")
		m.PowerLoss()
		if a != t.contentOn(m.Disk(), "a") || b != t.contentOn(m.Disk(), "b") {
			t.Fatalf("seed %d: the disk changed in a second power loss", seed)
		}
	}
}

// The power fails at each step of env.WriteFileAtomic in turn: the old content stands or the new, and once it has
// returned, the new.
func crashWriteFileAtomic(t *T, newMachine func(uint64) Machine) {
	oldContent, newContent := string(noise(1, 9_000)), string(noise(2, 10_000))
	met := map[string]bool{}
	for step, done := 0, false; !done; step++ {
		if step > 100 {
			t.Fatalf("StopBefore does not stop, or WriteFileAtomic never ends")
		}
		for seed := range uint64(20) {
			m := newMachine(seed)
			t.must(env.WriteFileAtomic(m.Disk(), "a", []byte(oldContent)))
			m.StopBefore(step)
			err := env.WriteFileAtomic(m.Disk(), "a", []byte(newContent))
			done = err == nil
			m.PowerLoss()
			got := t.contentOn(m.Disk(), "a")
			met[got] = true
			if got != newContent && (done || got != oldContent) {
				t.Fatalf("stopped before operation %d, seed %d: neither content, done %v", step, seed, done)
			}
			t.must(env.WriteFileAtomic(m.Disk(), "a", []byte("next")))
		}
	}
	if !met[oldContent] || !met[newContent] {
		t.Errorf("old content met: %v, new: %v", met[oldContent], met[newContent])
	}
}
