package proc

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"odradek/chaos"
)

// Kinds are the kinds of fault that real processes can be put through on this machine.
func Kinds() []chaos.Kind {
	kinds := []chaos.Kind{chaos.Crash, chaos.Stop, chaos.Pause, chaos.SlowDisk, chaos.StallDisk}
	if canTellOwners {
		kinds = append(kinds, chaos.Isolate, chaos.Split, chaos.OneWay, chaos.Bridge, chaos.Ring, chaos.Reset, chaos.SlowLink)
	}
	return kinds
}

// votersMax keeps the quorum odd and small: the nodes after the third are non-voters, as in a simulated universe.
const votersMax = 3

// stopMax is how long a node may take to stop when it is asked to.
const stopMax = 20 * time.Second

// cluster is the brokers of a run. It is the schedule's [chaos.Target].
type cluster struct {
	nodes  []*node // number i+1
	links  *links
	watch  *watch
	active []chaos.Act // faults on disks and pauses in force
	hangs  func(words string)
	stops  map[*node]chan struct{} // nodes that were asked to stop; closed when they have
	bootup []string                // addresses for clients to start from
}

// newCluster lays a cluster out: addresses, arguments, relays. Nothing runs yet.
func newCluster(plan *chaos.Plan, program, dir string, died func(*node, string), hangs func(string)) (*cluster, error) {
	c := &cluster{links: newLinks(plan.Cluster.Nodes, chaos.Stream(plan.Seed, "links")), hangs: hangs, stops: map[*node]chan struct{}{}}
	for number := 1; number <= plan.Cluster.Nodes; number++ {
		n := &node{number: number, program: program, died: died, logName: filepath.Join(dir, fmt.Sprintf("node-%d.log", number))}
		for range 2 { // clients' and other brokers', controllers'
			backend, err := freeAddress()
			if err != nil {
				return nil, err
			}
			r := &relay{links: c.links, node: number, backend: backend, owner: c.owner}
			if err := r.listen(); err != nil {
				return nil, err
			}
			n.relays = append(n.relays, r)
		}
		c.nodes, c.bootup = append(c.nodes, n), append(c.bootup, n.relays[0].address)
	}
	for _, n := range c.nodes {
		n.arguments = c.arguments(plan, n, dir)
	}
	return c, nil
}

// freeAddress finds a port that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// arguments are a node's command line: the plan's own settings and those that make it this node behind its relays.
func (c *cluster) arguments(plan *chaos.Plan, n *node, dir string) []string {
	var voters []string
	for _, other := range c.nodes[:min(len(c.nodes), votersMax)] {
		voters = append(voters, fmt.Sprintf("%d@%s", other.number, other.relays[1].address))
	}
	settings := plan.Cluster.SettingsOf(n.number)
	settings["process.roles"] = "broker"
	if n.number <= votersMax {
		settings["process.roles"] = "broker,controller"
	}
	settings["listeners"] = fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", n.relays[0].backend, n.relays[1].backend)
	settings["advertised.listeners"] = "PLAINTEXT://" + n.relays[0].address
	settings["controller.listener.names"] = "CONTROLLER"
	settings["controller.quorum.voters"] = strings.Join(voters, ",")
	data := strings.Join(plan.Cluster.LogDirs(filepath.Join(dir, fmt.Sprint(n.number))), ",")
	arguments := []string{"serve", "--faults-on-stdin", "--node-id", fmt.Sprint(n.number), "--data", data}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "--set", key+"="+settings[key])
	}
	return arguments
}

// owner finds whose a connection is by its local port.
func (c *cluster) owner(port int) int {
	inode := inodeOf(port)
	for _, n := range c.nodes {
		if pid := n.pid(); pid != 0 && inode != "" && owns(pid, inode) {
			return n.number
		}
	}
	return chaos.Clients
}

