package host

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"odradek/sim/clock"
	"odradek/sim/disksim"
	"odradek/sim/netsim"
	"odradek/sim/trace"
)

// Config is what a universe is made of. Start from DefaultConfig.
type Config struct {
	Seed    uint64
	Program *Program

	TCP  netsim.Params
	Link netsim.LinkParams // between any two nodes, until SetLink
	Disk disksim.Params    // of any node, until its Disk's SetParams

	// ClockCost and CallCost are the virtual time that a clock reading and any other host call take. Without the first a
	// guest that waits by reading the clock would never end.
	ClockCost, CallCost time.Duration
	// WakeDelay is the time from the moment a guest could run to the moment it does, as a scheduler's.
	WakeDelay netsim.Dist
	// BlockAfter: a disk call that takes longer than this parks the guest; others are charged as CallCost is.
	BlockAfter time.Duration
	// SpinLimit is the virtual time that a guest may run without parking before the run fails with ErrSpin.
	SpinLimit time.Duration
	// HangLimit is the wall time that a guest may run without parking before the run fails with ErrHang. It never changes
	// the outcome of a run that doesn't fail by it.
	HangLimit time.Duration

	// Trace, if not nil, gets the trace as text.
	Trace io.Writer
	// OnStdout and OnStderr get each line that a guest writes, without its end. The line is valid during the call. The
	// universe may be changed from within, as from any event. May be nil.
	OnStdout, OnStderr func(n *Node, at clock.Time, line []byte)
	// OnStart is told of each process that is about to run for the first time. May be nil.
	OnStart func(n *Node)
	// OnExit is told of each process that ended, for whatever reason. May be nil.
	OnExit func(n *Node, exit Exit)
}

// DefaultConfig is a universe with a fast local network and disks, and no faults.
func DefaultConfig(seed uint64, program *Program) Config {
	return Config{
		Seed: seed, Program: program,
		TCP:  netsim.DefaultParams(),
		Link: netsim.LinkParams{Latency: netsim.Exponential(100*time.Microsecond, 50*time.Microsecond), BytesPerSecond: 1 << 30},
		Disk: disksim.Params{
			Cached:         netsim.Constant(2 * time.Microsecond),
			Metadata:       netsim.Exponential(10*time.Microsecond, 5*time.Microsecond),
			Sync:           netsim.Exponential(200*time.Microsecond, 200*time.Microsecond),
			BytesPerSecond: 1 << 29,
			Torn:           true,
		},
		ClockCost: 50 * time.Nanosecond, CallCost: 300 * time.Nanosecond, WakeDelay: netsim.Exponential(0, 5*time.Microsecond),
		BlockAfter: 20 * time.Microsecond, SpinLimit: 500 * time.Millisecond, HangLimit: time.Minute,
	}
}

// Errors that end a run.
var (
	// ErrSpin says that a guest ran for Config.SpinLimit of virtual time without parking.
	ErrSpin = errors.New("guest spins")
	// ErrHang says that a guest ran for Config.HangLimit of wall time without parking. If it made no host call either, its
	// goroutine still runs, and Go's collector, which can't interrupt it, would wait for it forever: whoever gets this
	// error should say so and end the process.
	ErrHang = errors.New("guest hangs")
)

// Universe is nodes, what connects them, and their time. It is used by one goroutine at a time: the one that calls Run and,
// before and after, the one that sets it up. Everything that happens to it during Run happens in events (see At) and callbacks.
type Universe struct {
	config Config
	queue  clock.Queue
	trace  *trace.Recorder
	net    *netsim.Network
	nodes  []*Node

	wakes   *rand.Rand
	running *process // whose guest runs at this moment
	failure error
	stopped bool

	steps  atomic.Uint64 // events taken: what the watchdog watches
	doomed atomic.Bool   // set by the watchdog: the guest is to end at its next host call
}

// New makes a universe without nodes.
func New(config Config) *Universe {
	u := &Universe{config: config, trace: trace.New(opNames())}
	if config.Trace != nil {
		u.trace.PrintTo(config.Trace)
	}
	u.net = netsim.New(&u.queue, u.Generator("network"), config.TCP, config.Link)
	u.wakes = u.Generator("wakes")
	return u
}

// Generator makes the random generator of a name. Each name's draws depend on the seed and on the name only, so that a
// change in what one is used for does not reshuffle the others.
func (u *Universe) Generator(name string) *rand.Rand {
	return rand.New(rand.NewPCG(u.config.Seed, trace.SumString(name)))
}

// Now is the present.
func (u *Universe) Now() clock.Time { return u.queue.Now() }

// Network is what connects the nodes: for links, cuts and resets.
func (u *Universe) Network() *netsim.Network { return u.net }

// Nodes are all nodes, in the order of their making.
func (u *Universe) Nodes() []*Node { return u.nodes }

// Node finds a node by name, or returns nil.
func (u *Universe) Node(name string) *Node {
	for _, n := range u.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// At calls fire at a moment, or now if that is past.
func (u *Universe) At(t clock.Time, fire func()) *clock.Event {
	e := clock.NewEvent(fire)
	u.queue.Arm(e, t)
	return e
}

// After calls fire once d has passed.
func (u *Universe) After(d time.Duration, fire func()) *clock.Event { return u.queue.After(d, fire) }

// Cancel takes an event back.
func (u *Universe) Cancel(e *clock.Event) { u.queue.Cancel(e) }

// Note puts a line about something that happened to the universe from outside, such as a fault, into the trace.
func (u *Universe) Note(what, text string) { u.trace.Note(int64(u.queue.Now()), -1, what, text) }

// Hash is the fingerprint of everything that has happened.
func (u *Universe) Hash() uint64 { return u.trace.Hash() }

// Calls is how many host calls the guests have made.
func (u *Universe) Calls() uint64 { return u.trace.Calls() }

// Stop makes Run return after the present event.
func (u *Universe) Stop() { u.stopped = true }

// fail ends the run.
func (u *Universe) fail(err error) {
	if u.failure == nil {
		u.failure = err
	}
}

// Run lets the universe run until a moment, or until Stop, or until nothing is left to happen. It may be called again to go
// on. An error means that the run is void: a guest spun, or hung, or the host could not do its part.
func (u *Universe) Run(until clock.Time) error {
	u.stopped = false
	return u.watched(func() {
		for u.failure == nil && !u.stopped {
			at, some := u.queue.Next()
			if !some || at > until {
				u.queue.Skip(until)
				return
			}
			u.steps.Add(1)
			u.queue.Step()
		}
	})
}

// Close drops every instance and writes out the trace. The universe can't be used after that.
func (u *Universe) Close() error {
	if errors.Is(u.failure, ErrHang) {
		return u.failure // its guest may still be running
	}
	for _, n := range u.nodes {
		if n.proc != nil {
			n.proc.stop()
			n.proc.free()
			n.proc = nil
		}
	}
	if err := u.trace.Flush(); err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	return nil
}
