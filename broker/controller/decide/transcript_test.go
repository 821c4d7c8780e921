package decide

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// TestTranscripts plays testdata/*: each block is a command, and what it changed. Rewrite with go test ./… -rewrite.
//
//	up 1 2 3                            register and unfence
//	register 1 clean|unclean|new-disk   heartbeat 1 [fence|shutdown]   fence 1   unregister 1
//	create t replicas=(1,2,3)           delete t
//	alter t leader=1 isr=(1,2)          elect t preferred|unclean      rebalance
//	config t|cluster key=value         reassign t to=(4,5)|cancel [same-factor]
//	lose 1 t: the disk failed under a replica   find 1 t: it is whole again
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := newWorld()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "up":
				for _, a := range d.CmdArgs {
					w.up(t, numbers(t, []string{a.String()})...)
				}
				return ""
			case "create":
				w.createOn(t, d.CmdArgs[0].String(), numbers(t, d.CmdArgs[1].Vals)...)
				return describe(w.image.Topics[d.CmdArgs[0].String()].Partition(0)) + "\n"
			}
			var said string
			delta := w.decide(t, func(p *Plan) { said = w.command(t, p, d) })
			return said + describeDelta(w.image, delta)
		})
	})
}

func code(c int16) string {
	if c == 0 {
		return ""
	}
	return fmt.Sprintf("error %s\n", kerr.TypedErrorForCode(c).Message)
}

func (w *world) command(t *testing.T, p *Plan, d *datadriven.TestData) string {
	args := make([]string, len(d.CmdArgs))
	for i, a := range d.CmdArgs {
		args[i] = a.String()
	}
	switch d.Cmd {
	case "elect":
		req := kmsg.NewPtrElectLeadersRequest()
		if args[1] == "unclean" {
			req.ElectionType = electionUnclean
		}
		rt := kmsg.NewElectLeadersRequestTopic()
		rt.Topic, rt.Partitions = args[0], []int32{0}
		req.Topics = append(req.Topics, rt)
		return code(p.ElectLeaders(req).Topics[0].Partitions[0].ErrorCode)
	case "rebalance":
		return fmt.Sprintf("moved %d\n", p.Rebalance())
	case "delete":
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.TopicNames = args
		return code(p.DeleteTopics(req).Topics[0].ErrorCode)
	case "config":
		resource := metadata.ConfigResource{Type: metadata.ResourceTopic, Name: args[0]}
		if args[0] == "cluster" {
			resource = metadata.ConfigResource{Type: metadata.ResourceBroker}
		}
		key, value, _ := strings.Cut(args[1], "=")
		return code(p.IncrementalAlterConfigs(setConfig(resource, key, value)).Resources[0].ErrorCode)
	case "reassign":
		return w.reassignCommand(t, p, d)
	case "alter":
		return w.alterCommand(t, p, d)
	}
	return w.nodeCommand(t, p, d.Cmd, numbers(t, args[:1])[0], args[1:])
}

func (w *world) reassignCommand(t *testing.T, p *Plan, d *datadriven.TestData) string {
	var target []int32
	for _, a := range d.CmdArgs {
		if a.Key == "to" {
			target = append([]int32{}, numbers(t, a.Vals)...)
		}
	}
	resp := p.AlterPartitionReassignments(reassignment(d.CmdArgs[0].String(), target, !d.HasArg("same-factor")))
	return code(resp.Topics[0].Partitions[0].ErrorCode)
}

func (w *world) alterCommand(t *testing.T, p *Plan, d *datadriven.TestData) string {
	var leader int
	var isr string
	d.ScanArgs(t, "leader", &leader)
	for _, a := range d.CmdArgs {
		if a.Key == "isr" {
			isr = strings.Join(a.Vals, ",")
		}
	}
	req := w.alter(int32(leader), d.CmdArgs[0].String(), numbers(t, strings.Split(isr, ","))...)
	if d.HasArg("partition-epoch") {
		var epoch int
		d.ScanArgs(t, "partition-epoch", &epoch)
		req.Topics[0].Partitions[0].PartitionEpoch = int32(epoch)
	}
	if d.HasArg("leader-epoch") {
		var epoch int
		d.ScanArgs(t, "leader-epoch", &epoch)
		req.Topics[0].Partitions[0].LeaderEpoch = int32(epoch)
	}
	resp := p.AlterPartition(req)
	if resp.ErrorCode != 0 {
		return code(resp.ErrorCode)
	}
	return code(resp.Topics[0].Partitions[0].ErrorCode)
}

func (w *world) nodeCommand(t *testing.T, p *Plan, cmd string, id int32, args []string) string {
	switch cmd {
	case "register":
		return code(p.RegisterBroker(w.registration(id, process(args[0]))).ErrorCode)
	case "heartbeat":
		req := w.heartbeat(id)
		req.WantFence = len(args) > 0 && args[0] == "fence"
		req.WantShutdown = len(args) > 0 && args[0] == "shutdown"
		resp := p.Heartbeat(req)
		if resp.ShouldShutdown {
			return "may shut down\n"
		}
		return code(resp.ErrorCode)
	case "fence":
		p.Fence(id)
		return ""
	case "lose", "find":
		return code(p.AssignReplicasToDirs(w.assignment(id, args[0], cmd == "lose")).Directories[0].Topics[0].Partitions[0].ErrorCode)
	case "unregister":
		req := kmsg.NewPtrUnregisterBrokerRequest()
		req.BrokerID = id
		return code(p.UnregisterBroker(req).ErrorCode)
	}
	t.Fatalf("unknown command %s", cmd)
	return ""
}
