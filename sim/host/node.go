package host

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/netsim"
)

// Node is a machine: an address, a disk, a clock, and at most one process.
type Node struct {
	u       *Universe
	index   int
	name    string
	host    *netsim.Host
	disk    *disksim.Disk
	clock   clock.Local
	entropy *rand.Rand
	args    []string
	env     []string

	proc        *process
	program     *Program
	starts      int
	off         bool // without power
	pausedUntil clock.Time
	traps       []*Trap
	memoryLimit uint64 // bytes; 0 is none
	starved     uint64 // times that a process got no more memory
}

// NodeConfig is what a node is made of.
type NodeConfig struct {
	Name string
	IP   string
	// Args are the program's arguments, the first of which is its name; Env its environment, as "key=value".
	Args []string
	Env  []string
	// Program is what the node runs in place of Config.Program, if not nil.
	Program *Program
}

// AddNode adds a machine whose process hasn't been started. Its disk is empty.
func (u *Universe) AddNode(config NodeConfig) (*Node, error) {
	host, err := u.net.AddHost(config.Name, config.IP)
	if err != nil {
		return nil, err
	}
	n := &Node{
		u: u, index: len(u.nodes), name: config.Name, host: host, args: config.Args, env: config.Env,
		disk:    disksim.New(u.Generator("disk "+config.Name), u.config.Disk),
		entropy: u.Generator("entropy " + config.Name),
		program: config.Program,
	}
	if n.program == nil {
		n.program = u.config.Program
	}
	u.nodes = append(u.nodes, n)
	u.trace.AddNode(config.Name)
	return n, nil
}

// Name is the node's name.
func (n *Node) Name() string { return n.name }

// IP is the node's address.
func (n *Node) IP() netip.Addr { return n.host.Addr() }

// Host is the node in the network.
func (n *Node) Host() *netsim.Host { return n.host }

// Disk is the node's disk.
func (n *Node) Disk() *disksim.Disk { return n.disk }

// Clock is the node's clock, for drift and steps.
func (n *Node) Clock() *clock.Local { return &n.clock }

// Running tells whether the node has a process.
func (n *Node) Running() bool { return n.proc != nil }

// Starts is how many times a process was started on the node.
func (n *Node) Starts() int { return n.starts }

// SetArgs changes the arguments that the next start gets.
func (n *Node) SetArgs(args []string) { n.args = args }

// SetProgram changes what the next start runs, such as an older build.
func (n *Node) SetProgram(p *Program) { n.program = p }

// Program is what the next start runs.
func (n *Node) Program() *Program { return n.program }

// Memory is how many bytes of memory the node's process has; 0 without one.
func (n *Node) Memory() uint64 {
	if n.proc == nil {
		return 0
	}
	return uint64(n.proc.mem.Size())
}

// LimitMemory bounds what the node's processes may grow to, in bytes, from now on; 0 lifts the bound. A process keeps what it has.
func (n *Node) LimitMemory(bytes uint64) { n.memoryLimit = bytes }

// Starved is how many times processes of the node asked for more memory than they may have. A Go program dies of it.
func (n *Node) Starved() uint64 { return n.starved }

// SwapDisk puts another disk into a node that isn't running, and returns the one it had.
func (n *Node) SwapDisk(d *disksim.Disk) *disksim.Disk {
	if n.proc != nil {
		panic("the disk of a running node was swapped")
	}
	old := n.disk
	n.disk = d
	return old
}

// ErrRunning says that a node that should be started has a process.
var ErrRunning = errors.New("node is running")

// Start starts the node's process on what its disk has kept; a machine without power is switched on first.
func (n *Node) Start() error {
	if n.proc != nil {
		return fmt.Errorf("%w: %s", ErrRunning, n.name)
	}
	if n.off {
		n.off = false
		n.host.PowerOn()
		n.disk.PowerOn()
	}
	n.starts++
	n.note("start", "")
	p, err := newProcess(n)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.proc = p
	p.wakeAt(n.u.queue.Now())
	if n.u.config.OnStart != nil {
		n.u.config.OnStart(n)
	}
	return nil
}

// Crash kills the node's process, as kill -9 does: its sockets are closed or reset, its files are closed, and what it wrote
// stays in the page cache. Nothing happens to a node without one.
func (n *Node) Crash() { n.end(Crashed) }

// PowerLoss takes the machine's power: peers hear nothing, and the disk forgets some of what was not synced. The machine stays
// off until Start.
func (n *Node) PowerLoss() {
	if n.proc != nil {
		n.end(PowerLost)
		return
	}
	n.cutPower()
}

// Pause stops the process for d, as SIGSTOP or a long collection does; its kernel goes on receiving.
// Nothing happens to a node without one.
func (n *Node) Pause(d time.Duration) {
	if n.proc == nil {
		return
	}
	n.note("pause", d.String())
	n.pausedUntil = max(n.pausedUntil, n.u.queue.Now().Add(d))
}

// Say gives the process something to read from its standard input.
func (n *Node) Say(text string) {
	n.note("say", text)
	if p := n.proc; p != nil {
		p.fds[0].pending = append(p.fds[0].pending, text...)
		p.notify(p.fds[0])
	}
}

// CloseStdin lets the process read to the end of its standard input. It is how a node is asked to stop by itself, as by
// SIGTERM, which WASI lacks.
func (n *Node) CloseStdin() {
	n.note("close stdin", "")
	if p := n.proc; p != nil {
		p.fds[0].eof = true
		p.notify(p.fds[0])
	}
}

// end ends the process: now if it is parked, and else at the end of the host call it is in.
func (n *Node) end(reason Reason) {
	p := n.proc
	if p == nil || p.reason != Alive {
		return
	}
	p.reason = reason
	if n.u.running != p {
		p.stop()
		n.reap()
	}
}

// reap does what the kernel does for a process that has ended, and tells of it.
func (n *Node) reap() {
	p := n.proc
	n.proc = nil
	n.pausedUntil = 0
	exit := p.exit()
	n.note("end", exit.String())
	p.free()
	if p.reason == PowerLost {
		n.cutPower()
	} else {
		n.host.Kill()
		n.disk.Crash()
	}
	if n.u.config.OnExit != nil {
		n.u.config.OnExit(n, exit)
	}
}

func (n *Node) cutPower() {
	if n.off {
		return
	}
	n.off = true
	n.note("power off", "")
	n.host.PowerOff()
	n.disk.PowerLoss()
}

func (n *Node) note(what, text string) {
	n.u.trace.Note(int64(n.u.queue.Now()), n.index, what, text)
}
