package server

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func debugLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan *Call, 100)
		_, network := start(t, Config{InFlightMax: 3, Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
		c := dial(t, network)
		var all []byte
		for i := range int32(10) {
			all = append(all, heartbeat(i)...)
		}
		c.send(all)
		for i := range int32(10) {
			synctest.Wait()
			if want := min(3, 10-int(i)); len(calls) != want {
				t.Fatalf("%d calls under way, want %d", len(calls), want)
			}
			call := <-calls
			call.Reply(empty(call))
			c.expect(i)
		}
	})
}

func TestQueuedBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := make(chan *Call, 100)
		_, network := start(t, Config{QueuedBytesMax: 25_000, Handler: handlerFunc(func(_ context.Context, call *Call) { calls <- call })})
		c := dial(t, network)
		go func() {
			for i := range int32(5) {
				c.Write(produceOf(i, make([]byte, 10_000)))
			}
			c.Write(produceOf(5, make([]byte, 100_000)))
		}()
		synctest.Wait()
		if len(calls) != 2 {
			t.Fatalf("%d calls under way, want 2", len(calls))
		}
		first := <-calls
		first.Release() // its bytes no longer count, answered or not
		synctest.Wait()
		if len(calls) != 2 {
			t.Fatalf("after a release %d calls are there, want 2", len(calls))
		}
		first.Reply(empty(first))
		for i := range int32(5) {
			c.expect(i)
			call := <-calls // the last is larger than the bound and comes when it is alone
			call.Reply(empty(call))
		}
		c.expect(5)
	})
}

// TestIdle: idle, dripping and stuck connections end; one that works or whose request is under way does not.
func TestIdle(t *testing.T) {
	const idle = time.Minute
	// ends returns when the server hung up, up to a bound.
	ends := func(c *client) time.Duration {
		began := time.Now()
		c.SetReadDeadline(began.Add(10 * idle))
		io.Copy(io.Discard, c)
		return time.Since(began)
	}
	within := func(t *testing.T, took time.Duration) {
		t.Helper()
		if took < idle || took > idle*3/2 {
			t.Errorf("ended after %v, want %v to %v", took, idle, idle*3/2)
		}
	}
	config := Config{IdleMax: idle, Handler: echo}
	t.Run("silent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, network := start(t, config)
			within(t, ends(dial(t, network)))
		})
	})
	t.Run("after a request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, network := start(t, config)
			c := dial(t, network)
			time.Sleep(idle * 9 / 10)
			c.send(heartbeat(1))
			c.expect(1)
			within(t, ends(c))
		})
	})
	t.Run("a frame that drips in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, network := start(t, config)
			c := dial(t, network)
			var drip sync.WaitGroup
			defer drip.Wait()
			drip.Go(func() {
				for _, b := range produceOf(1, make([]byte, 10_000)) {
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
			within(t, ends(c))
		})
	})
	t.Run("a request under way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, network := start(t, Config{IdleMax: idle, Handler: handlerFunc(func(_ context.Context, call *Call) {
				time.AfterFunc(5*idle, func() { call.Reply(empty(call)) })
			})})
			c := dial(t, network)
			c.send(heartbeat(1))
			c.expect(1)
		})
	})
	t.Run("a peer that doesn't read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			records := &bytesSlice{content: make([]byte, 64<<20)}
			_, network := start(t, Config{IdleMax: idle, Handler: handlerFunc(func(_ context.Context, call *Call) {
				call.Reply(fetchOf(call, records))
			})})
			c := dial(t, network)
			c.send(fetch(1))
			time.Sleep(2 * idle)
			if records.released.Load() != 1 {
				t.Error("the response is still held")
			}
		})
	})
}

func TestConnectionsPerIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network := start(t, Config{ConnectionsPerIPMax: 2, Handler: echo})
		a, b := dial(t, network), dial(t, network)
		for _, c := range []*client{a, b} {
			c.send(heartbeat(1))
			c.expect(1)
		}
		dial(t, network).expectEnd()
		a.Close()
		synctest.Wait()
		c := dial(t, network)
		c.send(heartbeat(1))
		c.expect(1)
	})
}

