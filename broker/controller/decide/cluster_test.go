package decide

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// world is a cluster as the active controller sees it: plans are decided on it and applied to it.
type world struct {
	image    *metadata.Image
	settings Settings
	random   *rand.Rand
	made     byte // incarnations
}

func newWorld() *world {
	return &world{
		image:    withFeatures(),
		settings: Settings{NumPartitions: 1, ReplicationFactor: 1},
		random:   rand.New(rand.NewPCG(1, 2)),
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// decide runs fn on a plan and applies what it decided. What the plan showed and what the batch leads to must agree.
func (w *world) decide(t fataler, fn func(p *Plan)) *metadata.Delta {
	t.Helper()
	p := NewPlan(w.image, w.settings, w.random)
	fn(p)
	next, delta, err := w.image.Apply(p.Batch())
	if err != nil {
		t.Fatalf("decided what does not fit: %v", err)
	}
	if d := metadata.Diff(next, p.Image()); len(d.Brokers)+len(d.Topics)+len(d.Configs) > 0 {
		t.Fatalf("the plan's image is not what its batch makes: %+v", d)
	}
	w.image = next
	return delta
}

// process says how a node comes back.
type process string

const (
	clean   process = "clean"    // knows its epoch
	unclean process = "unclean"  // its machine lost its power
	newDisk process = "new-disk" // another directory
)

func (w *world) registration(id int32, how process) *kmsg.BrokerRegistrationRequest {
	w.made++
	req := kmsg.NewPtrBrokerRegistrationRequest()
	req.SetVersion(req.MaxVersion())
	req.BrokerID = id
	req.IncarnationID = metadata.UUID{9, w.made}
	directory := metadata.UUID{byte(id) + 1}
	req.PreviousBrokerEpoch = -1
	if old := w.image.Brokers[id]; old != nil {
		directory = old.DirectoryID
		if how == newDisk {
			directory[1]++
		} else if how == clean {
			req.PreviousBrokerEpoch = old.Epoch
		}
	}
	req.LogDirs = [][16]byte{directory}
	for _, f := range metadata.Features {
		feature := kmsg.NewBrokerRegistrationRequestFeature()
		feature.Name, feature.MinSupportedVersion, feature.MaxSupportedVersion = f.Name, f.Min, f.Max
		req.Features = append(req.Features, feature)
	}
	for i, name := range []string{"PLAINTEXT", ControllerListener} {
		l := kmsg.NewBrokerRegistrationRequestListener()
		l.Name, l.Host, l.Port = name, fmt.Sprintf("node%d", id), uint16(9092+i)
		req.Listeners = append(req.Listeners, l)
	}
	return req
}

func (w *world) heartbeat(id int32) *kmsg.BrokerHeartbeatRequest {
	req := kmsg.NewPtrBrokerHeartbeatRequest()
	req.SetVersion(req.MaxVersion())
	req.BrokerID, req.BrokerEpoch = id, -1
	if b := w.image.Brokers[id]; b != nil {
		req.BrokerEpoch = b.Epoch
	}
	req.CurrentMetadataOffset = int64(w.image.Version)
	return req
}

// up registers nodes and unfences them.
func (w *world) up(t fataler, ids ...int32) {
	t.Helper()
	for _, id := range ids {
		w.decide(t, func(p *Plan) { p.RegisterBroker(w.registration(id, clean)) })
		w.decide(t, func(p *Plan) { p.Heartbeat(w.heartbeat(id)) })
	}
}

func createRequest(name string, partitions int32, factor int16) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.SetVersion(req.MaxVersion())
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, factor
	req.Topics = append(req.Topics, topic)
	return req
}

// createOn creates a topic with one partition on given replicas.
func (w *world) createOn(t fataler, name string, replicas ...int32) {
	t.Helper()
	req := createRequest(name, -1, -1)
	a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	a.Replicas = replicas
	req.Topics[0].ReplicaAssignment = append(req.Topics[0].ReplicaAssignment, a)
	w.decide(t, func(p *Plan) {
		if r := p.CreateTopics(req).Topics[0]; r.ErrorCode != 0 {
			t.Fatalf("create %s: %d %s", name, r.ErrorCode, *r.ErrorMessage)
		}
	})
}

func (w *world) alter(id int32, topic string, isr ...int32) *kmsg.AlterPartitionRequest {
	req := kmsg.NewPtrAlterPartitionRequest()
	req.SetVersion(req.MaxVersion())
	req.BrokerID, req.BrokerEpoch = id, w.image.Brokers[id].Epoch
	rt, rp := kmsg.NewAlterPartitionRequestTopic(), kmsg.NewAlterPartitionRequestTopicPartition()
	p := w.image.Topics[topic].Partition(0)
	rt.TopicID, rp.LeaderEpoch, rp.PartitionEpoch = w.image.Topics[topic].ID, p.LeaderEpoch, p.PartitionEpoch
	for _, node := range isr {
		member := kmsg.NewAlterPartitionRequestTopicPartitionNewEpochISR()
		member.BrokerID, member.BrokerEpoch = node, -1
		if b := w.image.Brokers[node]; b != nil {
			member.BrokerEpoch = b.Epoch
		}
		rp.NewEpochISR = append(rp.NewEpochISR, member)
	}
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

// assignment is what a node says when the disk has failed under its replica, or when that is whole again.
func (w *world) assignment(id int32, topic string, lost bool) *kmsg.AssignReplicasToDirsRequest {
	req := kmsg.NewPtrAssignReplicasToDirsRequest()
	req.BrokerID = id
	if b := w.image.Brokers[id]; b != nil {
		req.BrokerEpoch = b.Epoch
	}
	directory := kmsg.NewAssignReplicasToDirsRequestDirectory()
	directory.ID = metadata.UUID{1, 2, 3}
	if lost {
		directory.ID = LostDirectory
	}
	rt := kmsg.NewAssignReplicasToDirsRequestDirectoryTopic()
	rt.TopicID = w.image.Topics[topic].ID
	rt.Partitions = append(rt.Partitions, kmsg.NewAssignReplicasToDirsRequestDirectoryTopicPartition())
	directory.Topics = append(directory.Topics, rt)
	req.Directories = append(req.Directories, directory)
	return req
}

func setConfig(resource metadata.ConfigResource, key, value string) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	rr := kmsg.NewIncrementalAlterConfigsRequestResource()
	rr.ResourceType, rr.ResourceName = kmsg.ConfigResourceType(resource.Type), resource.Name
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = key, &value
	rr.Configs = append(rr.Configs, c)
	req.Resources = append(req.Resources, rr)
	return req
}

// reassignment is a request to move a topic's only partition; no target cancels.
func reassignment(topic string, target []int32, anyFactor bool) *kmsg.AlterPartitionAssignmentsRequest {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.SetVersion(req.MaxVersion())
	req.AllowReplicationFactorChange = anyFactor
	rt, rp := kmsg.NewAlterPartitionAssignmentsRequestTopic(), kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	rt.Topic, rp.Replicas = topic, target
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

// describe writes a partition as the transcripts show it.
func describe(p *metadata.Partition) string {
	s := fmt.Sprintf("leader=%d isr=%v", p.Leader, p.ISR)
	if p.Reassigning() {
		s = fmt.Sprintf("replicas=%v adding=%v removing=%v ", p.Replicas, p.Adding, p.Removing) + s
	}
	if len(p.ELR) > 0 {
		s += fmt.Sprintf(" elr=%v", p.ELR)
	}
	if p.LastKnownLeader != metadata.NoLeader {
		s += fmt.Sprintf(" last-known=%d", p.LastKnownLeader)
	}
	return s + fmt.Sprintf(" leader-epoch=%d partition-epoch=%d", p.LeaderEpoch, p.PartitionEpoch)
}

func describeDelta(image *metadata.Image, d *metadata.Delta) string {
	var b strings.Builder
	for _, id := range d.Brokers {
		broker := image.Brokers[id]
		if broker == nil {
			fmt.Fprintf(&b, "node %d: gone\n", id)
			continue
		}
		state := "unfenced"
		if broker.Fenced {
			state = "fenced"
		}
		if broker.ShuttingDown {
			state += ", shutting down"
		}
		fmt.Fprintf(&b, "node %d: epoch %d, %s\n", id, broker.Epoch, state)
	}
	for _, td := range d.Topics {
		if td.Deleted {
			fmt.Fprintf(&b, "topic %s: deleted\n", td.Name)
		}
		for _, i := range td.Partitions {
			p := image.TopicsByID[td.ID].Partition(i)
			fmt.Fprintf(&b, "%s-%d: %s\n", td.Name, i, describe(p))
		}
	}
	for _, r := range d.Configs {
		fmt.Fprintf(&b, "configs of %d/%q: ", r.Type, r.Name)
		for _, key := range slices.Sorted(maps.Keys(image.Configs[r])) {
			fmt.Fprintf(&b, "%s=%s ", key, image.Configs[r][key])
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func numbers(t *testing.T, list []string) (ids []int32) {
	for _, text := range list {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, int32(n))
	}
	return ids
}

// withFeatures is the image of a cluster that settled on every feature and has no name yet.
func withFeatures() *metadata.Image {
	image := metadata.NewImage()
	for _, f := range metadata.Features {
		image.Features[f.Name] = f.Max
	}
	return image
}
