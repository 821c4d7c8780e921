package host

// CallSet is a set of kinds of host calls.
type CallSet uint16

// Kinds of calls. AnyCall is all but readings of the clock.
const (
	Reads CallSet = 1 << iota // of files and sockets
	Writes
	Truncates
	Syncs
	Names // changes of directories
	Renames
	Opens
	Dials
	AnyCall CallSet = 1 << 15
)

// Trap ends a node's process at a host call: the Nth from now, counted from 1, of those in Calls.
type Trap struct {
	Calls CallSet
	N     int
	// Before ends the process instead of the call; otherwise the call is done, and the guest never hears of it.
	Before bool
	// PowerLoss takes the machine's power in place of killing the process.
	PowerLoss bool

	sprung bool
}

// SetTrap sets the node's trap, or takes it away when t is nil. It outlives restarts and springs once.
func (n *Node) SetTrap(t *Trap) {
	n.trap = t
}

// before counts a call that is about to be made, and tells whether the process is to end in its place.
func (t *Trap) before(p *process, set CallSet) bool {
	if t.Calls&(set|AnyCall) == 0 {
		return false
	}
	if t.N--; t.N > 0 {
		return false
	}
	t.sprung = true
	if !t.Before {
		return false
	}
	t.spring(p)
	return true
}

// after ends the process if the call that has been made is the one.
func (t *Trap) after(p *process) {
	if t.sprung && p.node.trap == t && p.reason == Alive {
		t.spring(p)
	}
}

func (t *Trap) spring(p *process) {
	p.node.trap = nil
	p.reason = Crashed
	if t.PowerLoss {
		p.reason = PowerLost
	}
}
