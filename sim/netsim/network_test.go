package netsim_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"odradek/sim/clock"
	"odradek/sim/netsim"
)

const latency = time.Millisecond

// lab is two hosts, a and b, a constant millisecond apart.
type lab struct {
	t rapid.TB
	clock.Queue
	net  *netsim.Network
	a, b *netsim.Host
}

func newLab(t rapid.TB, change func(*netsim.Params)) *lab {
	l := &lab{t: t}
	params := netsim.DefaultParams()
	if change != nil {
		change(&params)
	}
	l.net = netsim.New(&l.Queue, rand.New(rand.NewPCG(1, 1)), params, netsim.LinkParams{Latency: netsim.Constant(latency)})
	l.a, l.b = l.host("a", "10.0.0.1"), l.host("b", "10.0.0.2")
	return l
}

func (l *lab) host(name, ip string) *netsim.Host {
	h, err := l.net.AddHost(name, ip)
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

// pass lets d pass.
func (l *lab) pass(d time.Duration) {
	until := l.Now().Add(d)
	for {
		at, some := l.Next()
		if !some || at > until {
			break
		}
		l.Step()
	}
	l.Skip(until)
}

// connect makes a connection from a to b.
func (l *lab) connect() (dialed, accepted *netsim.Conn) {
	l.t.Helper()
	listener := l.listen(":1")
	defer listener.Close()
	dialed = l.dial("b:1")
	l.pass(10 * latency)
	accepted, err := listener.Accept()
	if err != nil || dialed.Status() != nil {
		l.t.Fatalf("accept: %v; dial: %v", err, dialed.Status())
	}
	return dialed, accepted
}

func (l *lab) listen(address string) *netsim.Listener {
	l.t.Helper()
	listener, err := l.b.Listen(address)
	if err != nil {
		l.t.Fatal(err)
	}
	return listener
}

func (l *lab) dial(address string) *netsim.Conn {
	l.t.Helper()
	c, err := l.a.Dial(address)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *lab) send(c *netsim.Conn, text string) {
	l.t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		l.t.Fatalf("sent %d of %q: %v", n, text, err)
	}
}

// reads checks what the next read gives.
func (l *lab) reads(c *netsim.Conn, want string, wantErr error) {
	l.t.Helper()
	p := make([]byte, 100)
	if n, err := c.Read(p); string(p[:n]) != want || err != wantErr {
		l.t.Errorf("at %v: read %q, %v; want %q, %v", time.Duration(l.Now()), p[:n], err, want, wantErr)
	}
}

func TestConnectTakesARoundTrip(t *testing.T) {
	l := newLab(t, nil)
	listener := l.listen("0.0.0.0:1")
	c := l.dial("10.0.0.2:1")
	l.pass(2*latency - 1)
	if c.Status() != netsim.ErrInProgress || c.Writable() || c.Readable() {
		t.Errorf("before the answer: %v", c.Status())
	}
	l.pass(1)
	if c.Status() != nil || !c.Writable() || c.Readable() || listener.Ready() {
		t.Errorf("at the answer: %v", c.Status())
	}
	l.pass(latency)
	s, err := listener.Accept()
	if err != nil || s.LocalAddr() != c.RemoteAddr() || s.RemoteAddr() != c.LocalAddr() || c.RemoteAddr().String() != "10.0.0.2:1" {
		t.Errorf("accepted %v", err)
	}
}

func TestRefused(t *testing.T) {
	l := newLab(t, nil)
	c := l.dial("b:1")
	l.pass(2 * latency)
	if err := c.Status(); err != netsim.ErrRefused {
		t.Errorf("got %v", err)
	}
	if _, err := l.a.Dial("10.9.9.9:1"); err == nil {
		t.Error("an address that nobody has was dialed")
	}
	if _, err := l.a.Dial("b:port"); err == nil {
		t.Error("a bad address was dialed")
	}
}

