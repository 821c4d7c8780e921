package disksim_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
	"odradek/sim/disksim"
)

// errDead is what a process gets from the kernel of its machine once it is no more.
var errDead = errors.New("process has ended")

// machine is an envtest.Machine on a simulated disk. It gives its processes the disk as a kernel does: each call of a
// process that has ended fails.
type machine struct {
	mu      sync.Mutex // a universe needs none
	disk    *disksim.Disk
	process int
	fuse    int // calls until the power fails, or -1
	dark    bool
}

func newMachine(seed uint64, torn bool) *machine {
	return &machine{disk: disksim.New(rand.New(rand.NewPCG(seed, 1)), disksim.Params{Torn: torn}), fuse: -1}
}

func (m *machine) Disk() env.Disk { return &process{m, m.process} }

func (m *machine) Kill() {
	m.process++
	m.disk.Crash()
}

func (m *machine) StopBefore(n int) { m.fuse = n }

func (m *machine) PowerLoss() {
	m.fail()
	m.dark, m.fuse = false, -1
	m.disk.PowerOn()
}

func (m *machine) fail() {
	if !m.dark {
		m.dark = true
		m.process++
		m.disk.PowerLoss()
	}
}

// process is the disk as one process sees it.
type process struct {
	m  *machine
	id int
}

func (p *process) alive() error {
	if p.m.fuse == 0 {
		p.m.fail()
	} else if p.m.fuse > 0 {
		p.m.fuse--
	}
	if p.id != p.m.process {
		return errDead
	}
	return nil
}

func fail(op, name string, err error) error {
	if errors.Is(err, disksim.ErrLocked) {
		err = env.ErrLocked
	}
	if errors.Is(err, disksim.ErrNoSpace) {
		err = env.ErrNoSpace
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (p *process) do(op, name string, run func() error) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	err := p.alive()
	if err == nil {
		err = run()
	}
	if err != nil {
		return fail(op, name, err)
	}
	return nil
}

func (p *process) Open(name string, flag int) (env.File, error) {
	f := &file{p: p, name: name}
	err := p.do("open", name, func() (err error) {
		f.File, err = p.m.disk.Open(name, disksim.OpenFlags{
			Create: flag&os.O_CREATE != 0, Exclusive: flag&os.O_EXCL != 0, Truncate: flag&os.O_TRUNC != 0,
		})
		if err == nil && f.Info().IsDir {
			f.File.Close()
			err = disksim.ErrIsDir
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (p *process) MkdirAll(dir string) error {
	return p.do("mkdir", dir, func() error {
		at := ""
		for part := range strings.SplitSeq(path.Clean("/" + dir)[1:], "/") {
			at += "/" + part
			info, err := p.m.disk.Stat(at)
			switch {
			case err == nil && !info.IsDir:
				return disksim.ErrNotDir
			case err != nil:
				if err := p.m.disk.Mkdir(at); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (p *process) Rename(oldName, newName string) error {
	return p.do("rename", oldName, func() error { return p.m.disk.Rename(oldName, newName) })
}

func (p *process) Remove(name string) error {
	return p.do("remove", name, func() error {
		err := p.m.disk.Remove(name, false)
		if err == disksim.ErrIsDir {
			err = p.m.disk.Remove(name, true)
		}
		return err
	})
}

func (p *process) List(dir string) (names []string, err error) {
	err = p.do("list", dir, func() error {
		entries, err := p.m.disk.List(dir)
		names = make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name
		}
		return err
	})
	return names, err
}

func (p *process) Stat(name string) (info env.Info, err error) {
	err = p.do("stat", name, func() error {
		got, err := p.m.disk.Stat(name)
		info = env.Info{Size: got.Size, IsDir: got.IsDir}
		return err
	})
	return info, err
}

func (p *process) SyncDir(dir string) error {
	return p.do("sync", dir, func() error {
		f, err := p.m.disk.Open(dir, disksim.OpenFlags{Directory: true})
		if err != nil {
			return err
		}
		defer f.Close()
		return f.BeginSync(0).Complete()
	})
}

func (p *process) Lock(name string) (io.Closer, error) {
	f, err := p.Open(name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := f.(*file).do("lock", f.(*file).File.Lock); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (p *process) BootID() string { return p.m.disk.BootID() }

// file is an open file as a process has it.
type file struct {
	*disksim.File
	p      *process
	name   string
	closed bool
}

func (f *file) do(op string, run func() error) error {
	if f.closed {
		return fail(op, f.name, fs.ErrClosed)
	}
	return f.p.do(op, f.name, run)
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	var end error
	err = f.do("read", func() error {
		if len(p) == 0 {
			return nil
		}
		n, end = f.File.ReadAt(p, off)
		if end == nil && n < len(p) {
			end = io.EOF
		}
		if end == io.EOF {
			return nil
		}
		return end
	})
	if err == nil {
		err = end
	}
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.do("write", func() error {
		if n, err = f.File.WriteAt(p, off); err == nil && n < len(p) {
			err = disksim.ErrNoSpace
		}
		return err
	})
	return n, err
}

func (f *file) Truncate(size int64) error {
	return f.do("truncate", func() error { return f.File.Truncate(size) })
}

func (f *file) Sync() error {
	return f.do("sync", func() error { return f.BeginSync(0).Complete() })
}

func (f *file) Size() (size int64, err error) {
	err = f.do("stat", func() error {
		size = f.Info().Size
		return nil
	})
	return size, err
}

func (f *file) Close() error {
	return f.do("close", func() error {
		f.closed = true
		f.File.Close()
		return nil
	})
}

func TestDiskKeepsWhatEnvPromises(t *testing.T) {
	ran := 0
	for _, c := range envtest.Cases() {
		if group, _, _ := strings.Cut(c.Name, "-"); group == "net" {
			continue
		}
		ran++
		if err := c.Run(envtest.World{Env: env.Env{Disk: newMachine(1, true).Disk()}, Dir: "suite"}); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if ran < 10 {
		t.Errorf("only %d cases ran", ran)
	}
}

func TestCrashSuite(t *testing.T) {
	for _, c := range envtest.CrashCases() {
		if err := c.Run(func(seed uint64) envtest.Machine { return newMachine(seed, false) }); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
