package api

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/metadata"
	"odradek/broker/replica"
	"odradek/broker/share"
	"odradek/broker/share/state"
)

// shareRun is a ShareFetch or a ShareAcknowledge under way.
type shareRun struct {
	h   *Handler
	c   call
	who shareMember
	img *metadata.Image
	// acked are the answers to acknowledgements, by partition; order is that of the request.
	acked map[sharePart]*kerr.Error
	order []sharePart
}

func (h *Handler) newShareRun(c call, group, member *string) *shareRun {
	r := &shareRun{h: h, c: c, img: h.Controller.Image(), acked: map[sharePart]*kerr.Error{}}
	if group != nil && member != nil {
		r.who = shareMember{*group, *member}
	}
	return r
}

// check says why nothing of the request is served.
func (r *shareRun) check() *kerr.Error {
	switch {
	case r.img.FeatureLevel(metadata.ShareVersion) < 1:
		return kerr.UnsupportedVersion
	case r.who.member == "":
		return kerr.InvalidRequest
	case !r.h.mayGroup(r.c, OpRead, r.who.group):
		return kerr.GroupAuthorizationFailed
	}
	return nil
}

// leads finds the partition's replica, if this node leads it and the client may read it.
func (r *shareRun) leads(part sharePart) (Partition, *metadata.Partition, *kerr.Error) {
	topic, err := r.h.topicFor(r.c, OpRead, r.img, true, part.topic, "")
	if err != nil {
		return nil, nil, asKafka(err)
	}
	registered := topic.Partition(part.index)
	switch {
	case registered == nil:
		return nil, nil, kerr.UnknownTopicOrPartition
	case registered.Leader != r.h.NodeID:
		return nil, registered, kerr.NotLeaderForPartition
	}
	partition, err := r.h.partitionOf(topic, part.index)
	if err != nil {
		return nil, registered, asKafka(err)
	}
	return partition, registered, nil
}

func asKafka(err error) *kerr.Error {
	if code, ok := err.(*kerr.Error); ok {
		return code
	}
	return kerr.UnknownServerError
}

func (r *shareRun) key(part sharePart) state.Key {
	return state.Key{Group: r.who.group, Topic: part.topic, Partition: part.index}
}

// shared enters the share-partition that is fetched from; it is begun if need be.
func (r *shareRun) shared(part sharePart, partition Partition, registered *metadata.Partition, wake chan struct{}) (*share.Partition, *kerr.Error) {
	begin := r.h.shareGroup(r.img, r.who.group).Origin
	origin := func() (int64, error) {
		from := int64(replica.TimestampLatest)
		switch {
		case begin.Earliest:
			from = replica.TimestampEarliest
		case begin.Ago > 0:
			from = max(time.Now().Add(-begin.Ago).UnixMilli(), 0)
		}
		at, err := partition.ListOffset(-1, replica.HighWatermark, from)
		if err == nil && at.Offset < 0 { // nothing is as young as that
			at, err = partition.ListOffset(-1, replica.HighWatermark, replica.TimestampLatest)
		}
		return at.Offset, err
	}
	return r.h.Shares.Enter(r.key(part), registered.LeaderEpoch, origin, wake)
}

// acknowledge hands acknowledgements over and waits until they are remembered.
func (r *shareRun) acknowledge(parts []sharePart, acks map[sharePart][]share.Ack, renewable bool) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, part := range parts {
		if len(acks[part]) == 0 {
			continue
		}
		r.order = append(r.order, part)
		r.acked[part] = nil
		_, _, err := r.leads(part)
		known := r.h.Shares.Known(r.key(part))
		if err == nil && !validAcks(acks[part], renewable) {
			err = kerr.InvalidRequest
		}
		if err == nil && known == nil {
			err = kerr.InvalidRecordState // whatever it acquired is not known any more
		}
		if err != nil {
			r.acked[part] = err
			continue
		}
		all.Add(1)
		known.Acknowledge(r.who.member, acks[part], func(err *kerr.Error) {
			mu.Lock()
			r.acked[part] = err
			mu.Unlock()
			all.Done()
		})
	}
	all.Wait()
}

// end gives up what a session that ended has acquired.
func (r *shareRun) end(ended []sharePart, left bool) {
	for _, part := range ended {
		if known := r.h.Shares.Known(r.key(part)); known != nil {
			known.Release(r.who.member)
		}
	}
	if left {
		r.h.shareSessions.whenGone(r.who.group, func() { r.h.Shares.EndGroup(r.who.group) })
	}
}
