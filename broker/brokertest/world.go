package brokertest

import (
	"context"
	"fmt"
	"net"
	"strings"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/env/osenv"
)

// hostSuffix marks the hosts that are only in memory: the quorum's listeners, and with InMemory all.
const hostSuffix = ".brokertest"

func hostName(id int) string { return fmt.Sprintf("node%d%s", id, hostSuffix) }

// world is the network that all nodes share: names in memory, and beside them, unless all is in memory, the machine's own.
type world struct {
	memory  *memenv.Net
	machine env.Net
}

func newWorld(inMemory bool) *world {
	w := &world{memory: memenv.NewNet()}
	w.machine = w.memory
	if !inMemory {
		w.machine = osenv.New().Net
	}
	return w
}

func (w *world) at(address string) env.Net {
	if host, _, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, hostSuffix) {
		return w.memory
	}
	return w.machine
}

// Listen implements env.Net.
func (w *world) Listen(address string) (net.Listener, error) { return w.at(address).Listen(address) }

// Dial implements env.Net.
func (w *world) Dial(ctx context.Context, address string) (net.Conn, error) {
	return w.at(address).Dial(ctx, address)
}
