package host

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"odradek/sim/clock"
)

// process is a guest and the kernel's side of it. It is the context that wazero hands to each host function, so that a
// host function finds its process by a type assertion.
type process struct {
	context.Context
	u      *Universe
	node   *Node
	start  int
	module api.Module
	mem    api.Memory
	fds    []*descriptor
	out    lineWriter // stdout
	err    lineWriter // stderr
	tail   []string   // of stderr

	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	wake   *clock.Event // the guest goes on
	poll   pollState
	sleeps bool       // parked in a call that only time ends
	began  clock.Time // when the guest last began to run

	args   callArgs // of the call that runs, for the trace
	reason Reason
	// endAfter is why the process ends when the call that runs is done, or Alive.
	endAfter Reason
	code     uint32
	fault    error
}

// callArgs is what the trace tells of a call beside its result.
type callArgs struct{ a, b, c uint64 }

// stderrTail is how many lines of stderr an Exit carries: a Go panic with a few goroutines.
const stderrTail = 60

// errEnded unwinds a guest that is to end. An ExitError passes through wazero without a stack trace being made.
var errEnded = sys.NewExitError(137)

func newProcess(n *Node) (*process, error) {
	p := &process{Context: context.Background(), u: n.u, node: n, start: n.starts}
	module, err := n.program.instantiate(context.Background(), n)
	if err != nil {
		return nil, err
	}
	p.module, p.mem = module, module.Memory()
	p.fds = []*descriptor{{kind: kindStdin}, {kind: kindStdout}, {kind: kindStderr}, {kind: kindDir, path: "/"}}
	p.wake = clock.NewEvent(p.resume)
	p.poll.timer = clock.NewEvent(p.resume)
	p.out.emit, p.err.emit = p.stdoutLine, p.stderrLine
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		p.run()
	})
	return p, nil
}

// run is the guest's life, on its coroutine.
func (p *process) run() {
	_, err := p.module.ExportedFunction("_start").Call(p)
	if p.reason != Alive {
		return
	}
	var exit *sys.ExitError
	switch {
	case err == nil:
		p.reason = Exited
	case errors.As(err, &exit):
		p.reason, p.code = Exited, exit.ExitCode()
	default:
		p.reason, p.fault = Faulted, err
	}
}

// resume lets the guest run until it parks or ends.
func (p *process) resume() {
	u := p.u
	if until := p.node.pausedUntil; until > u.queue.Now() {
		u.queue.Cancel(p.poll.timer)
		u.queue.Arm(p.wake, until)
		return
	}
	u.queue.Cancel(p.wake)
	u.queue.Cancel(p.poll.timer)
	p.sleeps, p.poll.waits = false, false
	p.began = u.queue.Now()
	u.running = p
	_, parked := p.next()
	u.running = nil
	switch {
	case !parked:
		p.node.reap()
	case p.reason != Alive:
		p.stop()
		p.node.reap()
	}
}

// park gives control back to the universe until something resumes the guest.
func (p *process) park() {
	if !p.yield(struct{}{}) {
		panic(errEnded)
	}
}

// wakeAt resumes a parked guest at a moment, unless it is to be resumed earlier.
func (p *process) wakeAt(t clock.Time) {
	if !p.wake.Armed() || p.wake.At() > t {
		p.u.queue.Arm(p.wake, t)
	}
}

// sleep lets d pass with the guest stopped, as in a blocking system call.
func (p *process) sleep(d time.Duration) {
	p.u.queue.Arm(p.wake, p.u.queue.Now().Add(d))
	p.sleeps = true
	p.park()
}

// spend lets d pass: with the guest stopped when it is long, and else as a charge.
func (p *process) spend(d time.Duration) {
	if d > p.u.config.BlockAfter {
		p.sleep(d)
		return
	}
	p.u.queue.Spend(d)
}

// end unwinds the guest from within one of its host calls.
func (p *process) end(reason Reason, err error) {
	p.reason, p.fault = reason, err
	panic(errEnded)
}

// checkEnds ends the guest if it has run for too long, or somebody has decided so meanwhile.
func (p *process) checkEnds() {
	switch {
	case p.reason != Alive:
		panic(errEnded)
	case p.u.doomed.Load():
		err := fmt.Errorf("%w: %s ran for %v without waiting for anything", ErrHang, p.node.name, p.u.config.HangLimit)
		p.u.fail(err)
		p.end(Faulted, err)
	case p.u.queue.Now().Sub(p.began) > p.u.config.SpinLimit:
		err := fmt.Errorf("%w: %s used %v without waiting for anything", ErrSpin, p.node.name, p.u.config.SpinLimit)
		p.u.fail(err)
		p.end(Faulted, err)
	}
}

func (p *process) exit() Exit {
	p.out.flush()
	p.err.flush()
	return Exit{Start: p.start, Reason: p.reason, Code: p.code, Err: p.fault, Stderr: p.tail}
}

// free gives the guest's memory back, and takes its events out of the queue.
func (p *process) free() {
	q := &p.u.queue
	q.Cancel(p.wake)
	q.Cancel(p.poll.timer)
	for _, d := range p.fds {
		if d != nil && d.done != nil {
			q.Cancel(d.done)
		}
	}
	_ = p.module.Close(p) // frees memory; its error would be of a file system that wazero isn't given
}

func (p *process) stdoutLine(line []byte) {
	if p.u.config.OnStdout != nil {
		p.u.config.OnStdout(p.node, p.u.queue.Now(), line)
	}
}

func (p *process) stderrLine(line []byte) {
	if len(p.tail) == stderrTail {
		p.tail = append(p.tail[:0:0], p.tail[1:]...)
	}
	p.tail = append(p.tail, string(line))
	if p.u.config.OnStderr != nil {
		p.u.config.OnStderr(p.node, p.u.queue.Now(), line)
	}
}
