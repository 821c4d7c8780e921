package memenv_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
	"odradek/broker/env/memenv"
)

// machine makes an envtest.Machine of a Disk.
type machine struct {
	disk *memenv.Disk
	loss memenv.Loss
	next *memenv.Disk // what the power failure of StopBefore left
}

func newMachine(seed uint64) envtest.Machine {
	return &machine{disk: memenv.NewDisk(), loss: memenv.Loss{Rand: rand.New(rand.NewPCG(seed, 0))}}
}

func (m *machine) Disk() env.Disk { return m.disk }
func (m *machine) Kill()          { m.disk = m.disk.Kill() }

func (m *machine) StopBefore(n int) {
	m.disk.SetHook(func(memenv.Op) error {
		if n == 0 {
			m.next = m.disk.PowerLoss(m.loss)
		}
		n--
		return nil
	})
}

func (m *machine) PowerLoss() {
	if m.next == nil {
		m.next = m.disk.PowerLoss(m.loss)
	}
	m.disk, m.next = m.next, nil
}

// forkedMachine dies by AfterKill, and what it still does after that is not seen.
type forkedMachine struct{ machine }

func newForkedMachine(seed uint64) envtest.Machine {
	return &forkedMachine{machine{disk: memenv.NewDisk(), loss: memenv.Loss{Rand: rand.New(rand.NewPCG(seed, 0))}}}
}

func (m *forkedMachine) Kill() {
	old := m.disk
	m.disk = old.AfterKill()
	if names, err := old.List("/"); err == nil {
		for _, name := range names {
			env.RemoveAll(old, name)
		}
	}
	old.Kill()
}