// TestConnectionsMax: one too many waits until another ends.
func TestConnectionsMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network := start(t, Config{ConnectionsMax: 1, Handler: echo})
		a := dial(t, network)
		a.send(heartbeat(1))
		a.expect(1)
		b := dial(t, network)
		b.send(heartbeat(2))
		var answered atomic.Bool
		go func() {
			b.expect(2)
			answered.Store(true)
		}()
		synctest.Wait()
		if answered.Load() {
			t.Error("the second was served beside the first")
		}
		a.Close()
		synctest.Wait()
		if !answered.Load() {
			t.Error("the second is not served when the first has ended")
		}
	})
}

// TestDetained: a connection too many of an address is kept for a while and closed unserved; it neither holds up the server's
// end nor the address's other connections.
func TestDetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := time.Duration(0)
		s, network := start(t, Config{Handler: echo, Detain: func(string) time.Duration { return wait }})
		a := dial(t, network)
		a.send(heartbeat(1))
		a.expect(1)
		wait = 700 * time.Millisecond
		b, began := dial(t, network), time.Now()
		b.expectEnd()
		if kept := time.Since(began); kept != wait {
			t.Errorf("closed after %v", kept)
		}
		a.send(heartbeat(2))
		a.expect(2)
		wait = time.Hour
		dial(t, network)
		synctest.Wait()
		s.Close()
		if passed := time.Since(began); passed > time.Minute {
			t.Errorf("closing took %v", passed)
		}
	})
}

// TestMuteWithoutAnswer: what is not answered can throttle its connection too.
func TestMuteWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		_, network := start(t, Config{Handler: handlerFunc(func(_ context.Context, call *Call) {
			at = append(at, time.Now())
			if call.Header.CorrelationID == 1 {
				call.Mute(700 * time.Millisecond)
				call.NoReply()
				return
			}
			call.Reply(empty(call))
		})})
		c := dial(t, network)
		c.send(append(heartbeat(1), heartbeat(2)...))
		c.expect(2)
		if pause := at[1].Sub(at[0]); pause != 700*time.Millisecond {
			t.Errorf("the next request was looked at after %v", pause)
		}
	})
}

// TestLimitsChange: who waits outside is let in when the limit is raised, and a lower one sends nobody away.
func TestLimitsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := start(t, Config{ConnectionsMax: 1, Handler: echo})
		a, b := dial(t, network), dial(t, network)
		a.send(heartbeat(1))
		a.expect(1)
		b.send(heartbeat(2))
		s.SetLimits(5, 2, nil)
		b.expect(2)
		dial(t, network).expectEnd() // a third of one address
		s.SetLimits(1, 1, nil)
		a.send(heartbeat(3))
		a.expect(3)
		b.send(heartbeat(4))
		b.expect(4)
	})
}

// TestLimitsOfSingleAddresses: an address with a limit of its own has that one, also when all others have none left.
func TestLimitsOfSingleAddresses(t *testing.T) {
	a := newAdmission(10, 2)
	a.setLimits(10, 1, map[string]int{"10.0.0.1": 2, "10.0.0.2": 0})
	from := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711} }
	for i, each := range []struct {
		ip    string
		taken bool
	}{{"10.0.0.1", true}, {"10.0.0.1", true}, {"10.0.0.1", false}, {"10.0.0.2", false}, {"10.0.0.3", true}, {"10.0.0.3", false}} {
		if a.enter(from(each.ip)) != each.taken {
			t.Errorf("connection %d, from %s: taken %v", i, each.ip, !each.taken)
		}
	}
	a.leave(from("10.0.0.1"))
	if !a.enter(from("10.0.0.1")) {
		t.Error("a place that is free again is not given")
	}
}
