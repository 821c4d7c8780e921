package sim

import (
	"fmt"
	"slices"

	"odradek/chaos"
	"odradek/sim/host"
	"odradek/sim/netsim"
)

// target acts out a schedule's faults on a universe. What a link or a disk suffers is computed anew from all faults in force
// whenever one begins or ends, so that overlapping faults add up and undoing one leaves the others.
type target struct {
	universe *host.Universe
	brokers  []*host.Node // number i+1
	view     *view
	active   []chaos.Act // faults in force, in the order in which they began
	traps    map[trapKey]*host.Trap
	// stopping nodes were asked to stop; those also in restart are started once they have.
	stopping map[*host.Node]bool
	restart  map[*host.Node]bool
	dirs     []string // of a broker's logs
	disks    disks
	lost     map[int][]func()      // by fault: what brings the connections back that it loses
	memory   map[*host.Node]uint64 // of nodes whose memory is bounded: what they had when it began
	newer    *host.Program         // that the brokers run
	older    *host.Program         // that an old-version fault starts; nil when the run was given none
}

// Supports is true of every kind, but of old-version only when there is one.
func (t *target) Supports(kind chaos.Kind) bool {
	return slices.Contains(chaos.Kinds(), kind) && (kind != chaos.OldVersion || t.older != nil)
}

// Leader is who leads a partition by the newest account.
func (t *target) Leader(topic string, index int) (int, bool) {
	newest, ok := t.view.partitions[partition{topic, int32(index)}]
	return int(newest.line.Leader), ok && newest.line.Leader > 0
}

// Controller is who was last said to be the active controller.
func (t *target) Controller() (int, bool) { return t.view.controller, t.view.controller > 0 }

// Apply begins a fault.
func (t *target) Apply(act chaos.Act) error {
	if act.Fault.Lasts() {
		t.active = append(t.active, act)
	}
	if act.Fault.Kind.TakesProcess() {
		// Who is down for this fault is started by its end, however the stop before it ends.
		t.each(act, func(n *host.Node) { delete(t.restart, n) })
	}
	switch act.Fault.Kind {
	case chaos.Reset:
		t.eachPair(act, t.universe.Network().ResetLink)
	case chaos.Crash:
		t.each(act, (*host.Node).Crash)
	case chaos.PowerLoss:
		t.each(act, (*host.Node).PowerLoss)
	case chaos.Stop:
		t.each(act, t.stop)
	case chaos.CrashAtCall, chaos.CrashAtPoint:
		t.arm(act)
	case chaos.Pause:
		t.each(act, func(n *host.Node) { n.Pause(act.Fault.For.D()) })
	case chaos.SlowDisk, chaos.StallDisk, chaos.DiskError, chaos.FullDisk, chaos.FailedDir, chaos.BitRot, chaos.Misdirected:
		t.setDisks()
	case chaos.WipeDisk:
		t.each(act, t.wipe)
	case chaos.OldDisk:
		t.each(act, t.takeImage)
	case chaos.SwapDisks:
		return t.swapDisks(act)
	case chaos.LoseConns:
		t.eachPair(act, func(a, b *netsim.Host) {
			t.lost[act.Index] = append(t.lost[act.Index], t.universe.Network().LoseConns(a, b))
		})
	case chaos.NoConnects, chaos.ShortIO:
		t.setHosts()
	case chaos.CrashLoop:
		t.each(act, func(n *host.Node) { t.crashAgain(act, n) })
	case chaos.MemoryLimit:
		t.setMemory()
	case chaos.OldVersion:
		return t.changeVersion(act, t.older)
	case chaos.ClockStep, chaos.ClockDrift:
		t.each(act, func(n *host.Node) { t.turnClock(act.Fault, n, 1) })
	default:
		t.setLinks()
	}
	return nil
}

// Undo ends a fault. Nodes that it took down, and nobody else holds down, start again.
func (t *target) Undo(act chaos.Act) error {
	whole := act // with the nodes that another fault holds down
	t.active = slices.DeleteFunc(t.active, func(a chaos.Act) bool {
		if a.Index == act.Index {
			whole = a
		}
		return a.Index == act.Index
	})
	switch act.Fault.Kind {
	case chaos.Crash, chaos.PowerLoss, chaos.Stop, chaos.WipeDisk, chaos.CrashLoop:
		return t.startAll(act.Nodes)
	case chaos.CrashAtCall, chaos.CrashAtPoint:
		return t.disarm(act)
	case chaos.SlowDisk, chaos.StallDisk, chaos.DiskError, chaos.FullDisk, chaos.BitRot, chaos.Misdirected:
		t.setDisks()
	case chaos.FailedDir:
		return t.mendDir(act)
	case chaos.OldDisk:
		return t.rollBack(act)
	case chaos.SwapDisks:
		return t.swapBack(act)
	case chaos.LoseConns:
		for _, end := range t.lost[act.Index] {
			end()
		}
		delete(t.lost, act.Index)
	case chaos.NoConnects, chaos.ShortIO:
		t.setHosts()
	case chaos.MemoryLimit:
		t.setMemory()
	case chaos.OldVersion:
		return t.changeVersion(whole, t.newer)
	case chaos.ClockStep, chaos.ClockDrift:
		t.each(act, func(n *host.Node) { t.turnClock(act.Fault, n, -1) })
	case chaos.Pause: // it ends by itself
	default:
		t.setLinks()
	}
	return nil
}

