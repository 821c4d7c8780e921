//go:build wasip1

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server counts, durably: each line "add N" of a connection is appended to a file, synced and answered with the sum.
func server(args []string) error {
	disk := world.Disk
	if err := disk.MkdirAll("data"); err != nil {
		return err
	}
	f, err := disk.Open("data/sum", os.O_CREATE)
	if err != nil {
		return err
	}
	if err := errors.Join(disk.SyncDir("data"), disk.SyncDir("/")); err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	content := make([]byte, size)
	if _, err := f.ReadAt(content, 0); err != nil && err != io.EOF {
		return err
	}
	var mu sync.Mutex
	sum, end := 0, int64(0)
	for line := range strings.SplitAfterSeq(string(content), "\n") {
		n, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
		if err != nil || !strings.HasSuffix(line, "\n") {
			break // a torn tail
		}
		sum, end = sum+n, end+int64(len(line))
	}
	say("serving from %d", sum)
	l, err := world.Net.Listen(args[0])
	if err != nil {
		return err
	}
	add := func(n int) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		line := fmt.Sprintf("%d\n", n)
		if _, err := f.WriteAt([]byte(line), end); err != nil {
			return 0, err
		}
		end += int64(len(line))
		sum += n
		return sum, f.Sync()
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c, add)
	}
}

func serve(c net.Conn, add func(int) (int, error)) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "add "))
		if err != nil {
			fmt.Fprintln(os.Stderr, "bad line:", lines.Text())
			return
		}
		sum, err := add(n)
		if err != nil {
			fmt.Fprintln(os.Stderr, "add:", err)
			return
		}
		fmt.Fprintf(c, "%d\n", sum)
	}
}

// client asks the servers of its arguments in turn, from several goroutines, for a number of virtual milliseconds (the first
// argument), and prints what was acknowledged.
func client(args []string) error {
	ms, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	servers := args[1:]
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for worker := range 3 {
		all.Go(func() {
			for ctx.Err() == nil {
				address := servers[rand.IntN(len(servers))]
				if err := converse(ctx, worker, address); err != nil {
					say("worker %d at %s: %v", worker, address, reason(err))
					select {
					case <-ctx.Done():
					case <-time.After(time.Duration(rand.IntN(50)) * time.Millisecond):
					}
				}
			}
		})
	}
	all.Wait()
	say("done")
	return nil
}

func converse(ctx context.Context, worker int, address string) error {
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := world.Net.Dial(limited, address)
	if err != nil {
		return err
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for range 20 {
		if err := c.SetDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			return err
		}
		n := 1 + rand.IntN(9)
		if _, err := fmt.Fprintf(c, "add %d\n", n); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		say("worker %d at %s: acked %d sum %s", worker, address, n, strings.TrimSpace(answer))
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	}
	return nil
}

// reason is what an error comes down to.
func reason(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return fmt.Sprintf("errno %d", number)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, io.EOF):
		return "EOF"
	}
	return err.Error()
}

// dialOnce dials an address, for at most a number of milliseconds, and tells how that went and how long it took.
func dialOnce(args []string) error {
	ms, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
	defer cancel()
	start := time.Now()
	c, err := world.Net.Dial(ctx, args[1])
	took := time.Since(start).Round(10 * time.Millisecond)
	if err != nil {
		say("failed: %s after %v", reason(err), took)
		return nil
	}
	say("connected from %v to %v after %v", c.LocalAddr(), c.RemoteAddr(), took)
	return c.Close()
}

// hold dials an address, sends a line each 100 ms, and tells how that ends; or, with "accept", takes a connection and only reads.
func hold(args []string) error {
	if args[0] == "accept" {
		l, err := world.Net.Listen(args[1])
		if err != nil {
			return err
		}
		c, err := l.Accept()
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, c)
		say("read %d bytes, then %v", n, err)
		return nil
	}
	start := time.Now()
	c, err := world.Net.Dial(context.Background(), args[1])
	if err != nil {
		return err
	}
	for {
		if _, err := io.WriteString(c, "still here\n"); err != nil {
			say("write: %s after %v", reason(err), time.Since(start).Round(time.Second))
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}
