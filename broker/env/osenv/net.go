//go:build unix || windows

package osenv

import (
	"context"
	"net"
	"time"
)

// keepAlive finds out within a minute that a silent peer is no longer there; systems left alone take two hours.
// Everything else is Go's default, TCP_NODELAY among it.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

type network struct{}

func (network) Listen(address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	// Go listens with MPTCP where it can; sendfile and buffer sizes are then not those of TCP.
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", address)
}

func (network) Dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	return dialer.DialContext(ctx, "tcp", address)
}