// A machine without power, and one behind a cut link, is silent; the dial goes on once it answers, at the next try.
func TestHangingDial(t *testing.T) {
	for _, c := range []struct {
		name       string
		break_, up func(l *lab)
	}{
		{"power", func(l *lab) { l.b.PowerOff() }, func(l *lab) { l.b.PowerOn(); l.listen(":1") }},
		{"way there", func(l *lab) { l.net.Block(l.a, l.b) }, func(l *lab) { l.net.Unblock(l.a, l.b); l.listen(":1") }},
		{"way back", func(l *lab) { l.net.Block(l.b, l.a) }, func(l *lab) { l.net.Unblock(l.b, l.a); l.listen(":1") }},
	} {
		l := newLab(t, nil)
		c.break_(l)
		dialed, patient := l.dial("b:1"), l.dial("b:1")
		l.pass(2500 * time.Millisecond)
		if err := dialed.Status(); err != netsim.ErrInProgress {
			t.Errorf("%s: got %v", c.name, err)
		}
		dialed.Close()
		c.up(l)
		l.pass(time.Second)
		if err := patient.Status(); err != nil {
			t.Errorf("%s: healed, and still %v", c.name, err)
		}
	}
	l := newLab(t, nil)
	l.b.PowerOff()
	c := l.dial("b:1")
	l.pass(130 * time.Second)
	if err := c.Status(); err != netsim.ErrTimedOut {
		t.Errorf("never answered: %v", err)
	}
}

func TestStreamsEndInOrder(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.send(a, "one")
	l.send(a, "two")
	a.Close()
	l.reads(b, "", netsim.ErrAgain)
	l.pass(latency)
	l.reads(b, "onetwo", nil)
	l.reads(b, "", nil)
	l.send(b, "too late")
	l.pass(3 * latency)
	if _, err := b.Write([]byte("x")); err != netsim.ErrReset {
		t.Errorf("a write to who has closed: %v", err)
	}
	if _, err := b.Write([]byte("x")); err != netsim.ErrPipe {
		t.Errorf("the next: %v", err)
	}
}

func TestHalfClose(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.send(a, "question")
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("x")); err != netsim.ErrPipe {
		t.Errorf("write after: %v", err)
	}
	l.pass(latency)
	l.reads(b, "question", nil)
	l.reads(b, "", nil)
	l.send(b, "answer")
	b.Close()
	l.pass(latency)
	l.reads(a, "answer", nil)
	l.reads(a, "", nil)
}

func TestCloseWithUnreadBytesResets(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.send(a, "never read")
	l.send(b, "sent before")
	l.pass(latency)
	b.Close()
	l.pass(latency)
	l.reads(a, "sent before", nil)
	l.reads(a, "", netsim.ErrReset)
	l.reads(a, "", nil)
}

func TestWindowStopsAWriter(t *testing.T) {
	l := newLab(t, func(p *netsim.Params) { p.Window = 1000 })
	a, b := l.connect()
	woken := 0
	a.Notify = func() { woken++ }
	if n, err := a.Write(make([]byte, 1500)); n != 1000 || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	if _, err := a.Write([]byte("x")); err != netsim.ErrAgain || a.Writable() {
		t.Errorf("a full window: %v", err)
	}
	l.pass(latency)
	if n, _ := b.Read(make([]byte, 100)); n != 100 {
		t.Errorf("read %d", n)
	}
	l.pass(latency)
	if a.Writable() || woken > 0 {
		t.Error("a small opening was told")
	}
	if n, _ := b.Read(make([]byte, 300)); n != 300 {
		t.Errorf("read %d", n)
	}
	l.pass(latency)
	if !a.Writable() || woken != 1 {
		t.Errorf("an opening of 400 wasn't told, or %d times", woken)
	}
	if n, err := a.Write(make([]byte, 1500)); n != 400 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
}

func TestBandwidth(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.net.SetLink(l.a, l.b, netsim.LinkParams{Latency: netsim.Constant(latency), BytesPerSecond: 10_000})
	l.send(a, string(make([]byte, 1000)))
	l.send(a, string(make([]byte, 1000)))
	l.pass(100*time.Millisecond + latency)
	if n, _ := b.Read(make([]byte, 5000)); n != 1000 {
		t.Errorf("%d bytes after a tenth of a second", n)
	}
	l.pass(100 * time.Millisecond)
	if n, _ := b.Read(make([]byte, 5000)); n != 1000 {
		t.Errorf("%d bytes after two tenths", n)
	}
}