func (t *target) node(number int) *host.Node { return t.brokers[number-1] }

func (t *target) each(act chaos.Act, do func(*host.Node)) {
	for _, number := range act.Nodes {
		do(t.node(number))
	}
}

// stop asks a broker to stop in good order.
func (t *target) stop(n *host.Node) {
	if n.Running() {
		t.stopping[n] = true
		n.CloseStdin()
	}
}

func (t *target) startAll(numbers []int) error {
	for _, number := range numbers {
		n := t.node(number)
		if t.stopping[n] {
			t.restart[n] = true
			continue
		}
		if n.Running() {
			continue
		}
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}

// ended is told of every broker process that ended; byItself says that nobody asked it to.
func (t *target) ended(n *host.Node, byItself bool) error {
	restart := t.restart[n]
	delete(t.stopping, n)
	delete(t.restart, n)
	if restart {
		return n.Start()
	}
	if byItself && t.explained(n) {
		t.supervise(n)
	}
	return nil
}

// trapKey names a trap: of which fault, on which node.
type trapKey struct{ fault, node int }

// points are the host calls that a crash-at-point fault may name.
var points = map[string]host.CallSet{
	"create": host.Creates, "remove": host.Removes, "rename": host.Renames, "sync": host.Syncs, "sync-dir": host.SyncDirs,
	"truncate": host.Truncates, "write": host.Writes,
}

// arm sets a trap on each node.
func (t *target) arm(act chaos.Act) {
	calls, n := host.AnyCall, act.Fault.Params.Call
	if act.Fault.Kind == chaos.CrashAtPoint {
		calls, n = points[act.Fault.Params.Point], max(act.Fault.Params.Nth, 1)
	}
	for _, number := range act.Nodes {
		trap := &host.Trap{Calls: calls, N: n}
		t.traps[trapKey{act.Index, number}] = trap
		t.node(number).SetTrap(trap)
	}
}

// disarm takes back the traps that have not sprung and starts the nodes whose traps have.
func (t *target) disarm(act chaos.Act) error {
	var idle []int
	for number := range len(t.brokers) + 1 {
		key := trapKey{act.Index, number}
		trap := t.traps[key]
		if trap == nil {
			continue
		}
		if !trap.Sprung() {
			idle = append(idle, number)
		}
		t.node(number).ClearTrap(trap)
		delete(t.traps, key)
	}
	if err := t.startAll(act.Nodes); err != nil {
		return err
	}
	if idle != nil {
		return fmt.Errorf("%w: on nodes %v", chaos.ErrNeverFired, idle)
	}
	return nil
}

// setLinks makes every link what the faults in force say.
func (t *target) setLinks() {
	network := t.universe.Network()
	for _, from := range t.universe.Nodes() {
		for _, to := range t.universe.Nodes() {
			if from == to {
				continue
			}
			link := chaos.Link{From: t.number(from), To: t.number(to)}
			if link.From == chaos.Clients && link.To == chaos.Clients {
				continue
			}
			blocked, params := false, network.DefaultLink()
			for _, act := range t.active {
				if !slices.Contains(chaos.Links(act.Fault, act.Nodes, len(t.brokers)), link) {
					continue
				}
				if act.Fault.Kind.Partitions() {
					blocked = true
				} else if act.Fault.Kind == chaos.SlowLink {
					slow(&params, act.Fault.Params)
				}
			}
			if blocked {
				network.Block(from.Host(), to.Host())
			} else {
				network.Unblock(from.Host(), to.Host())
			}
			network.SetLink(from.Host(), to.Host(), params)
		}
	}
}

// number is a node's number in the plan, chaos.Clients for a client.
func (t *target) number(n *host.Node) int { return slices.Index(t.brokers, n) + 1 }

func slow(link *netsim.LinkParams, p chaos.Params) {
	if p.BytesPerSecond > 0 && (link.BytesPerSecond == 0 || p.BytesPerSecond < link.BytesPerSecond) {
		link.BytesPerSecond = p.BytesPerSecond
	}
	if p.Delay == nil {
		return
	}
	mean := p.Delay.Mean.D()
	switch p.Delay.Distribution {
	case "exponential":
		link.Latency.Mean += mean
	case "bimodal":
		link.Latency.Base += mean
		link.Latency.Tail = p.Delay.Slow.D()
		link.Latency.TailPPM = uint32(p.Delay.SlowShare * 1e6)
	default:
		link.Latency.Base += mean
	}
}

// eachPair acts on the hosts at the ends of each link that a fault names.
func (t *target) eachPair(act chaos.Act, do func(a, b *netsim.Host)) {
	links := chaos.Links(act.Fault, act.Nodes, len(t.brokers))
	for _, a := range t.universe.Nodes() {
		for _, b := range t.universe.Nodes() {
			link := chaos.Link{From: t.number(a), To: t.number(b)}
			if a != b && (link.From != chaos.Clients || link.To != chaos.Clients) && slices.Contains(links, link) {
				do(a.Host(), b.Host())
			}
		}
	}
}

func (t *target) isBroker(n *host.Node) bool { return slices.Contains(t.brokers, n) }
