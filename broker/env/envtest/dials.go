package envtest

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialCases are about how connections begin, or don't.
var dialCases = []Case{
	{"net-port-zero", netPortZero},
	{"net-refused", netRefused},
	{"net-dial-canceled-before", netDialCanceledBefore},
	{"net-dial-canceled", netDialCanceled},
	{"net-dial-deadline", netDialDeadline},
}

func netPortZero(t *T) {
	first, second := t.listen(), t.listen()
	defer first.Close()
	defer second.Close()
	if first.Addr().String() == second.Addr().String() {
		t.Fatalf("both listen on %v", first.Addr())
	}
	for _, l := range []net.Listener{first, second} {
		_, port, err := net.SplitHostPort(l.Addr().String())
		t.must(err)
		if port == "0" {
			t.Errorf("a listener says that its port is 0")
		}
		var accepted sync.WaitGroup
		accepted.Go(func() {
			if c, err := l.Accept(); err != nil {
				t.Errorf("accept: %v", err)
			} else {
				c.Close()
			}
		})
		c := t.dial(net.JoinHostPort(t.Host, port))
		accepted.Wait()
		t.must(c.Close())
	}
}

// Where nobody listens, or does no longer, the machine says so at once.
func netRefused(t *T) {
	l := t.listen()
	address := l.Addr().String()
	t.must(l.Close())
	start := time.Now()
	c, err := t.Net.Dial(t.ctx, address)
	if err == nil {
		c.Close()
		t.Fatalf("nobody answered the dial, and it succeeded")
	}
	if timedOut(err) || time.Since(start) > late {
		t.Errorf("refused after %v: %v", time.Since(start), err)
	}
}

func netDialCanceledBefore(t *T) {
	l := t.listen()
	defer l.Close()
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	_, err := t.Net.Dial(ctx, l.Addr().String())
	t.fails(err, context.Canceled)
}

func netDialCanceled(t *T) {
	if t.HangingAddress == "" {
		t.leaveOut("hanging address")
	}
	ctx, cancel := context.WithCancel(t.ctx)
	time.AfterFunc(soon, cancel)
	start := time.Now()
	_, err := t.Net.Dial(ctx, t.HangingAddress)
	t.fails(err, context.Canceled)
	if waited := time.Since(start); waited < soon || waited > late {
		t.Errorf("canceled after %v, it took %v", soon, waited)
	}
}

// A context's deadline is promised to make a net.Error with Timeout.
func netDialDeadline(t *T) {
	if t.HangingAddress == "" {
		t.leaveOut("hanging address")
	}
	ctx, cancel := context.WithTimeout(t.ctx, soon)
	defer cancel()
	start := time.Now()
	_, err := t.Net.Dial(ctx, t.HangingAddress)
	if !timedOut(err) {
		t.Errorf("got %v, want a timeout", err)
	}
	if waited := time.Since(start); waited < soon || waited > late {
		t.Errorf("a deadline of %v took %v", soon, waited)
	}
}
