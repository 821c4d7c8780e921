package api

import (
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/coord"
	"odradek/broker/group"
)

// Groups are the group coordinator's shards on this node; a coord.Runtime is one.
type Groups interface {
	// Do has the machine of a group's shard decide. caller is answered, then or later, or refused.
	Do(group string, caller coord.Caller, decide func(m *group.Machine, now time.Time) coord.Effects)
	// EndTransaction writes a marker to a partition of the offsets topic; BeginVerification takes out a guard in a group's. Both are
	// explained at coord.Runtime.
	EndTransaction(partition int32, marker coord.Marker, caller coord.Caller)
	BeginVerification(group string, producerID int64, epoch int16) (partition int32, guard commitlog.Guard, needed bool, err error)
	// Each has the machine of every shard decide, for a caller each, which newCallers makes for all of them.
	Each(newCallers func(n int) []coord.Caller, decide func(m *group.Machine, caller coord.Caller, now time.Time) coord.Effects)
}

// asker answers one request by what a coordinator says.
type asker[A kmsg.Response] struct {
	call
	// refused makes the answer of an error.
	refused func(err *kerr.Error) A
}

func (a asker[A]) Answer(response any)    { a.reply(response.(A)) }
func (a asker[A]) Refuse(err *kerr.Error) { a.reply(a.refused(err)) }

// client is what groups remember of who sent a request.
func (c call) client() group.Client {
	host := "/"
	if c.peer != nil && c.peer.ClientAddr != nil {
		address := c.peer.ClientAddr.String()
		if bare, _, err := net.SplitHostPort(address); err == nil {
			address = bare
		}
		host += address // as Java prints an address without a name
	}
	return group.Client{ID: c.ClientID, Host: host}
}

// gather waits for the answers to the parts of a request, and keeps their order.
type gather[T any] struct {
	refused func(part int, err *kerr.Error) T
	done    func(parts []T)

	mu    sync.Mutex
	parts []T
	left  int
}

// newGather calls done once all n parts are answered, at once when there are none.
func newGather[T any](n int, refused func(part int, err *kerr.Error) T, done func(parts []T)) *gather[T] {
	if n == 0 {
		done(nil)
	}
	return &gather[T]{refused: refused, done: done, parts: make([]T, n), left: n}
}

func (g *gather[T]) set(part int, answer T) {
	g.mu.Lock()
	g.parts[part] = answer
	g.left--
	last := g.left == 0
	g.mu.Unlock()
	if last {
		g.done(g.parts)
	}
}

func (g *gather[T]) callers() []coord.Caller {
	all := make([]coord.Caller, len(g.parts))
	for i := range all {
		all[i] = gathered[T]{g, i}
	}
	return all
}

// gathered is the caller of one part.
type gathered[T any] struct {
	*gather[T]
	part int
}

func (g gathered[T]) Answer(response any)    { g.set(g.part, response.(T)) }
func (g gathered[T]) Refuse(err *kerr.Error) { g.set(g.part, g.refused(g.part, err)) }
