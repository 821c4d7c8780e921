package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/group"
	"odradek/broker/metadata"
	"odradek/broker/share/state"
)

// ShareStore reaches the share coordinator, and partitions' leaders, wherever they are. Errors are *kerr.Error, or what kept it from being reached.
type ShareStore interface {
	// Initialize begins a share-partition, or begins it anew with a higher state epoch.
	Initialize(ctx context.Context, key state.Key, stateEpoch int32, start int64) error
	// Summary tells how far a share-partition is; its start is -1 when it was not begun.
	Summary(ctx context.Context, key state.Key) (state.State, error)
	// Delete forgets a share-partition.
	Delete(ctx context.Context, key state.Key) error
	// EndOffset is the high watermark of a partition, as its leader tells it.
	EndOffset(ctx context.Context, topic string, partition int32) (int64, error)
}

// shareOffsetsTimeout bounds an administrator's request about a share group's offsets.
const shareOffsetsTimeout = 30 * time.Second

// shareStateParallelism bounds the share-partitions that such a request asks about at a time.
const shareStateParallelism = 16

// askGroup has a group's coordinator decide, and waits for the answer.
func (h *Handler) askGroup(ctx context.Context, id string, decide func(m *group.Machine, to coord.Caller, now time.Time) coord.Effects) (any, error) {
	to := make(answered1, 1)
	h.Groups.Do(id, to, func(m *group.Machine, now time.Time) coord.Effects { return decide(m, to, now) })
	select {
	case answer := <-to:
		if err, refused := answer.(*kerr.Error); refused {
			return nil, err
		}
		return answer, nil
	case <-ctx.Done():
		return nil, kerr.RequestTimedOut
	}
}

// answered1 is a caller that keeps its one answer.
type answered1 chan any

func (a answered1) Answer(response any)    { a <- response }
func (a answered1) Refuse(err *kerr.Error) { a <- err }

// shareTopics are the share-partitions of a group that its coordinator knows of. The error has words.
func (h *Handler) shareTopics(ctx context.Context, id string) (group.ShareTopics, *string, *kerr.Error) {
	answer, err := h.askGroup(ctx, id, func(m *group.Machine, to coord.Caller, _ time.Time) coord.Effects { return m.ShareState(to, id) })
	if err != nil {
		code := asKafka(err)
		return group.ShareTopics{}, &code.Description, code
	}
	topics := answer.(group.ShareTopics)
	if topics.Err != nil {
		return topics, &topics.Message, topics.Err
	}
	return topics, nil, nil
}

// eachShare calls do for each share-partition, several at a time, and returns the errors in their order.
func eachShare(keys []state.Key, do func(i int, key state.Key) error) []*kerr.Error {
	errs := make([]*kerr.Error, len(keys))
	places := make(chan struct{}, shareStateParallelism)
	var all sync.WaitGroup
	for i, key := range keys {
		places <- struct{}{}
		all.Go(func() {
			if err := do(i, key); err != nil {
				errs[i] = asCoordinator(err)
			}
			<-places
		})
	}
	all.Wait()
	return errs
}

// asCoordinator is asKafka for a coordinator that may not be reached.
func asCoordinator(err error) *kerr.Error {
	if code, ok := err.(*kerr.Error); ok {
		return code
	}
	return kerr.CoordinatorNotAvailable
}

// inBackground answers a request on a goroutine of its own, with a time-out.
func (h *Handler) inBackground(answer func(ctx context.Context)) {
	h.background.Go(func() {
		ctx, cancel := context.WithTimeout(h.ctx, shareOffsetsTimeout)
		defer cancel()
		answer(ctx)
	})
}

// forgetShares has the share coordinator forget a group's topics.
func (h *Handler) forgetShares(ctx context.Context, id string, topics map[metadata.UUID]group.ShareTopic) *kerr.Error {
	var keys []state.Key
	for topic, known := range topics {
		for _, index := range known.Partitions {
			keys = append(keys, state.Key{Group: id, Topic: topic, Partition: index})
		}
	}
	for _, err := range eachShare(keys, func(_ int, key state.Key) error { return h.ShareStore.Delete(ctx, key) }) {
		if err != nil {
			return err
		}
	}
	return nil
}
