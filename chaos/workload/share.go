package workload

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/chaos"
	"odradek/linearizability/history"
)

const (
	shareWaitMs     = 300
	shareRecordsMax = 50
	shareBytesMax   = 1 << 20
	askTimeout      = 3 * time.Second
	leadersMaxAge   = time.Second
)

// What is said of a record (KIP-932).
const (
	accepts  int8 = 1
	releases int8 = 2
	rejects  int8 = 3
)

// ShareMember is a member of a share group until ctx ends: it acquires records, settles most of them, and goes and comes back, each time
// as one that knows nothing of the one before. It speaks the protocol itself: a library that fetches ahead can't tell when a record
// was acquired, and on that the checkers depend.
func ShareMember(ctx context.Context, p *Process, plan chaos.ShareGroup, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 3))
	until, _ := ctx.Deadline()
	for life := 1; ctx.Err() == nil; life++ {
		m := &sharer{
			Process: &Process{Name: p.Name + "." + strconv.Itoa(life), Seeds: p.Seeds},
			plan:    plan, random: random, line: &line{dial: p.Dial}, until: until, sessions: map[int32]*shareSession{},
		}
		m.Dial, m.History = m.line.Dial, p.History.As(m.Name)
		stay, cancel := context.WithTimeout(ctx, stays(ctx, random, plan.Stay))
		err := m.live(stay)
		cancel()
		if err != nil {
			return err
		}
		pause(ctx, time.Duration(random.ExpFloat64()*float64(plan.Away)))
	}
	return nil
}

// sharer is one life of a member of a share group.
type sharer struct {
	*Process
	plan   chaos.ShareGroup
	random *rand.Rand
	line   *line
	until  time.Time // of the last life
	client *kgo.Client

	id          string
	epoch       int32
	coordinator int32 // the node, -1 when it is not known
	beatAt      time.Time
	assigned    []sharePlace
	leaders     map[sharePlace]int32
	askedAt     time.Time // when the leaders were
	names       map[[16]byte]string
	sessions    map[int32]*shareSession // by node
}

// sharePlace names a partition by its topic's id.
type sharePlace struct {
	topic     [16]byte
	partition int32
}

// shareSession is a share session with a leader (KIP-932).
type shareSession struct {
	epoch int32
	has   []sharePlace
	words map[sharePlace][]word // to be said with the next request
}

// word is what is to be said of a record.
type word struct {
	offset int64
	kind   int8
}

func (m *sharer) live(ctx context.Context) (err error) {
	if m.client, err = m.Process.client(); err != nil {
		return err
	}
	defer m.client.Close()
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], m.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], m.random.Uint64())
	m.id = base64.RawURLEncoding.EncodeToString(id[:])
	m.coordinator = -1
	for ctx.Err() == nil && !m.fromTheStart(ctx) {
		pause(ctx, retryBackoffMax)
	}
	for ctx.Err() == nil {
		m.beat(ctx)
		m.findLeaders(ctx)
		if !m.round(ctx) {
			pause(ctx, retryBackoffMin)
		}
	}
	m.leave()
	return nil
}

// ask asks whoever the request is for, and not for long.
func (m *sharer) ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return m.client.Request(ctx, req)
}

// fromTheStart has the group begin with the records that are there.
func (m *sharer) fromTheStart(ctx context.Context) bool {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	group := kmsg.NewIncrementalAlterConfigsRequestResource()
	group.ResourceType, group.ResourceName = kmsg.ConfigResourceTypeGroupConfig, m.plan.Name
	reset := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	reset.Name, reset.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	group.Configs = append(group.Configs, reset)
	req.Resources = append(req.Resources, group)
	resp, err := m.ask(ctx, req)
	if err != nil {
		return false
	}
	answers := resp.(*kmsg.IncrementalAlterConfigsResponse).Resources
	return len(answers) == 1 && answers[0].ErrorCode == 0
}

// beat tells the coordinator, when it is time, that the member is there, and learns what it is to fetch.
func (m *sharer) beat(ctx context.Context) {
	if time.Now().Before(m.beatAt) {
		return
	}
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch = m.plan.Name, m.id, m.epoch
	if m.epoch == 0 {
		req.SubscribedTopicNames = m.plan.Topics
	}
	resp, err := m.askCoordinator(ctx, req)
	if err != nil {
		m.coordinator, m.beatAt = -1, time.Now().Add(retryBackoffMin)
		return
	}
	answer := resp.(*kmsg.ShareGroupHeartbeatResponse)
	switch kerr.ErrorForCode(answer.ErrorCode) {
	case nil:
		m.epoch = answer.MemberEpoch
		m.beatAt = time.Now().Add(time.Duration(answer.HeartbeatIntervalMillis) * time.Millisecond)
		if answer.Assignment != nil {
			m.take(answer.Assignment)
		}
	case kerr.UnknownMemberID, kerr.FencedMemberEpoch:
		m.epoch, m.assigned, m.beatAt = 0, nil, time.Time{}
	default:
		m.coordinator, m.beatAt = -1, time.Now().Add(retryBackoffMin)
	}
}

