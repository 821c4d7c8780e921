// Package guest is what the host of a universe and its guests say to each other: the task that a guest is started with, and
// the lines that it writes on its standard output. It is all that the two sides share.
package guest

import (
	"encoding/json"
	"fmt"

	"odradek/chaos"
)

// The roles that a guest can have.
const (
	RoleBroker    = "broker"
	RoleSetup     = "setup"      // makes the topics and exits
	RoleProducer  = "producer"   // sends until its time is up
	RoleConsumer  = "consumer"   // polls until its time is up
	RoleDeleter   = "deleter"    // deletes records until its time is up
	RoleCopier    = "copier"     // copies in transactions until its time is up
	RoleMember    = "member"     // is a member of a group, on and off, until its time is up
	RoleFinalRead = "final-read" // reads everything once and exits
	RoleSharer    = "sharer"     // a member of a share group
	RoleOperator  = "operator"   // moves partitions about and exits
	RoleEnvTest   = "envtest"    // runs the suite of broker/env/envtest
	RoleApp       = "app"        // an instance of somebody's own program (package sim/app)
)

// ExitNoProgress is the exit code of a client whose time ended before its work: the cluster's failure to come back, where any
// other code but 0 is a failure of the harness.
const ExitNoProgress = 4

// DataDir is where a broker keeps its data on its simulated disk; where it has several directories, the first of them.
const DataDir = "/data"

// Task is what a guest is started with: its only argument, as JSON.
type Task struct {
	Role string `json:"role"`
	Name string `json:"name"` // the node's
	// Settings are a broker's properties, under Kafka's names.
	Settings map[string]string `json:"settings,omitempty"`
	// The rest is for clients. StartNs is the calendar's reading when the universe began, in nanoseconds since 1970;
	// UntilNs is how long after it the client's time is up.
	Seeds    []string        `json:"seeds,omitempty"`
	StartNs  int64           `json:"start_ns,omitempty"`
	UntilNs  int64           `json:"until_ns,omitempty"`
	Seed     uint64          `json:"seed,omitempty"`
	Number   int             `json:"number,omitempty"` // of a member within its group, or of an instance of an app
	Cluster  chaos.Cluster   `json:"cluster,omitzero"`
	Producer *chaos.Producer `json:"producer,omitempty"`
	Consumer *chaos.Consumer `json:"consumer,omitempty"`
	// Moves and ReplicaMoves are an operator's.
	Moves        []chaos.Reassignment `json:"moves,omitempty"`
	ReplicaMoves []chaos.ReplicaMove  `json:"replica_moves,omitempty"`
	Deleter      *chaos.Deleter       `json:"deleter,omitempty"`
	Copier       *chaos.Copier        `json:"copier,omitempty"`
	// Committed has the final reader read what is committed, too.
	Committed bool              `json:"committed,omitempty"`
	Group     *chaos.Group      `json:"group,omitempty"`  // of a member
	Groups    []string          `json:"groups,omitempty"` // whose committed offsets the final read asks for
	Share     *chaos.ShareGroup `json:"share,omitempty"`  // of a member
	Shares    []string          `json:"shares,omitempty"` // whose starts the final read asks for
	// The rest is an app's. HealedNs is how long after the universe's beginning the last fault is over.
	Instances int      `json:"instances,omitempty"`
	AppArgs   []string `json:"app_args,omitempty"`
	HealedNs  int64    `json:"healed_ns,omitempty"`
}

// FaultsOver is what a broker reads from its standard input when the phase of faults ends, and with it what the broker does to
// itself (Cluster.Buggify).
const FaultsOver = "calm"

// Args is the command line that starts a guest with the task.
func (t Task) Args() []string {
	text, err := json.Marshal(t)
	if err != nil {
		panic("guest: a task has no JSON: " + err.Error()) // it is made of strings and numbers
	}
	return []string{"odradek-guest", string(text)}
}

// ParseArgs reads the command line that Args made.
func ParseArgs(args []string) (Task, error) {
	var t Task
	if len(args) != 2 {
		return t, fmt.Errorf("guest: one argument is expected, the task as JSON; there are %d", len(args)-1)
	}
	if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
		return t, fmt.Errorf("guest: task: %w", err)
	}
	return t, nil
}

// The events that a broker tells of.
const (
	// EventPartition is a partition as the broker's image has it, whenever that changes.
	EventPartition = "partition"
	// EventController is the active controller, as the broker knows it, whenever that changes.
	EventController = "controller"
	// EventBuggify is a point of package buggify that has fired for the first time in the process; its name is in Point.
	EventBuggify = "buggify"
	// EventProbe is a probe of package sometimes that was reached for the first time in the process; its name is in Point.
	EventProbe = "probe"
	// EventServing says that the broker answers clients.
	EventServing = "serving"
)

// Line is what a broker writes: one JSON object a line. A client's lines are events of a history instead.
type Line struct {
	Event          string  `json:"event"`
	Point          string  `json:"point,omitempty"`
	Topic          string  `json:"topic,omitempty"`
	Partition      int32   `json:"partition"`
	Leader         int32   `json:"leader"` // of the partition, or the controller; -1 for nobody
	LeaderEpoch    int32   `json:"leader_epoch"`
	PartitionEpoch int32   `json:"partition_epoch"`
	Replicas       []int32 `json:"replicas,omitempty"`
	ISR            []int32 `json:"isr,omitempty"`
}