func TestCrash(t *testing.T) {
	for name, newMachine := range map[string]func(uint64) envtest.Machine{"killed": newMachine, "forked": newForkedMachine} {
		for _, c := range envtest.CrashCases() {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				if err := c.Run(newMachine); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// survivors runs one history against many seeds and counts how the disk is found.
func survivors(t *testing.T, torn bool, history func(*memenv.Disk), look func(*memenv.Disk) string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for seed := range uint64(200) {
		var seen [2]string
		for i := range seen {
			d := memenv.NewDisk()
			history(d)
			seen[i] = look(d.PowerLoss(memenv.Loss{Rand: rand.New(rand.NewPCG(seed, 0)), Torn: torn}))
		}
		if seen[0] != seen[1] {
			t.Fatalf("seed %d gave %q and %q", seed, seen[0], seen[1])
		}
		found[seen[0]]++
	}
	return found
}

func TestTornBlocks(t *testing.T) {
	history := func(d *memenv.Disk) {
		must(t, write(t, d, "a", strings.Repeat("o", memenv.BlockSize)).Sync())
		must(t, d.SyncDir("/"))
		write(t, d, "a", strings.Repeat("n", memenv.BlockSize))
	}
	look := func(d *memenv.Disk) string {
		content := read(t, d, "a")
		kept := strings.Count(content, "n")
		if content != strings.Repeat("n", kept)+strings.Repeat("o", memenv.BlockSize-kept) || kept%512 != 0 {
			t.Fatalf("a block is torn anywhere: %q", content)
		}
		return fmt.Sprint(kept)
	}
	if found := survivors(t, false, history, look); len(found) != 2 {
		t.Errorf("without tearing: %v", found)
	}
	if found := survivors(t, true, history, look); len(found) != memenv.BlockSize/512+1 {
		t.Errorf("with tearing: %v", found)
	}
}

// Changes of one directory survive in their order; directories know nothing of each other.
func TestDirectoryChangesSurviveInOrder(t *testing.T) {
	history := func(d *memenv.Disk) {
		for _, dir := range []string{"d", "e"} {
			must(t, d.MkdirAll(dir))
		}
		must(t, d.SyncDir("/"))
		for _, name := range []string{"d/1", "e/1", "d/2", "e/2"} {
			write(t, d, name, "")
		}
	}
	look := func(d *memenv.Disk) string {
		var found []string
		for _, dir := range []string{"d", "e"} {
			names, err := d.List(dir)
			must(t, err)
			found = append(found, strings.Join(names, ""))
		}
		return strings.Join(found, " ")
	}
	found := survivors(t, false, history, look)
	for _, want := range []string{" ", " 1", " 12", "1 ", "1 1", "1 12", "12 ", "12 1", "12 12"} {
		if found[want] == 0 {
			t.Errorf("never found %q", want)
		}
		delete(found, want)
	}
	if len(found) > 0 {
		t.Errorf("found out of order: %v", found)
	}
}

// A directory's sync takes along what its own changes build upon, also in other directories, and no more.
func TestSyncDirTakesItsOrigins(t *testing.T) {
	d := memenv.NewDisk()
	for _, dir := range []string{"d", "e"} {
		must(t, d.MkdirAll(dir))
	}
	must(t, d.SyncDir("/"))
	must(t, write(t, d, "d/a", "one").Sync())
	must(t, d.Rename("d/a", "e/a"))
	write(t, d, "d/later", "")
	must(t, d.SyncDir("e"))
	after := d.PowerLoss(memenv.Loss{})
	if got := read(t, after, "e/a"); got != "one" {
		t.Errorf("e/a is %q", got)
	}
	if names, err := after.List("d"); err != nil || len(names) > 0 {
		t.Errorf("d holds %q, %v", names, err)
	}
}

// Truncated and written again without a sync: the blocks are those of before the cut or of after it, at any size that
// the file had, and old bytes do not reappear behind a cut that survived.
func TestTruncateAndWriteAgain(t *testing.T) {
	oldBlock, newBlock := strings.Repeat("o", memenv.BlockSize), strings.Repeat("n", memenv.BlockSize)
	history := func(d *memenv.Disk) {
		f := write(t, d, "a", oldBlock+oldBlock)
		must(t, f.Sync())
		must(t, d.SyncDir("/"))
		must(t, f.Truncate(0))
		write(t, d, "a", newBlock+newBlock+newBlock)
	}
	look := func(d *memenv.Disk) string {
		content := read(t, d, "a")
		var kinds strings.Builder
		for ; len(content) > 0; content = content[memenv.BlockSize:] {
			if content[:memenv.BlockSize] != strings.Repeat(content[:1], memenv.BlockSize) {
				t.Fatal("a block is mixed")
			}
			kinds.WriteString(map[byte]string{'o': "o", 'n': "n", 0: "0"}[content[0]])
		}
		return kinds.String()
	}
	found := survivors(t, false, history, look)
	for kinds := range found {
		if strings.Contains(kinds, "o") && kinds != "oo" {
			t.Errorf("a cut that both survived and did not: %q", kinds)
		}
	}
	for _, want := range []string{"oo", "", "nnn"} {
		if found[want] == 0 {
			t.Errorf("never found %q among %v", want, found)
		}
	}
}

// AfterPowerLoss shows the state that PowerLoss would leave, and neither disk sees what is done to the other.
func TestAfterPowerLossIsApart(t *testing.T) {
	d := memenv.NewDisk()
	f := write(t, d, "a", "one")
	must(t, f.Sync())
	must(t, d.SyncDir("/"))
	after := d.AfterPowerLoss(memenv.Loss{})
	write(t, d, "a", "two")
	must(t, f.Sync())
	if got := read(t, after, "a"); got != "one" {
		t.Errorf("the survivor holds %q", got)
	}
	write(t, after, "a", "six")
	if got := read(t, d, "a"); got != "two" {
		t.Errorf("the first disk holds %q", got)
	}
	if got := read(t, d.PowerLoss(memenv.Loss{}), "a"); got != "two" {
		t.Errorf("after the power loss it holds %q", got)
	}
}

// AfterKill keeps what is synced apart from what is not, and counts the space again.
func TestAfterKillIsApart(t *testing.T) {
	d := memenv.NewDisk()
	f := write(t, d, "a", "one")
	must(t, f.Sync())
	must(t, d.SyncDir("/"))
	write(t, d, "a", "two")
	write(t, d, "gone", strings.Repeat("x", 3*memenv.BlockSize))
	must(t, d.Remove("gone"))
	after := d.AfterKill()
	write(t, d, "a", "six")
	if got := read(t, after, "a"); got != "two" {
		t.Errorf("the next process reads %q", got)
	}
	if after.Used() != memenv.BlockSize || after.BootID() != d.BootID() {
		t.Errorf("%d bytes used, %s", after.Used(), after.BootID())
	}
	if got := read(t, after.PowerLoss(memenv.Loss{}), "a"); got != "one" {
		t.Errorf("after a power loss it holds %q", got)
	}
}

// PowerLoss ends every process of the machine, and whatever ran on it.
func TestPowerLossEndsEverything(t *testing.T) {
	d := memenv.NewDisk()
	other := d.NewProcess()
	f := write(t, other, "a", "one")
	d.PowerLoss(memenv.Loss{})
	_, readErr := f.ReadAt(make([]byte, 1), 0)
	_, sizeErr := f.Size()
	_, listErr := other.List("/")
	for what, err := range map[string]error{"read": readErr, "size": sizeErr, "list": listErr, "sync": f.Sync(), "rename": d.Rename("a", "b")} {
		if !errors.Is(err, memenv.ErrDead) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
