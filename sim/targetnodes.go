package sim

import (
	"slices"
	"time"

	"odradek/chaos"
	"odradek/sim/host"
	"odradek/sim/netsim"
)

// forces calls do for each fault in force that hits a node.
func (t *target) forces(number int, do func(f chaos.Fault)) {
	for _, act := range t.active {
		if slices.Contains(act.Nodes, number) {
			do(act.Fault)
		}
	}
}

// setHosts makes every broker's sockets what the faults in force say. A refusal is stronger than no answer.
func (t *target) setHosts() {
	for i, n := range t.brokers {
		connects, short := netsim.ConnectsAnswered, uint32(0)
		t.forces(i+1, func(f chaos.Fault) {
			switch {
			case f.Kind == chaos.NoConnects && f.Params.Refuse:
				connects = netsim.ConnectsRefused
			case f.Kind == chaos.NoConnects && connects == netsim.ConnectsAnswered:
				connects = netsim.ConnectsHang
			case f.Kind == chaos.ShortIO:
				short = max(short, ppm(f.Params.Share))
			}
		})
		n.Host().SetConnects(connects)
		n.Host().SetShort(short)
	}
}

// setMemory bounds the memory of every broker as the faults in force say: by what it had when the first of them began.
func (t *target) setMemory() {
	for i, n := range t.brokers {
		room := int64(-1)
		t.forces(i+1, func(f chaos.Fault) {
			if f.Kind == chaos.MemoryLimit && (room < 0 || f.Params.Bytes < room) {
				room = f.Params.Bytes
			}
		})
		switch {
		case room < 0:
			delete(t.memory, n)
		case t.memory[n] == 0:
			if t.memory[n] = n.Memory(); !n.Running() {
				t.memory[n] = memoryMin
			}
		}
		n.LimitMemory(t.memory[n] + uint64(max(room, 0)))
		if room < 0 {
			n.LimitMemory(0)
		}
	}
}

// memoryMin is what a broker has before it does anything, and so is left to one that is not running when its limit is set.
const memoryMin = 64 << 20

// turnClock changes a node's clocks in one direction; the same in the other undoes it. Drifts add up.
func (t *target) turnClock(f chaos.Fault, n *host.Node, sign int64) {
	if f.Kind == chaos.ClockStep {
		n.Clock().Step(time.Duration(sign) * f.Params.Step.D())
		return
	}
	drift := int64(0)
	t.forces(t.number(n), func(f chaos.Fault) {
		if f.Kind == chaos.ClockDrift {
			drift += f.Params.PPM
		}
	})
	n.Clock().SetDrift(t.universe.Now(), drift)
}

// crashAgain kills a node's process and starts the next, for as long as the fault is in force.
func (t *target) crashAgain(act chaos.Act, n *host.Node) {
	if !slices.ContainsFunc(t.active, func(a chaos.Act) bool { return a.Index == act.Index }) {
		return
	}
	n.Crash()
	others := func(a chaos.Act) bool { return a.Index != act.Index }
	if !t.heldDownBy(n, others) {
		if err := n.Start(); err != nil {
			t.disks.fail(err)
			return
		}
	}
	t.universe.After(act.Fault.Params.Every.D(), func() { t.crashAgain(act, n) })
}

// changeVersion stops the nodes in good order and starts them again with another build.
func (t *target) changeVersion(act chaos.Act, p *host.Program) error {
	for _, number := range act.Nodes {
		n := t.node(number)
		n.SetProgram(p)
		t.stop(n)
		if t.stopping[n] {
			t.restart[n] = true
			continue
		}
		others := func(a chaos.Act) bool { return a.Index != act.Index }
		if t.heldDownBy(n, others) {
			continue
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}
