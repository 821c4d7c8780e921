package workload

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/chaos"
	"odradek/linearizability/history"
)

const (
	// memberSettles is how long before its time is up a member no longer comes and goes, nor is cut off, nor takes its time.
	memberSettles = 12 * time.Second
	leaveTimeout  = 2 * time.Second
	commitTimeout = 5 * time.Second
	groupMaxWait  = 500 * time.Millisecond
)

// Member is a member of a group until ctx ends: it reads what it is given, commits what it has read, and goes and comes back, each
// time as a client that knows nothing of the one before. seed decides when.
func Member(ctx context.Context, p *Process, plan chaos.Group, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 2))
	until, _ := ctx.Deadline()
	return lives(ctx, p, random, plan.Stay, plan.Away, func(ctx context.Context, each *Process, l *line) error {
		m := &member{Process: each, instance: p.Name, plan: plan, random: random, line: l, until: until, owned: map[place]int64{}}
		return m.live(ctx)
	})
}

// member is one life of a member.
type member struct {
	*Process
	instance string // who it is over all its lives
	plan     chaos.Group
	random   *rand.Rand
	line     *line
	until    time.Time // of the last life
	client   *kgo.Client
	// misread says that a fetch made no sense. The library may pass over a record whose batch it can't make out; the life ends, and the next
	// begins with what was committed.
	misread bool

	mu    sync.Mutex
	owned map[place]int64 // and the operation that says so
}

// balancers are a group's by the plan's names.
var balancers = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(), "uniform": kgo.StickyBalancer(),
}

// kind is what sort of member it is.
func (m *member) kind() []kgo.Opt {
	opts := []kgo.Opt{kgo.Balancers(balancers[m.plan.Balancer])}
	if m.plan.Protocol == chaos.ConsumerProtocol {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	if m.plan.Static {
		opts = append(opts, kgo.InstanceID(m.instance))
	}
	return opts
}

func (m *member) live(ctx context.Context) (err error) {
	session := m.plan.Session.D()
	m.client, err = m.Process.client(append(m.kind(),
		kgo.ConsumerGroup(m.plan.Name), kgo.ConsumeTopics(m.plan.Topics...),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(session/3), kgo.RebalanceTimeout(session),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(groupMaxWait),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, given map[string][]int32) { m.given(client, given) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, taken map[string][]int32) { m.taken(taken) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, taken map[string][]int32) { m.taken(taken) }),
	)...)
	if err != nil {
		return err
	}
	for ctx.Err() == nil && !m.misread {
		m.poll(ctx)
	}
	if m.plan.Static && !m.misread && time.Until(m.until) > memberSettles && m.random.Float64() < m.plan.Vanish {
		m.random = rand.New(rand.NewPCG(m.random.Uint64(), 4)) // its own from here on
		go m.linger()
		return nil
	}
	m.leave()
	return nil
}

// linger lets a static member's life go on beside its next, which has its name: what it commits from then on has to be refused.
func (m *member) linger() {
	ctx, cancel := context.WithTimeout(context.Background(), m.plan.Session.D())
	defer cancel()
	for ctx.Err() == nil && !m.misread {
		m.poll(ctx)
	}
	m.line.cut()
	m.client.Close()
}

// leave ends the life: with a word to the coordinator, or, for a share of lives, without any, as a process that dies.
func (m *member) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if m.random.Float64() < m.plan.Vanish {
		m.line.cut()
		cancel()
	}
	_ = m.client.LeaveGroupContext(ctx) // whether it was heard makes no difference to anybody
	m.client.Close()
}

// places lists partitions in one order.
func places(partitions map[string][]int32) (all []place) {
	for _, topic := range slices.Sorted(maps.Keys(partitions)) {
		for _, partition := range slices.Sorted(slices.Values(partitions[topic])) {
			all = append(all, place{topic, partition})
		}
	}
	return all
}

// given is told of partitions that the member has now. Where it starts in them is for the library to find out.
func (m *member) given(client *kgo.Client, partitions map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, generation := client.GroupMetadata()
	for _, at := range places(partitions) {
		m.owned[at] = m.invoke(history.Event{Op: history.Own, Group: m.plan.Name, Generation: max(generation, 0), Topic: at.topic, Partition: at.partition})
	}
	m.reassigned()
}

