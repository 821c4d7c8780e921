package osenv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"odradek/broker/env"
)

func TestNoSpace(t *testing.T) {
	f, err := New().Disk.Open("/dev/full", 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	_, err = f.WriteAt([]byte("x"), 0)
	var pathErr *os.PathError
	if !errors.Is(err, env.ErrNoSpace) || !errors.Is(err, unix.ENOSPC) || !errors.As(err, &pathErr) {
		t.Errorf("write to a full device: %#v", err)
	}
}

func TestQuotaIsNoSpace(t *testing.T) {
	if err := wrap(&os.PathError{Op: "write", Err: unix.EDQUOT}); !errors.Is(err, env.ErrNoSpace) {
		t.Error(err)
	}
	if err := wrap(unix.EIO); errors.Is(err, env.ErrNoSpace) || err != unix.EIO {
		t.Error(err)
	}
}

func TestBootID(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip(err)
	}
	if got := New().Disk.BootID(); got == "" || got != string(bytes.TrimSpace(want)) {
		t.Errorf("%q, want %q", got, want)
	}
}

// lockHolderVariable, set to a file's name, turns the test binary into a process that locks it and waits to be killed.
const lockHolderVariable = "OSENV_TEST_LOCK"

func TestMain(m *testing.M) {
	if name := os.Getenv(lockHolderVariable); name != "" {
		if _, err := New().Disk.Lock(name); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestLockBetweenProcesses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), lockHolderVariable+"="+name)
	// An open standard input keeps the holder alive until it is killed, or this process ends.
	if _, err := holder.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer holder.Wait()
	defer holder.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	if _, err := New().Disk.Lock(name); !errors.Is(err, env.ErrLocked) || !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("lock that another process holds: %v", err)
	}
	holder.Process.Kill()
	holder.Wait()
	l, err := New().Disk.Lock(name)
	if err != nil {
		t.Fatalf("lock of a killed process: %v", err)
	}
	l.Close()
}
