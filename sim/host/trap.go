package host

import "slices"

// CallSet is a set of kinds of host calls.
type CallSet uint16

// Kinds of calls. Reads, Writes, Truncates and Syncs are of files; SyncDirs of directories; Creates, Removes and Renames of
// names, where an open that may create counts; Sends and Receives of connections and the standard streams. AnyCall is all of
// them and every other, but for readings of the clock.
const (
	Reads CallSet = 1 << iota
	Writes
	Truncates
	Syncs
	SyncDirs
	Creates
	Removes
	Renames
	Dials
	Sends
	Receives
	AnyCall CallSet = 1 << 15
)

// Trap ends a node's process at a host call: the Nth from when it is set, counted from 1, of those in Calls.
type Trap struct {
	Calls CallSet
	N     int64
	// After lets the call be done, of which the guest never hears; otherwise the process ends in place of the call.
	After bool
	// PowerLoss takes the machine's power in place of killing the process.
	PowerLoss bool

	sprung bool
}

// Sprung tells whether the trap has ended a process.
func (t *Trap) Sprung() bool { return t.sprung }

// SetTrap sets a trap at the node, which outlives restarts and springs once. A node may have several.
func (n *Node) SetTrap(t *Trap) { n.traps = append(n.traps, t) }

// ClearTrap takes a trap away, whether it has sprung or not.
func (n *Node) ClearTrap(t *Trap) {
	n.traps = slices.DeleteFunc(n.traps, func(other *Trap) bool { return other == t })
}

// springTraps counts a call that is about to be made, and ends the process if it is one that a trap waits for: now, or at
// the call's end.
func (p *process) springTraps(c *call, stack []uint64) {
	set := AnyCall
	if c.set != nil {
		set |= c.set(p, stack)
	}
	for _, t := range p.node.traps {
		if t.Calls&set == 0 {
			continue
		}
		if t.N--; t.N > 0 {
			continue
		}
		t.sprung = true
		p.node.ClearTrap(t)
		p.node.note("trap", c.name)
		p.endAfter = Crashed
		if t.PowerLoss {
			p.endAfter = PowerLost
		}
		if !t.After {
			p.end(p.endAfter, nil)
		}
		return
	}
}

// The sets that calls belong to, which for some depends on what they are about.

func always(set CallSet) func(*process, []uint64) CallSet {
	return func(*process, []uint64) CallSet { return set }
}

func ofDirectory(directory, other CallSet) func(*process, []uint64) CallSet {
	return func(p *process, s []uint64) CallSet {
		if d := p.fd(s[0]); d != nil && d.kind == kindDir {
			return directory
		}
		return other
	}
}

func ofStream(stream, file CallSet) func(*process, []uint64) CallSet {
	return func(p *process, s []uint64) CallSet {
		if d := p.fd(s[0]); d != nil && d.kind == kindFile {
			return file
		}
		return stream
	}
}

func opening(_ *process, s []uint64) CallSet {
	if s[4]&openCreate != 0 {
		return Creates
	}
	return 0
}