// taken is told of partitions that the member has no more.
func (m *member) taken(partitions map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range places(partitions) {
		if id, ok := m.owned[at]; ok {
			m.end(id, history.Own, history.OK, history.Event{})
			delete(m.owned, at)
		}
	}
	m.reassigned()
}

// reassigned writes down what the member has: from here on, its positions are unknown.
func (m *member) reassigned() {
	event := history.Event{Op: history.Assign, Positions: []history.Position{}}
	for at := range m.owned {
		event.Positions = append(event.Positions, history.Position{Topic: at.topic, Partition: at.partition, Offset: history.PositionLatest})
	}
	slices.SortFunc(event.Positions, func(a, b history.Position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	m.end(m.invoke(event), history.Assign, history.OK, history.Event{})
}

// poll is one poll, and now and then a commit of what it returned. No partition is taken away in between.
func (m *member) poll(ctx context.Context) {
	id := m.invoke(history.Event{Op: history.Poll})
	limited, cancel := context.WithTimeout(ctx, pollTimeout)
	fetches := m.client.PollRecords(limited, pollRecordsMax)
	cancel()
	defer m.client.AllowRebalance()
	runs := []history.Run{}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		runs = appendRuns(runs, fetched)
		if n := len(fetched.Records); n > 0 {
			if offsets[fetched.Topic] == nil {
				offsets[fetched.Topic] = map[int32]kgo.EpochOffset{}
			}
			last := fetched.Records[n-1]
			offsets[fetched.Topic][fetched.Partition] = kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}
		}
	})
	m.end(id, history.Poll, history.OK, history.Event{Runs: runs})
	fetches.EachError(func(_ string, _ int32, err error) { m.misread = m.misread || !ended(limited, err) })
	if m.plan.Pause > 0 && time.Until(m.until) > memberSettles {
		pause(ctx, m.plan.Pause.D())
	}
	if len(offsets) > 0 && m.random.Float64() < m.plan.Zombie && time.Until(m.until) > memberSettles {
		// Thought dead by now, and told nothing, it commits what it has worked on.
		m.line.hold(ctx, m.plan.Session.D()+time.Duration(m.random.ExpFloat64()*float64(m.plan.Session)))
	}
	if len(offsets) > 0 {
		m.commit(offsets)
	}
}

// commit commits and waits for the answer.
func (m *member) commit(offsets map[string]map[int32]kgo.EpochOffset) {
	_, generation := m.client.GroupMetadata()
	event := history.Event{Op: history.Commit, Group: m.plan.Name, Generation: max(generation, 0), Positions: []history.Position{}}
	for _, topic := range slices.Sorted(maps.Keys(offsets)) {
		for _, partition := range slices.Sorted(maps.Keys(offsets[topic])) {
			event.Positions = append(event.Positions, history.Position{Topic: topic, Partition: partition, Offset: offsets[topic][partition].Offset})
		}
	}
	id := m.invoke(event)
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	outcome := errors.New("no answer")
	m.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		outcome = commitOutcome(req, resp, err, event.Generation)
	})
	switch {
	case outcome == nil:
		m.end(id, history.Commit, history.OK, history.Event{})
	case refusedCommit(outcome):
		m.end(id, history.Commit, history.Fail, history.Event{Error: outcome.Error()})
	default:
		m.end(id, history.Commit, history.Info, history.Event{Error: outcome.Error()})
	}
}

var errOtherGeneration = errors.New("the commit was of another generation than was written down")

// commitOutcome is the answer to a commit, if it is the same for each partition.
func commitOutcome(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error, generation int32) error {
	if err != nil {
		return err
	}
	if req.Generation != generation {
		return errOtherGeneration
	}
	var codes []int16
	for _, topic := range resp.Topics {
		for _, partition := range topic.Partitions {
			codes = append(codes, partition.ErrorCode)
		}
	}
	slices.Sort(codes)
	if codes = slices.Compact(codes); len(codes) != 1 {
		return errors.New("some partitions were committed and others not")
	}
	return kerr.ErrorForCode(codes[0])
}

// refusedCommit says that a coordinator has refused a commit and keeps nothing of it.
func refusedCommit(err error) bool {
	for _, refusal := range []error{
		kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.RebalanceInProgress, kerr.FencedInstanceID, kerr.StaleMemberEpoch, kerr.FencedMemberEpoch,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}
