package workload

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/chaos"
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
	return lives(ctx, p, random, plan.Stay, plan.Away, func(ctx context.Context, each *Process, l *line) error {
		m := &sharer{Process: each, plan: plan, random: random, line: l, until: until, sessions: map[int32]*shareSession{}}
		return m.live(ctx)
	})
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
	leaders     map[sharePlace]shareLeader
	askedAt     time.Time // when the leaders were
	names       map[[16]byte]string
	sessions    map[int32]*shareSession // by node
}

// sharePlace names a partition by its topic's id.
type sharePlace struct {
	topic     [16]byte
	partition int32
}

// shareLeader is a partition's, and its epoch.
type shareLeader struct{ node, epoch int32 }

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

// round asks every leader once; false when there was nobody to ask, or not everybody answered well.
func (m *sharer) round(ctx context.Context) bool {
	var nodes []int32
	for _, at := range m.assigned {
		if leader, ok := m.leaders[at]; ok && leader.node >= 0 && !slices.Contains(nodes, leader.node) {
			nodes = append(nodes, leader.node)
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
