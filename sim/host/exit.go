package host

import "fmt"

// Reason is why a process ended.
type Reason uint8

// Reasons.
const (
	Alive     Reason = iota
	Exited           // by itself, with a code
	Faulted          // by a WebAssembly trap, or by a failure of the run
	Crashed          // by Node.Crash or a Trap
	PowerLost        // by Node.PowerLoss or a Trap
)

// String names the reason.
func (r Reason) String() string {
	return [...]string{"alive", "exited", "faulted", "crashed", "power lost"}[r]
}

// Exit is how a process ended.
type Exit struct {
	Start  int // which start of the node this was, from 1
	Reason Reason
	Code   uint32   // of an Exited process
	Err    error    // of a Faulted process
	Stderr []string // its last lines
}

// String says it in a line.
func (e Exit) String() string {
	switch e.Reason {
	case Exited:
		return fmt.Sprintf("exited with code %d", e.Code)
	case Faulted:
		return "faulted: " + e.Err.Error()
	}
	return e.Reason.String()
}

// Own tells whether the process ended by itself and not well: what no fault explains.
func (e Exit) Own() bool { return e.Reason == Faulted || e.Reason == Exited && e.Code != 0 }
