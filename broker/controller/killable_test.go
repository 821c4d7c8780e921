package controller

import (
	"context"
	"errors"
	"net"
	"sync"

	"odradek/broker/env"
)

// killableNet is one process's part of a network: kill closes all its sockets at once.
type killableNet struct {
	env.Net
	mu     sync.Mutex
	dead   bool
	closer []interface{ Close() error }
}

var errKilled = errors.New("process was killed")

func (k *killableNet) keep(c interface{ Close() error }) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		c.Close()
		return errKilled
	}
	k.closer = append(k.closer, c)
	return nil
}

func (k *killableNet) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = true
	for _, c := range k.closer {
		c.Close()
	}
}

func (k *killableNet) Listen(address string) (net.Listener, error) {
	l, err := k.Net.Listen(address)
	if err != nil {
		return nil, err
	}
	return &killableListener{l, k}, k.keep(l)
}

type killableListener struct {
	net.Listener
	net *killableNet
}

func (l *killableListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c, l.net.keep(c)
}

func (k *killableNet) Dial(ctx context.Context, address string) (net.Conn, error) {
	c, err := k.Net.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return c, k.keep(c)
}
