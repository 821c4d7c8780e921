package netsim_test

import (
	"testing"
	"time"

	"odradek/sim/netsim"
)

// What is sent on a lost connection is lost, however long it is tried again; other connections are good.
func TestLostConnectionsLeadNowhere(t *testing.T) {
	l := newLab(t, nil)
	dialed, accepted := l.connect()
	l.net.LoseConns(l.b, l.a)
	other, end := l.connect()
	l.send(dialed, "lost")
	l.send(other, "kept")
	l.pass(5 * time.Second)
	l.reads(accepted, "", netsim.ErrAgain)
	l.reads(end, "kept", nil)
	l.pass(netsim.DefaultParams().UserTimeout)
	l.reads(dialed, "", netsim.ErrTimedOut)
	// Who sends nothing is told by keep-alive, in the end.
	params := netsim.DefaultParams()
	l.pass(time.Duration(params.KeepProbes+2) * params.KeepIdle)
	l.reads(accepted, "", netsim.ErrTimedOut)
}

func TestConnectsThatHangOrAreRefused(t *testing.T) {
	l := newLab(t, nil)
	dialed, accepted := l.connect()
	listener := l.listen(":1")
	l.b.SetConnects(netsim.ConnectsHang)
	hanging := l.dial("b:1")
	l.pass(500 * time.Millisecond)
	if err := hanging.Status(); err != netsim.ErrInProgress {
		t.Errorf("a connect that gets no answer: %v", err)
	}
	l.send(dialed, "still there")
	l.pass(10 * latency)
	l.reads(accepted, "still there", nil)
	l.b.SetConnects(netsim.ConnectsRefused)
	refused := l.dial("b:1")
	l.pass(10 * latency)
	if err := refused.Status(); err != netsim.ErrRefused {
		t.Errorf("a connect that is refused: %v", err)
	}
	l.b.SetConnects(netsim.ConnectsAnswered)
	good := l.dial("b:1")
	l.pass(10 * latency)
	if err := good.Status(); err != nil || !listener.Ready() {
		t.Errorf("a connect afterwards: %v", err)
	}
}

func TestShortReadsAndWrites(t *testing.T) {
	l := newLab(t, nil)
	dialed, accepted := l.connect()
	l.a.SetShort(1_000_000)
	if n, err := dialed.Write(make([]byte, 100)); err != nil || n < 1 || n >= 100 {
		t.Errorf("wrote %d of 100: %v", n, err)
	}
	l.a.SetShort(0)
	if n, err := dialed.Write(make([]byte, 100)); err != nil || n != 100 {
		t.Errorf("wrote %d of 100: %v", n, err)
	}
	l.pass(10 * latency)
	l.b.SetShort(1_000_000)
	buf := make([]byte, 64)
	if n, err := accepted.Read(buf); err != nil || n < 1 || n >= 64 {
		t.Errorf("read %d of 64: %v", n, err)
	}
}

// When the fault ends before anybody has given up, what was sent gets through.
func TestLostConnectionsComeBack(t *testing.T) {
	l := newLab(t, nil)
	dialed, accepted := l.connect()
	end, again := l.net.LoseConns(l.a, l.b), l.net.LoseConns(l.a, l.b)
	l.send(dialed, "late")
	end()
	l.pass(6 * time.Second)
	l.reads(accepted, "", netsim.ErrAgain)
	again()
	l.pass(6 * time.Second)
	l.reads(accepted, "late", nil)
}
