//go:build wasip1

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"odradek/broker/env/envtest"
)

// journal writes a file in the careful way, round after round, and says before each step what is done; what it finds at its
// start it says first.
func journal([]string) error {
	disk := world.Disk
	if names, err := disk.List("/"); err != nil {
		return err
	} else {
		say("found %q boot %s", names, disk.BootID())
	}
	if f, err := disk.Open("state", 0); err == nil {
		content := make([]byte, 64)
		n, _ := f.ReadAt(content, 0)
		say("state %q", content[:n])
		f.Close()
	}
	for round := 1; ; round++ {
		temporary, err := disk.Open("state.tmp", os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return err
		}
		_, err = temporary.WriteAt(fmt.Appendf(nil, "round %d", round), 0)
		err = errors.Join(err, temporary.Sync(), temporary.Close())
		err = errors.Join(err, disk.Rename("state.tmp", "state"), disk.SyncDir("/"))
		if err != nil {
			return err
		}
		say("kept %d", round)
		time.Sleep(10 * time.Millisecond)
	}
}

// clocks prints the calendar and the time that passed by the monotonic clock, each virtual second for n seconds.
func clocks(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	start := time.Now()
	for range n {
		time.Sleep(time.Second)
		say("%s %v", time.Now().UTC().Format(time.RFC3339), time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// calls makes as many cheap host calls as its argument says, for measuring.
func calls(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for range n {
		_ = time.Now()
	}
	return nil
}

// syncs shows that a sync leaves other goroutines running: it prints how often one ticked while another synced.
func syncs([]string) error {
	f, err := world.Disk.Open("f", os.O_CREATE)
	if err != nil {
		return err
	}
	ticks, stop := 0, make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				ticks++
			}
		}
	}()
	if _, err := f.WriteAt([]byte("x"), 0); err != nil {
		return err
	}
	start := time.Now()
	err = f.Sync()
	close(stop)
	say("sync: %v after %v, %d ticks", err, time.Since(start).Round(time.Millisecond), ticks)
	runtime.GC()
	return nil
}

// wait reads its standard input to the end, which is how a node is asked to stop.
func wait([]string) error {
	start := time.Now()
	_, err := io.Copy(io.Discard, os.Stdin)
	say("asked to stop after %v", time.Since(start).Round(time.Millisecond))
	return err
}

// suite runs envtest with the node's own name and an address that hangs.
func suite(args []string) error {
	w := envtest.World{Env: world, Dir: "suite", Host: args[0], HangingAddress: args[1]}
	envtest.RunAll(w, func(name string, err error) {
		if err != nil {
			say("FAIL %s: %q", name, err.Error())
		} else {
			say("pass %s", name)
		}
	})
	return nil
}
