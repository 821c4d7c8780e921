package sim

import (
	"fmt"
	"strings"

	"odradek/chaos"
	"odradek/chaos/workload"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// Ports of the brokers, in the form that follows a host's address.
const (
	brokerPort     = ":9092"
	controllerPort = ":9093"
)

const finalReaderName = "final-reader"

func brokerIP(number int) string { return fmt.Sprintf("10.0.0.%d", number) }

// build makes the universe of a plan: its machines, not yet running.
func (r *run) build() error {
	if err := r.plan.Validate(); err != nil {
		return err
	}
	config := host.DefaultConfig(r.plan.Seed, r.options.Program)
	config.Trace = r.options.Trace
	config.OnStdout, config.OnStderr, config.OnExit = r.stdout, r.stderr, r.exited
	config.OnStart = func(n *host.Node) {
		r.options.Recording.started(n, r.universe.Now())
		r.target.started(n)
	}
	r.universe = host.New(config)
	r.target = &target{
		universe: r.universe, view: r.view, dirs: r.plan.Cluster.LogDirs(guest.DataDir), traps: map[trapKey]*host.Trap{},
		stopping: map[*host.Node]bool{}, restart: map[*host.Node]bool{}, disks: newDisks(r.fail),
		memory: map[*host.Node]uint64{}, lost: map[int][]func(){}, newer: r.options.Program, older: r.options.Older,
	}
	for number := 1; number <= r.plan.Cluster.Nodes; number++ {
		n, err := r.add(brokerIP(number), r.brokerTask(number))
		if err != nil {
			return err
		}
		r.brokers = append(r.brokers, n)
	}
	r.target.brokers = r.brokers
	if err := r.addClients(); err != nil {
		return err
	}
	var err error
	r.runner, err = chaos.NewRunner(r.plan.Schedule, r.plan.Cluster.Nodes, r.target)
	return err
}

func (r *run) add(ip string, task guest.Task) (*host.Node, error) {
	return r.universe.AddNode(host.NodeConfig{Name: task.Name, IP: ip, Args: task.Args(), Env: []string{"GOGC=200"}})
}

// brokerTask is a broker's command line: the plan's own settings and those that make it this node.
func (r *run) brokerTask(number int) guest.Task {
	settings := r.plan.Cluster.SettingsOf(number)
	var voters []string
	for other := 1; other <= min(r.plan.Cluster.Nodes, votersMax); other++ {
		voters = append(voters, fmt.Sprintf("%d@%s%s", other, brokerIP(other), controllerPort))
	}
	settings["node.id"] = fmt.Sprint(number)
	settings["process.roles"] = "broker"
	if number <= votersMax {
		settings["process.roles"] = "broker,controller"
	}
	settings["log.dirs"] = strings.Join(r.plan.Cluster.LogDirs(guest.DataDir), ",")
	settings["listeners"] = fmt.Sprintf("PLAINTEXT://%s%s,CONTROLLER://%s%s", brokerIP(number), brokerPort, brokerIP(number), controllerPort)
	settings["controller.listener.names"] = "CONTROLLER"
	settings["controller.quorum.voters"] = strings.Join(voters, ",")
	return guest.Task{
		Role: guest.RoleBroker, Name: nodeName(number), Settings: settings,
		Seed: r.plan.Seed<<8 + uint64(number), Cluster: chaos.Cluster{Buggify: r.plan.Cluster.Buggify},
	}
}

// votersMax keeps the quorum odd and small: the nodes after the third are non-voters.
const votersMax = 3

// addClients makes the clients' machines: producers and consumers by number, and who makes the topics.
func (r *run) addClients() error {
	phases := r.plan.Phases
	var err error
	if r.setup, err = r.add("10.0.1.250", r.task(guest.RoleSetup, "setup", phases.HealEnd())); err != nil {
		return err
	}
	for i := range r.plan.Producers {
		task := r.task(guest.RoleProducer, fmt.Sprintf("producer-%d", i+1), phases.HealEnd())
		task.Producer = &r.plan.Producers[i]
		if err := r.addClient(task); err != nil {
			return err
		}
	}
	for i := range r.plan.Consumers {
		task := r.task(guest.RoleConsumer, fmt.Sprintf("consumer-%d", i+1), phases.HealEnd())
		task.Consumer = &r.plan.Consumers[i]
		if err := r.addClient(task); err != nil {
			return err
		}
	}
	for i := range r.plan.Copiers {
		task := r.task(guest.RoleCopier, fmt.Sprintf("copier-%d", i+1), phases.HealEnd())
		task.Copier = &r.plan.Copiers[i]
		if err := r.addClient(task); err != nil {
			return err
		}
	}
	for i := range r.plan.Deleters {
		task := r.task(guest.RoleDeleter, fmt.Sprintf("deleter-%d", i+1), phases.HealEnd())
		task.Deleter = &r.plan.Deleters[i]
		if err := r.addClient(task); err != nil {
			return err
		}
	}
	if len(r.plan.Reassignments)+len(r.plan.ReplicaMoves) > 0 {
		task := r.task(guest.RoleOperator, "operator", phases.HealEnd())
		task.Moves, task.ReplicaMoves = r.plan.Wishes(), r.plan.ReplicaMoves
		if err := r.addClient(task); err != nil {
			return err
		}
	}
	if err := r.addMembers(); err != nil {
		return err
	}
	return r.addApps()
}

// addMembers makes the machines of the groups' members. They go on for a while when producers have stopped, to come to the end.
func (r *run) addMembers() error {
	for i := range r.plan.Groups {
		group := &r.plan.Groups[i]
		for number := 1; number <= group.Members; number++ {
			task := r.memberTask(guest.RoleMember, group.Name, number)
			task.Group = group
			if err := r.addClient(task); err != nil {
				return err
			}
		}
	}
	for i := range r.plan.Shares {
		group := &r.plan.Shares[i]
		for number := 1; number <= group.Members; number++ {
			task := r.memberTask(guest.RoleSharer, group.Name, number)
			task.Share = group
			if err := r.addClient(task); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) memberTask(role, group string, number int) guest.Task {
	task := r.task(role, fmt.Sprintf("%s-member-%d", group, number), r.plan.Phases.HealEnd()+workload.MemberMargin)
	task.Number = number
	return task
}

func (r *run) addClient(task guest.Task) error {
	n, err := r.add(fmt.Sprintf("10.0.1.%d", len(r.clients)+1), task)
	r.clients = append(r.clients, n)
	return err
}

// finalReader makes the machine of the last client, which reads everything once. Its links suffer what those of the other clients do.
func (r *run) finalReader() (*host.Node, error) {
	task := r.task(guest.RoleFinalRead, finalReaderName, r.plan.Phases.End()-finalMargin)
	task.Committed = len(r.plan.Copiers) > 0
	task.Groups, task.Shares = r.plan.GroupNames(), r.plan.ShareNames()
	n, err := r.add("10.0.1.251", task)
	if err == nil && len(r.plan.Left()) > 0 {
		r.target.setLinks()
	}
	return n, err
}

// finalMargin is how long before the end the final reader gives up, so that its word on it is heard.
const finalMargin = chaos.Duration(500e6)

// nodeName is what a broker is called.
func nodeName(number int) string { return fmt.Sprintf("node-%d", number) }
