package proc

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"odradek/chaos"
)

// hall is an echoing server behind a relay of node 1 of 3, and callers that count as node 2.
type hall struct {
	t      *testing.T
	links  *links
	relay  *relay
	caller atomic.Int64
}

func newHall(t *testing.T) *hall {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	h := &hall{t: t, links: newLinks(3, rand.New(rand.NewPCG(1, 1)))}
	h.relay = &relay{links: h.links, node: 1, backend: server.Addr().String(), owner: func(int) int { return int(h.caller.Load()) }}
	h.caller.Store(2)
	if err := h.relay.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.relay.refuse)
	return h
}

func (h *hall) dial() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.relay.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

func (h *hall) say(conn net.Conn, text string) {
	h.t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

// hears reads the text, or sees that nothing comes within a moment when text is empty.
func (h *hall) hears(conn net.Conn, text string) {
	h.t.Helper()
	if text == "" {
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Errorf("%d bytes, %v, where nothing should come", n, err)
		}
		conn.SetReadDeadline(time.Time{})
		return
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		h.t.Errorf("heard %q, %v", got, err)
	}
}

func act(kind chaos.Kind, index int, params chaos.Params, nodes ...int) chaos.Act {
	return chaos.Act{Index: index, Nodes: nodes, Fault: chaos.Fault{Kind: kind, Params: params}}
}

// What is sent over a cut link arrives when the cut is over; two faults that overlap cut until both have ended.
func TestCutHolds(t *testing.T) {
	for _, fault := range []chaos.Act{
		act(chaos.Isolate, 0, chaos.Params{}, 1),
		act(chaos.OneWay, 0, chaos.Params{Direction: "in"}, 1),
		act(chaos.OneWay, 0, chaos.Params{Direction: "out"}, 1),
	} {
		h := newHall(t)
		conn := h.dial()
		h.say(conn, "before")
		h.hears(conn, "before")
		h.links.begin(fault)
		h.links.begin(act(chaos.Isolate, 1, chaos.Params{}, 2))
		h.say(conn, "held")
		fresh := h.dial()
		h.say(fresh, "new")
		h.links.end(1)
		h.hears(conn, "")
		h.hears(fresh, "")
		h.links.end(0)
		h.hears(conn, "held")
		h.hears(fresh, "new")
	}
}

// A fault between other nodes, or one that spares clients, changes nothing here.
func TestOthersAreSpared(t *testing.T) {
	h := newHall(t)
	h.links.begin(act(chaos.Isolate, 0, chaos.Params{Clients: true}, 3))
	conn := h.dial()
	h.say(conn, "x")
	h.hears(conn, "x")
	h.caller.Store(chaos.Clients)
	h.links.begin(act(chaos.Isolate, 1, chaos.Params{}, 1))
	client := h.dial()
	h.say(client, "y")
	h.hears(client, "y")
}

func TestResetIsSeen(t *testing.T) {
	h := newHall(t)
	conn := h.dial()
	h.say(conn, "x")
	h.hears(conn, "x")
	h.links.reset(act(chaos.Reset, 0, chaos.Params{}, 3))
	h.say(conn, "spared")
	h.hears(conn, "spared")
	h.links.reset(act(chaos.Reset, 1, chaos.Params{}, 1))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
}

// A node that is down refuses, at the address that it has again later.
func TestDownRefuses(t *testing.T) {
	h := newHall(t)
	h.relay.refuse()
	if _, err := net.Dial("tcp", h.relay.address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialing a node that is down: %v", err)
	}
	if err := h.relay.listen(); err != nil {
		t.Fatal(err)
	}
	conn := h.dial()
	h.say(conn, "back")
	h.hears(conn, "back")
}

// Order and content survive delays and a narrow link, and the end of the stream comes last.
func TestSlowKeepsOrder(t *testing.T) {
	h := newHall(t)
	h.links.begin(act(chaos.SlowLink, 0, chaos.Params{
		Delay: &chaos.Delay{Distribution: "exponential", Mean: chaos.Duration(2 * time.Millisecond)}, BytesPerSecond: 1 << 20}, 1))
	conn := h.dial()
	sent := make([]byte, 100_000)
	for i := range sent {
		sent[i] = byte(i * i >> 3)
	}
	go func() {
		for rest := sent; len(rest) > 0; rest = rest[1000:] {
			conn.Write(rest[:1000])
		}
		conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
	}
}

// The kernel's tables tell whose a connection is.
func TestOwner(t *testing.T) {
	if !canTellOwners {
		t.Skip("this system has no such tables")
	}
	h := newHall(t)
	conn := h.dial()
	inode := inodeOf(conn.LocalAddr().(*net.TCPAddr).Port)
	if inode == "" || !owns(os.Getpid(), inode) {
		t.Errorf("socket %q is not seen as this process's", inode)
	}
	if owns(os.Getppid(), inode) {
		t.Error("the parent seems to have it too")
	}
}