func (c *cluster) start() error {
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

// stop ends every node, and removes nothing.
func (c *cluster) stop() error {
	for _, n := range c.nodes {
		if err := n.signal(syscall.SIGCONT); err != nil {
			return err
		}
		if _, err := n.stopWithin(stopMax); err != nil {
			return err
		}
	}
	return nil
}

// Supports implements chaos.Target.
func (c *cluster) Supports(kind chaos.Kind) bool { return slices.Contains(Kinds(), kind) }

// Leader implements chaos.Target.
func (c *cluster) Leader(topic string, partition int) (int, bool) {
	return c.watch.leader(topic, partition)
}

// Controller implements chaos.Target.
func (c *cluster) Controller() (int, bool) { return c.watch.controller() }

// Apply implements chaos.Target.
func (c *cluster) Apply(act chaos.Act) error {
	switch act.Fault.Kind {
	case chaos.Crash:
		return c.signal(act, syscall.SIGKILL)
	case chaos.Pause:
		c.active = append(c.active, act)
		return c.signal(act, syscall.SIGSTOP)
	case chaos.Stop:
		c.askToStop(act)
		return nil
	case chaos.SlowDisk, chaos.StallDisk:
		c.active = append(c.active, act)
		return c.setDisks()
	case chaos.Reset:
		c.links.reset(act)
		return nil
	}
	c.links.begin(act)
	return nil
}

// Undo implements chaos.Target.
func (c *cluster) Undo(act chaos.Act) error {
	c.active = slices.DeleteFunc(c.active, func(a chaos.Act) bool { return a.Index == act.Index })
	switch act.Fault.Kind {
	case chaos.Crash, chaos.Stop:
		return c.startAll(act.Nodes)
	case chaos.Pause:
		act.Nodes = slices.DeleteFunc(slices.Clone(act.Nodes), c.paused)
		return c.signal(act, syscall.SIGCONT)
	case chaos.SlowDisk, chaos.StallDisk:
		return c.setDisks()
	}
	c.links.end(act.Index)
	return nil
}

// paused says whether a pause in force holds a node.
func (c *cluster) paused(number int) bool {
	return slices.ContainsFunc(c.active, func(a chaos.Act) bool { return a.Fault.Kind == chaos.Pause && slices.Contains(a.Nodes, number) })
}

func (c *cluster) signal(act chaos.Act, s syscall.Signal) error {
	for _, number := range act.Nodes {
		if err := c.nodes[number-1].signal(s); err != nil {
			return err
		}
	}
	return nil
}

// askToStop asks nodes to stop in good order, and lets them take their time.
func (c *cluster) askToStop(act chaos.Act) {
	for _, number := range act.Nodes {
		n := c.nodes[number-1]
		if c.stops[n] != nil {
			continue
		}
		done := make(chan struct{})
		c.stops[n] = done
		go func() {
			defer close(done)
			if clean, err := n.stopWithin(stopMax); err != nil || !clean {
				c.hangs(fmt.Sprintf("node %d was asked to stop and had not after %v (%v)", n.number, stopMax, err))
			}
		}()
	}
}

// startAll starts nodes that a fault had taken down. One that is still stopping is started once it has, or a kill that takes effect
// a moment later would be taken for its own death.
func (c *cluster) startAll(numbers []int) error {
	for _, number := range numbers {
		n := c.nodes[number-1]
		if done := c.stops[n]; done != nil {
			<-done
			delete(c.stops, n)
		}
		if n.ending() {
			n.gone(stopMax)
		}
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

// setDisks makes every node's disk what the faults in force say.
func (c *cluster) setDisks() error {
	for _, n := range c.nodes {
		var state diskState
		for _, act := range c.active {
			switch {
			case !slices.Contains(act.Nodes, n.number):
			case act.Fault.Kind == chaos.StallDisk:
				state.Stall = true
			case act.Fault.Kind == chaos.SlowDisk:
				state.Factor = max(state.Factor, 1) * act.Fault.Params.Factor
			}
		}
		if err := n.setDisk(state); err != nil {
			return err
		}
	}
	return nil
}
