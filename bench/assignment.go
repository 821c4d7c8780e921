package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assignment is how many partitions groups have given to their members: writing begins when all are with somebody.
type assignment struct {
	left atomic.Int64
	all  chan struct{}
}

// assignedMax is how long one waits for that.
const assignedMax = 15 * time.Second

func (r *run) awaitAssigned() *assignment {
	a := &assignment{all: make(chan struct{})}
	a.left.Store(int64(r.Groups) * int64(r.Topics) * int64(r.Partitions))
	if r.Groups == 0 {
		close(a.all)
	}
	return a
}

func (a *assignment) take(_ context.Context, _ *kgo.Client, got map[string][]int32) {
	n := int64(0)
	for _, partitions := range got {
		n += int64(len(partitions))
	}
	if left := a.left.Add(-n); left <= 0 && left+n > 0 {
		close(a.all)
	}
}

func (a *assignment) wait(ctx context.Context) {
	timer := time.NewTimer(assignedMax)
	defer timer.Stop()
	select {
	case <-a.all:
	case <-timer.C: // what comes late is told as it comes
	case <-ctx.Done():
	}
}
