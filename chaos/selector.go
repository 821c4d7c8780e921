package chaos

import (
	"fmt"
	"strconv"
	"strings"
)

// A Selector says whom a fault hits, by number or by role:
//
//	node/2          node 2
//	nodes/1,3       nodes 1 and 3
//	all             every node
//	leader/t0/1     whoever leads partition 1 of topic t0 when the fault strikes
//	controller      whoever is the active controller then
//
// A role is resolved when the fault is applied, and stays on the node that it found until the fault is undone.
type Selector string

// selectorForms is what an error names as allowed.
const selectorForms = "node/N, nodes/N,N…, all, leader/TOPIC/PARTITION or controller"

// Node selects one node by number.
func Node(id int) Selector { return Selector(fmt.Sprintf("node/%d", id)) }

// Nodes selects several nodes by number.
func Nodes(ids ...int) Selector {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(id)
	}
	return Selector("nodes/" + strings.Join(words, ","))
}

// LeaderOf selects whoever leads a partition when the fault strikes.
func LeaderOf(topic string, partition int) Selector {
	return Selector(fmt.Sprintf("leader/%s/%d", topic, partition))
}

// Everyone and ActiveController are the selectors without a number.
const (
	Everyone         Selector = "all"
	ActiveController Selector = "controller"
)

// A choice is a parsed selector. Exactly one of its forms is set.
type choice struct {
	all, controller bool
	nodes           []int  // by number
	topic           string // leader of topic, partition
	partition       int
}

// role is true when the nodes are known only at run time.
func (c choice) role() bool { return c.controller || c.topic != "" }

func (s Selector) parse() (choice, error) {
	form, rest, _ := strings.Cut(string(s), "/")
	bad := fmt.Errorf("target %q: allowed are %s", string(s), selectorForms)
	switch form {
	case "all", "controller":
		if string(s) != form {
			return choice{}, bad
		}
		return choice{all: form == "all", controller: form == "controller"}, nil
	case "node", "nodes":
		ids, err := parseNodes(rest)
		if err != nil || (form == "node" && len(ids) != 1) {
			return choice{}, bad
		}
		return choice{nodes: ids}, nil
	case "leader":
		topic, number, ok := strings.Cut(rest, "/")
		partition, err := strconv.Atoi(number)
		if !ok || topic == "" || err != nil || partition < 0 {
			return choice{}, bad
		}
		return choice{topic: topic, partition: partition}, nil
	}
	return choice{}, bad
}

// parseNodes reads "1,3": ascending, so that one set has one notation.
func parseNodes(list string) ([]int, error) {
	var ids []int
	for word := range strings.SplitSeq(list, ",") {
		id, err := strconv.Atoi(word)
		if err != nil || id < 1 || (len(ids) > 0 && ids[len(ids)-1] >= id) {
			return nil, fmt.Errorf("node numbers %q are not ascending from 1", list)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// check holds a selector against the cluster that it would be used on.
func (c choice) check(s Selector, cluster *Cluster) error {
	for _, id := range c.nodes {
		if id > cluster.Nodes {
			return fmt.Errorf("target %q: the cluster has nodes 1 to %d", string(s), cluster.Nodes)
		}
	}
	if c.topic == "" {
		return nil
	}
	t := cluster.topic(c.topic)
	if t == nil {
		return fmt.Errorf("target %q: the plan has no topic %q", string(s), c.topic)
	}
	if c.partition >= t.Partitions {
		return fmt.Errorf("target %q: topic %s has partitions 0 to %d", string(s), c.topic, t.Partitions-1)
	}
	return nil
}
