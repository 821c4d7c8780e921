package coordinators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"golang.org/x/sync/errgroup"
)

// Failover commits many offsets with one coordinator, in groups that share a partition of __consumer_offsets, and ends the process of
// whoever leads it: "answer" lasts until another node answers for the first group's offsets as they were committed. Then every group's are
// compared, and the node is started again.
type Failover struct {
	Offsets  int
	PerGroup int32 // of a group's: partitions of the topic
	Stop     bool  // the process is asked to end, and hands over; otherwise it is killed
	Times    int
}

const (
	offsetsTopic = "__consumer_offsets"
	// answerMax is how long it may take until offsets are answered, askMax how long one question.
	answerMax, askMax = 2 * time.Minute, time.Second
	// askEvery is the pause between two questions.
	askEvery = 5 * time.Millisecond
)

// Run measures. Wrong offsets are an error.
func (f Failover) Run(ctx context.Context, o Options) error {
	client, err := o.client()
	if err != nil {
		return err
	}
	defer client.Close()
	asker, err := o.client(kgo.MaxVersions(ofOneGroup()))
	if err != nil {
		return err
	}
	defer asker.Close()
	m := &movement{Failover: f, Options: o, admin: kadm.NewClient(client), asker: asker, topic: fresh("topic")}
	remove, err := o.topic(ctx, client, m.topic, f.PerGroup)
	if err != nil {
		return err
	}
	defer remove()
	if err := m.name(ctx); err != nil {
		return err
	}
	for round := range f.Times {
		if err := m.commitAll(ctx, round); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if err := m.once(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// movement is a coordinator that goes from node to node.
type movement struct {
	Failover
	Options
	admin     *kadm.Client
	asker     *kgo.Client // speaks versions of one group a request
	topic     string
	partition int32 // of offsetsTopic
	groups    []string
}

// ofOneGroup are the newest versions of what the asker asks that name one group.
func ofOneGroup() *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(kmsg.FindCoordinator.Int16(), 3)
	versions.SetMaxKeyVersion(kmsg.OffsetFetch.Int16(), 7)
	return versions
}

// name draws names of groups whose offsets are all in one partition.
func (m *movement) name(ctx context.Context) error {
	first := fresh("group")
	if err := retried(ctx, func() error { return m.admin.FindGroupCoordinators(ctx, first).Error() }); err != nil { // which makes the offsets' topic
		return fmt.Errorf("coordinator: %w", err)
	}
	var partitions int
	err := retried(ctx, func() error {
		topics, err := m.admin.ListTopicsWithInternal(ctx, offsetsTopic)
		partitions = len(topics[offsetsTopic].Partitions)
		if err == nil && partitions == 0 {
			return kerr.UnknownTopicOrPartition
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", offsetsTopic, err)
	}
	m.partition = partitionFor(first, partitions)
	m.groups = []string{first}
	for i := 0; len(m.groups)*int(m.PerGroup) < m.Offsets; i++ {
		if name := fmt.Sprintf("%s-%d", first, i); partitionFor(name, partitions) == m.partition {
			m.groups = append(m.groups, name)
		}
	}
	return nil
}

// partitionFor is the partition that a group's offsets are in: Java's hash of its name, which is ASCII here.
func partitionFor(group string, partitions int) int32 {
	var hash int32
	for _, b := range []byte(group) {
		hash = 31*hash + int32(b)
	}
	return hash & math.MaxInt32 % int32(partitions)
}

// offset is what a group has committed in a round.
func (m *movement) offset(round, group int, partition int32) int64 {
	return int64(round*m.Offsets) + int64(group)*int64(m.PerGroup) + int64(partition) + 1
}

// commitsAtOnce is how many groups commit side by side.
const commitsAtOnce = 16

func (m *movement) commitAll(ctx context.Context, round int) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(commitsAtOnce)
	for i, group := range m.groups {
		all.Go(func() error {
			offsets := kadm.Offsets{}
			for p := range m.PerGroup {
				offsets.Add(kadm.Offset{Topic: m.topic, Partition: p, At: m.offset(round, i, p), LeaderEpoch: -1})
			}
			return retried(ctx, func() error { return m.admin.CommitAllOffsets(ctx, group, offsets) })
		})
	}
	return all.Wait()
}

// once ends the coordinator's process and measures.
func (m *movement) once(ctx context.Context, round int) error {
	leader, _, err := m.replicas(ctx)
	if err != nil {
		return err
	}
	pids, err := m.Control.PIDs(ctx)
	if err != nil {
		return err
	}
	process, err := os.FindProcess(pids[int(leader)])
	if err != nil {
		return err
	}
	if pids[int(leader)] == 0 {
		return fmt.Errorf("node %d, the coordinator, has no process here", leader)
	}
	var others []int32
	for node := range pids {
		if int32(node) != leader {
			others = append(others, int32(node))
		}
	}
	how := syscall.SIGKILL
	if m.Stop {
		how = syscall.SIGTERM
	}
	began := time.Now()
	if err := process.Signal(how); err != nil {
		return err
	}
	next, err := m.ask(ctx, round, others)
	if err != nil {
		return err
	}
	m.Tell("answer", time.Since(began))
	for i, group := range m.groups {
		if err := m.fetch(ctx, round, i, next); err != nil {
			return fmt.Errorf("group %s: %w", group, err)
		}
	}
	return m.restore(ctx, int(leader))
}

// replicas says who leads the partition, and whether all of its replicas are in sync.
func (m *movement) replicas(ctx context.Context) (leader int32, whole bool, err error) {
	topics, err := m.admin.ListTopicsWithInternal(ctx, offsetsTopic)
	if err != nil {
		return 0, false, err
	}
	p := topics[offsetsTopic].Partitions[m.partition]
	if p.Err != nil || p.Leader < 0 {
		return 0, false, fmt.Errorf("%s-%d has no leader (%w)", offsetsTopic, m.partition, p.Err)
	}
	return p.Leader, len(p.ISR) == len(p.Replicas), nil
}

// ask asks the nodes that are left, one after the other, until one of them names another that knows the offsets of the first group.
func (m *movement) ask(ctx context.Context, round int, nodes []int32) (next int32, err error) {
	for began, at := time.Now(), 0; ; at++ {
		next, err = m.askOne(ctx, round, nodes, nodes[at%len(nodes)])
		switch {
		case err == nil || errors.Is(err, errWrong):
			return next, err
		case time.Since(began) > answerMax:
			return 0, fmt.Errorf("no offsets after %v: %w", answerMax, err)
		}
		if err := pause(ctx, askEvery); err != nil {
			return 0, err
		}
	}
}

func (m *movement) askOne(ctx context.Context, round int, nodes []int32, node int32) (next int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	if next, err = m.find(ctx, nodes, node); err != nil {
		return 0, err
	}
	return next, m.fetch(ctx, round, 0, next)
}

// find asks a node who coordinates; it has to be one of those that are left.
func (m *movement) find(ctx context.Context, nodes []int32, node int32) (int32, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = m.groups[0]
	answer, err := m.asker.Broker(int(node)).Request(ctx, req)
	if err != nil {
		return 0, err
	}
	found := answer.(*kmsg.FindCoordinatorResponse)
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, err
	}
	if !slices.Contains(nodes, found.NodeID) {
		return 0, fmt.Errorf("the coordinator is still said to be node %d", found.NodeID)
	}
	return found.NodeID, nil
}

// fetch asks a node for a group's offsets and compares them.
func (m *movement) fetch(ctx context.Context, round, group int, node int32) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = m.groups[group]
	answer, err := m.asker.Broker(int(node)).Request(ctx, req)
	if err != nil {
		return err
	}
	fetched := answer.(*kmsg.OffsetFetchResponse)
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return err
	}
	offsets := map[int32]int64{}
	for _, topic := range fetched.Topics {
		for _, p := range topic.Partitions {
			offsets[p.Partition] = p.Offset
		}
	}
	for p := range m.PerGroup {
		if want := m.offset(round, group, p); offsets[p] != want {
			return fmt.Errorf("%w: partition %d is at %d instead of %d, of %d answered", errWrong, p, offsets[p], want, len(offsets))
		}
	}
	return nil
}

// errWrong says that offsets were answered that are not those committed.
var errWrong = errors.New("not what was committed")

// restore starts a node again and waits until it has everything.
func (m *movement) restore(ctx context.Context, node int) error {
	for {
		if pids, err := m.Control.PIDs(ctx); err != nil {
			return err
		} else if pids[node] == 0 {
			break
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
	if err := m.Control.Start(ctx, node); err != nil {
		return err
	}
	for began := time.Now(); ; {
		_, whole, err := m.replicas(ctx)
		if err == nil && whole {
			return nil
		}
		if time.Since(began) > answerMax {
			return fmt.Errorf("node %d is not in sync again after %v (%w)", node, answerMax, err)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}
