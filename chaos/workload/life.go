package workload

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"odradek/chaos"
)

// What the members of groups of every kind have in common: lives, which end, and a line to the network each.

// lives has a member live, go and come back until ctx ends. Each life is a process of its own in the history, with a line of its own.
func lives(ctx context.Context, p *Process, random *rand.Rand, stay, away chaos.Duration, live func(context.Context, *Process, *line) error) error {
	for life := 1; ctx.Err() == nil; life++ {
		name, l := p.Name+"."+strconv.Itoa(life), &line{dial: p.Dial}
		each := &Process{Name: name, Seeds: p.Seeds, Dial: l.Dial, History: p.History.As(name)}
		limited, cancel := context.WithTimeout(ctx, stays(ctx, random, stay))
		err := live(limited, each, l)
		cancel()
		if err != nil {
			return err
		}
		pause(ctx, time.Duration(random.ExpFloat64()*float64(away)))
	}
	return nil
}

// stays draws how long a life lasts that ends by itself; one that begins too late to end before the run settles stays to its end.
func stays(ctx context.Context, random *rand.Rand, mean chaos.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	stay := time.Duration(random.ExpFloat64() * float64(mean))
	if ok && mean == 0 || time.Until(deadline)-stay < memberSettles {
		return time.Until(deadline)
	}
	return stay
}

// line is a life's way to the network, which can be cut.
type line struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	mu    sync.Mutex
	gone  bool
	conns []net.Conn
}

// Dial makes a connection while the line is not cut.
func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

// hold cuts the line for a while.
func (l *line) hold(ctx context.Context, d time.Duration) {
	l.cut()
	pause(ctx, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = false
}