// What waits before a link that was slow leaves at the speed that the link has now, in order, whoever sent it; and what is
// sent after it is not held up by a queue that is no more.
func TestBandwidthOfWhatWaits(t *testing.T) {
	for _, c := range []struct {
		after int64
		took  time.Duration
	}{{after: 100_000, took: 15 * time.Millisecond}, {after: 0}, {after: 1000, took: 1500 * time.Millisecond}} {
		l := newLab(t, nil)
		a, b := l.connect()
		other, peer := l.connect()
		link := netsim.LinkParams{Latency: netsim.Constant(latency), BytesPerSecond: 10_000}
		l.net.SetLink(l.a, l.b, link)
		l.send(a, string(make([]byte, 1000)))
		l.send(other, string(make([]byte, 1000)))
		l.pass(50 * time.Millisecond)
		link.BytesPerSecond = c.after
		l.net.SetLink(l.a, l.b, link)
		l.send(a, "last")
		l.pass(c.took + latency - time.Millisecond)
		if n, _ := peer.Read(make([]byte, 5000)); n != 0 {
			t.Errorf("at %d bytes/s, %d bytes before their time", c.after, n)
		}
		l.pass(5 * time.Millisecond)
		if n, _ := peer.Read(make([]byte, 5000)); n != 1000 {
			t.Errorf("at %d bytes/s, %d bytes of the last to leave", c.after, n)
		}
		if n, _ := b.Read(make([]byte, 5000)); n != 1000+len("last") && c.after != 1000 {
			t.Errorf("at %d bytes/s, %d bytes of the first", c.after, n)
		}
	}
}

// What a cut link swallowed arrives after it healed, and not before.
func TestPartitionHolds(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.net.Block(l.a, l.b)
	l.send(a, "held")
	l.pass(5 * time.Second)
	l.reads(b, "", netsim.ErrAgain)
	l.net.Unblock(l.a, l.b)
	l.pass(5 * time.Second)
	l.reads(b, "held", nil)
	l.send(b, "answer")
	l.pass(latency)
	l.reads(a, "answer", nil)
}

// Unacknowledged for too long, the sender gives up; the other end stays half-open until it speaks. It doesn't matter whether
// the bytes or their acknowledgements are lost.
func TestPartitionTimesOut(t *testing.T) {
	for _, wayBack := range []bool{false, true} {
		l := newLab(t, nil)
		a, b := l.connect()
		from, to := l.a, l.b
		if wayBack {
			from, to = l.b, l.a
		}
		l.net.Block(from, to)
		l.send(a, "x")
		l.pass(14 * time.Second)
		l.reads(a, "", netsim.ErrAgain)
		l.pass(2 * time.Second)
		l.reads(a, "", netsim.ErrTimedOut)
		if wayBack {
			l.reads(b, "x", nil)
		}
		l.reads(b, "", netsim.ErrAgain)
		l.net.Unblock(from, to)
		l.pass(time.Second)
		l.reads(b, "", netsim.ErrAgain)
		l.send(b, "anyone?")
		l.pass(2 * latency)
		l.reads(b, "", netsim.ErrReset)
	}
}

func TestDeathIsHeardAndPowerLossIsNot(t *testing.T) {
	l := newLab(t, nil)
	a, _ := l.connect()
	listener := l.listen(":2")
	l.b.Kill()
	l.pass(latency)
	if !a.Readable() {
		t.Error("a process died, and its peer heard nothing")
	}
	if listener.Ready() {
		t.Error("a dead listener")
	}
	c := l.dial("b:2")
	l.pass(2 * latency)
	if err := c.Status(); err != netsim.ErrRefused {
		t.Errorf("dial of a dead process: %v", err)
	}

	a, _ = l.connect()
	l.b.PowerOff()
	l.pass(10 * time.Second)
	l.reads(a, "", netsim.ErrAgain)
	l.b.PowerOn()
	l.send(a, "still there?")
	l.pass(2 * latency)
	l.reads(a, "", netsim.ErrReset)
}

// A silent connection to a machine that has restarted ends by a keep-alive probe.
func TestKeepAlive(t *testing.T) {
	l := newLab(t, nil)
	a, _ := l.connect()
	l.b.PowerOff()
	l.pass(20 * time.Second)
	l.reads(a, "", netsim.ErrAgain)
	l.b.PowerOn()
	l.pass(20 * time.Second)
	l.reads(a, "", netsim.ErrReset)

	a, _ = l.connect()
	l.pass(10 * time.Minute)
	l.reads(a, "", netsim.ErrAgain) // both live: nothing happens
	l.net.Block(l.b, l.a)
	l.pass(3 * time.Minute)
	l.reads(a, "", netsim.ErrTimedOut)
}

