package server

import (
	"net"
	"sync"
)

// admission counts connections.
type admission struct {
	mu            sync.Mutex
	max, perIPMax int
	ofIP          map[string]int // in perIPMax's place
	count         int
	perIP         map[string]int
	freed         chan struct{} // signalled when one has ended
}

func newAdmission(max, perIPMax int) *admission {
	return &admission{max: max, perIPMax: perIPMax, perIP: make(map[string]int), freed: make(chan struct{}, 1)}
}

// await waits for room for one more, as Kafka leaves connections above max.connections in the kernel's queue. false means
// that done was closed first.
func (a *admission) await(done <-chan struct{}) bool {
	for {
		a.mu.Lock()
		full := a.count >= a.max
		a.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-a.freed:
		case <-done:
			return false
		}
	}
}

// setLimits changes them. Connections that are there stay.
func (a *admission) setLimits(max, perIPMax int, ofIP map[string]int) {
	a.mu.Lock()
	a.max, a.perIPMax, a.ofIP = max, perIPMax, ofIP
	a.mu.Unlock()
	signal(a.freed)
}

// enter counts a connection, unless there are too many from its address.
func (a *admission) enter(addr net.Addr) bool {
	ip := ipOf(addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	most, own := a.ofIP[ip]
	if !own {
		most = a.perIPMax
	}
	if a.perIP[ip] >= most {
		return false
	}
	a.perIP[ip]++
	a.count++
	return true
}

func (a *admission) leave(addr net.Addr) {
	ip := ipOf(addr)
	a.mu.Lock()
	if a.perIP[ip]--; a.perIP[ip] == 0 {
		delete(a.perIP, ip)
	}
	a.count--
	a.mu.Unlock()
	signal(a.freed)
}

// ipOf is the address without the port.
func ipOf(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return host
}
