package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"odradek/chaos"
	"odradek/sim/disksim"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// disks is what the target knows of its brokers' disks.
type disks struct {
	images  map[*host.Node]*disksim.Disk // of nodes whose disk is to be rolled back
	foreign map[*host.Node]bool          // nodes that have another's disk
	swapped *chaos.Act                   // that made them foreign
	struck  map[*host.Node]uint64        // how often its disk and its memory had failed the node when its process started
	made    int                          // disks beside those that the nodes were made with
	fail    func(error)
}

func newDisks(fail func(error)) disks {
	return disks{
		images: map[*host.Node]*disksim.Disk{}, foreign: map[*host.Node]bool{}, struck: map[*host.Node]uint64{}, fail: fail,
	}
}

// superviseAfter is how long after a process that ended for its disk's faults another is started, as systemd would.
const superviseAfter = time.Second

// setDisks makes every broker's disk what the faults in force say.
func (t *target) setDisks() {
	for i, n := range t.brokers {
		n.Disk().SetFaults(t.diskFaults(i + 1))
	}
}

func (t *target) diskFaults(number int) disksim.Faults {
	disk := t.node(number).Disk()
	faults := disksim.Faults{Slow: 1, RotSuffix: ".log", Capacity: disk.Faults().Capacity}
	full := false
	for _, act := range t.active {
		if !slices.Contains(act.Nodes, number) {
			continue
		}
		p := act.Fault.Params
		switch act.Fault.Kind {
		case chaos.SlowDisk:
			faults.Slow = int(max(p.Factor, 1)) * faults.Slow
		case chaos.StallDisk:
			end := act.Fault.End().D() - time.Duration(t.universe.Now())
			faults.StallUntil, faults.StallAll = max(faults.StallUntil, t.universe.Now().Add(end)), true
		case chaos.DiskError:
			which := map[string]*uint32{"read": &faults.ReadErrorPPM, "write": &faults.WriteErrorPPM, "sync": &faults.SyncErrorPPM}[p.Op]
			*which = max(*which, ppm(p.Share))
		case chaos.FailedDir:
			faults.Gone = append(faults.Gone, t.dirs[p.Dir-1])
		case chaos.BitRot:
			faults.RotPPM = max(faults.RotPPM, ppm(p.Share))
		case chaos.Misdirected:
			faults.MisdirectPPM = max(faults.MisdirectPPM, ppm(p.Share))
		case chaos.FullDisk:
			if full = true; faults.Capacity == 0 {
				faults.Capacity = disk.Used() + p.Bytes + 1
			}
		}
	}
	if !full {
		faults.Capacity = 0
	}
	return faults
}

// ppm is a share in millionths; any share is one at least.
func ppm(share float64) uint32 { return max(1, uint32(share*1e6)) }

// started is told of every broker process that is about to run.
func (t *target) started(n *host.Node) {
	t.disks.struck[n] = n.Disk().Struck() + n.Starved()
}

// explained says that a process that ended by itself had a reason to: its disk failed it, or was not its own, or there was no
// more memory.
func (t *target) explained(n *host.Node) bool {
	return t.disks.foreign[n] || n.Disk().Struck()+n.Starved() > t.disks.struck[n]
}

// supervise starts a node again, after a moment, unless something holds it down then or has started it before.
func (t *target) supervise(n *host.Node) {
	if t.disks.foreign[n] {
		return // it would be refused again
	}
	t.universe.After(superviseAfter, func() {
		if n.Running() || t.heldDown(n) {
			return
		}
		if err := n.Start(); err != nil {
			t.disks.fail(err)
		}
	})
}

// heldDown says that a fault in force has taken the node's process, and will start it when it ends.
func (t *target) heldDown(n *host.Node) bool {
	return t.heldDownBy(n, func(chaos.Act) bool { return true })
}

// heldDownBy is heldDown for some of the faults in force.
func (t *target) heldDownBy(n *host.Node, which func(chaos.Act) bool) bool {
	runs := []chaos.Kind{chaos.CrashAtCall, chaos.CrashAtPoint, chaos.CrashLoop, chaos.OldVersion} // while they are in force
	for _, act := range t.active {
		if act.Fault.Kind.TakesProcess() && !slices.Contains(runs, act.Fault.Kind) && which(act) && slices.Contains(act.Nodes, t.number(n)) {
			return true
		}
	}
	return false
}

// putDisk gives a node without a process another disk, which is as fast and as faulty as the faults in force say.
func (t *target) putDisk(n *host.Node, d *disksim.Disk) *disksim.Disk {
	old := n.SwapDisk(d)
	d.SetFaults(t.diskFaults(t.number(n)))
	return old
}

// wipe ends a node's process; an empty disk waits for the next. What is another's is left alone.
func (t *target) wipe(n *host.Node) {
	n.Crash()
	if t.disks.foreign[n] {
		return
	}
	t.disks.made++
	t.putDisk(n, disksim.New(t.universe.Generator(fmt.Sprintf("disk %d", t.disks.made)), n.Disk().Params()))
}

// takeImage keeps what is durable on a node's disk for its roll-back.
func (t *target) takeImage(n *host.Node) {
	t.disks.made++
	t.disks.images[n] = n.Disk().Image(t.universe.Generator(fmt.Sprintf("disk %d", t.disks.made)))
}

// rollBack takes a node's power and brings it back with the disk that it had when the fault began.
func (t *target) rollBack(act chaos.Act) error {
	for _, number := range act.Nodes {
		n := t.node(number)
		n.PowerLoss()
		if !t.disks.foreign[n] {
			t.putDisk(n, t.disks.images[n])
		}
		delete(t.disks.images, n)
		if t.heldDown(n) {
			continue
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}

// mendDir brings a directory back, and with it the nodes that had given it up.
func (t *target) mendDir(act chaos.Act) error {
	t.setDisks()
	t.each(act, (*host.Node).Crash)
	return t.startAll(slices.DeleteFunc(slices.Clone(act.Nodes), func(number int) bool { return t.heldDown(t.node(number)) }))
}

// swapDisks gives two nodes each other's disks and starts them on those, which they must refuse. While a swap is in force another is
// no more than two crashes, and so is one with a disk that is new: whoever is given that may take it.
func (t *target) swapDisks(act chaos.Act) error {
	t.each(act, (*host.Node).Crash)
	if t.disks.swapped != nil || !t.owned(act) {
		return nil
	}
	t.exchange(act)
	t.disks.swapped = &act
	for _, number := range act.Nodes {
		n := t.node(number)
		t.disks.foreign[n] = true
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}

// owned says whether the nodes' disks say whose they are.
func (t *target) owned(act chaos.Act) bool {
	return !slices.ContainsFunc(act.Nodes, func(number int) bool {
		_, err := t.node(number).Disk().Stat(strings.TrimPrefix(guest.DataDir, "/") + "/meta.properties")
		return err != nil
	})
}

func (t *target) exchange(act chaos.Act) {
	a, b := t.node(act.Nodes[0]), t.node(act.Nodes[1])
	t.putDisk(b, t.putDisk(a, b.Disk()))
}

// swapBack gives the nodes their own disks again.
func (t *target) swapBack(act chaos.Act) error {
	if swapped := t.disks.swapped; swapped != nil && swapped.Index == act.Index {
		t.each(*swapped, (*host.Node).Crash) // unless they have refused
		t.exchange(*swapped)
		t.disks.foreign, t.disks.swapped = map[*host.Node]bool{}, nil
	}
	return t.startAll(act.Nodes)
}