func TestResetLink(t *testing.T) {
	l := newLab(t, nil)
	a, b := l.connect()
	l.net.ResetLink(l.b, l.a)
	l.reads(a, "", netsim.ErrReset)
	l.reads(b, "", netsim.ErrReset)
}

func TestListenerThatCloses(t *testing.T) {
	l := newLab(t, nil)
	listener := l.listen(":1")
	if _, err := l.b.Listen(":1"); err == nil {
		t.Error("two listeners on a port")
	}
	waiting := l.dial("b:1")
	l.pass(3 * latency)
	listener.Close()
	l.pass(latency)
	l.reads(waiting, "", netsim.ErrReset)
	l.listen(":1").Close()
}

func TestBacklogIsBounded(t *testing.T) {
	l := newLab(t, func(p *netsim.Params) { p.Backlog = 2 })
	listener := l.listen(":1")
	dialed := []*netsim.Conn{l.dial("b:1"), l.dial("b:1")}
	l.pass(10 * latency)
	third := l.dial("b:1")
	l.pass(10 * latency)
	if dialed[1].Status() != nil || third.Status() != netsim.ErrInProgress {
		t.Errorf("%v, %v", dialed[1].Status(), third.Status())
	}
	if _, err := listener.Accept(); err != nil {
		t.Fatal(err)
	}
	l.pass(2 * time.Second)
	if err := third.Status(); err != nil {
		t.Errorf("room in the backlog: %v", err)
	}
}

// Through any sequence of writes, reads, cuts and changes of the link, what is read is what was written, in order; and once
// all is healed everything arrives, unless an end has failed.
func TestStreamsAreStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t, func(p *netsim.Params) {
			p.Window = rapid.SampledFrom([]int{10, 1000, 100_000}).Draw(t, "window")
			p.ShortReadPPM, p.ShortSendPPM = 300_000, 300_000
		})
		a, b := l.connect()
		var sent, received []byte
		read := func(size int) bool {
			p := make([]byte, size)
			n, _ := b.Read(p)
			received = append(received, p[:n]...)
			return n > 0
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0, 1, 2:
				p := make([]byte, rapid.IntRange(1, 2000).Draw(t, "write"))
				for i := range p {
					p[i] = byte(len(sent) + i*i)
				}
				n, _ := a.Write(p)
				sent = append(sent, p[:n]...)
			case 3, 4:
				read(rapid.IntRange(1, 2000).Draw(t, "read"))
			case 5:
				l.net.Block(l.a, l.b)
			case 6:
				l.net.Unblock(l.a, l.b)
				l.net.SetLink(l.a, l.b, netsim.LinkParams{
					Latency:        netsim.Exponential(0, time.Duration(rapid.Int64Range(1, 1e8).Draw(t, "mean"))),
					BytesPerSecond: rapid.SampledFrom([]int64{0, 10_000, 1e6}).Draw(t, "rate"),
				})
			case 7:
				l.pass(time.Duration(rapid.Int64Range(0, 3e9).Draw(t, "pass")))
			}
		}
		l.net.Unblock(l.a, l.b)
		for range 50 {
			l.pass(2 * time.Second)
			for read(1000) {
			}
		}
		if !bytes.HasPrefix(sent, received) {
			t.Fatalf("read was not what was written")
		}
		if len(received) < len(sent) && a.Status() == nil {
			t.Fatalf("%d of %d bytes arrived on a connection that lives", len(received), len(sent))
		}
	})
}

func TestDistributions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	mean := func(d netsim.Dist) time.Duration {
		const draws = 20_000
		var sum time.Duration
		for range draws {
			sum += d.Sample(rng)
		}
		return sum / draws
	}
	for _, c := range []struct {
		name      string
		dist      netsim.Dist
		low, high time.Duration
	}{
		{"none", netsim.Dist{}, 0, 0},
		{"constant", netsim.Constant(time.Millisecond), time.Millisecond, time.Millisecond},
		{"exponential", netsim.Exponential(time.Millisecond, time.Millisecond), 1950 * time.Microsecond, 2150 * time.Microsecond},
		{"bimodal", netsim.Bimodal(time.Millisecond, 10*time.Millisecond, 100_000), 1900 * time.Microsecond, 2100 * time.Microsecond},
	} {
		if got := mean(c.dist); got < c.low || got > c.high {
			t.Errorf("%s: mean %v", c.name, got)
		}
	}
}