// askCoordinator asks the group's coordinator, having found it. The library would keep to the one that it found first.
func (m *sharer) askCoordinator(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if m.coordinator < 0 {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey, find.CoordinatorKeys = m.plan.Name, []string{m.plan.Name}
		resp, err := m.client.Request(ctx, find)
		if err != nil {
			return nil, err
		}
		for _, found := range resp.(*kmsg.FindCoordinatorResponse).Coordinators {
			if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
				return nil, err
			}
			m.coordinator = found.NodeID
		}
	}
	return m.client.Broker(int(m.coordinator)).Request(ctx, req)
}

func (m *sharer) take(assignment *kmsg.ShareGroupHeartbeatResponseAssignment) {
	m.assigned = nil
	for _, topic := range assignment.TopicPartitions {
		for _, partition := range topic.Partitions {
			m.assigned = append(m.assigned, sharePlace{topic.TopicID, partition})
		}
	}
	m.askedAt = time.Time{}
}

// findLeaders learns, now and then, who leads what.
func (m *sharer) findLeaders(ctx context.Context) {
	if len(m.assigned) == 0 || time.Since(m.askedAt) < leadersMaxAge {
		return
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range m.plan.Topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := m.ask(ctx, req)
	if err != nil {
		return
	}
	m.askedAt, m.leaders, m.names = time.Now(), map[sharePlace]int32{}, map[[16]byte]string{}
	for _, topic := range resp.(*kmsg.MetadataResponse).Topics {
		if topic.Topic == nil || topic.ErrorCode != 0 {
			continue
		}
		m.names[topic.TopicID] = *topic.Topic
		for _, partition := range topic.Partitions {
			m.leaders[sharePlace{topic.TopicID, partition.Partition}] = partition.Leader
		}
	}
}

// round asks every leader once; false when there was nobody to ask, or not everybody answered well.
func (m *sharer) round(ctx context.Context) bool {
	var nodes []int32
	for _, at := range m.assigned {
		if node, ok := m.leaders[at]; ok && node >= 0 && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	well := len(nodes) > 0
	for _, node := range nodes {
		s := m.sessions[node]
		if s == nil {
			s = &shareSession{words: map[sharePlace][]word{}}
			m.sessions[node] = s
		}
		well = m.fetch(ctx, node, s) && well
		if ctx.Err() != nil {
			return false
		}
	}
	return well
}

// stays draws how long a life lasts that ends by itself; one that begins too late to end before the run settles stays to its end.
func stays(ctx context.Context, random *rand.Rand, mean chaos.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	stay := time.Duration(random.ExpFloat64() * float64(mean))
	if ok && mean == 0 || time.Until(deadline)-stay < memberSettles {
		return time.Until(deadline)
	}
	return stay
}

// leave ends the life, with a word to the coordinator or without any. What it still holds comes to others when its sessions end.
func (m *sharer) leave() {
	if m.random.Float64() < m.plan.Vanish {
		m.line.cut()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch = m.plan.Name, m.id, -1
	_, _ = m.askCoordinator(ctx, req) // whether it was heard makes no difference to anybody
}

// opinion is what the member will say of a record; 0 for nothing.
func (m *sharer) opinion() int8 {
	u := m.random.Float64()
	if time.Until(m.until) < memberSettles {
		return accepts
	}
	switch {
	case u < m.plan.Release:
		return releases
	case u < m.plan.Release+m.plan.Reject:
		return rejects
	case u < m.plan.Release+m.plan.Reject+m.plan.Forget:
		return 0
	}
	return accepts
}

// askStarts writes down where a share group starts in each partition, retrying while ctx lives: all before is settled.
func (p *Process) askStarts(ctx context.Context, group string) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		id := p.invoke(history.Event{Op: history.Committed, Group: group})
		positions, err := shareStarts(ctx, client, group)
		if err == nil {
			p.end(id, history.Committed, history.OK, history.Event{Positions: positions})
			return nil
		}
		p.end(id, history.Committed, history.Info, history.Event{Error: err.Error()})
		if !pause(ctx, retryBackoffMax) {
			return err
		}
	}
}

func shareStarts(ctx context.Context, client *kgo.Client, group string) ([]history.Position, error) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	asked := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	asked.GroupID = group
	req.Groups = append(req.Groups, asked)
	resp, err := client.Request(ctx, req)
	if err != nil {
		return nil, err
	}
	positions := []history.Position{}
	for _, answer := range resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups {
		if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
			return nil, err
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
					return nil, err
				}
				if partition.StartOffset >= 0 {
					positions = append(positions, history.Position{Topic: topic.Topic, Partition: partition.Partition, Offset: partition.StartOffset})
				}
			}
		}
	}
	return positions, nil
}
