package api

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// markerWriter is a WriteTxnMarkers under way.
type markerWriter struct {
	h       *Handler
	img     *metadata.Image
	codes   *gather[int16]
	pending []Pending // by place; nil where there is nothing that waits

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// write writes one marker to one partition. The offsets topic's belong to the group coordinator, whose machines have to know
// of every one.
func (w *markerWriter) write(place int, m coord.Marker, name string, index int32) {
	topic, err := findTopic(w.img, false, metadata.UUID{}, name)
	if err == nil && topic.Partition(index) == nil {
		err = kerr.UnknownTopicOrPartition
	}
	if err == nil && m.ProducerEpoch < 0 {
		err = kerr.UnknownServerError // as the reference puts it
	}
	switch {
	case err != nil:
		w.codes.set(place, codeOf(err))
	case name == GroupTopic:
		w.h.Groups.EndTransaction(index, m, verdictCaller(func(err *kerr.Error) { w.codes.set(place, codeIn(asPartition(err))) }))
	default:
		w.append(place, m, topic, index)
	}
}

// asPartition is a coordinator's error as its partition's leader would put it.
func asPartition(err *kerr.Error) *kerr.Error {
	switch err {
	case kerr.NotCoordinator, kerr.CoordinatorLoadInProgress:
		return kerr.NotLeaderForPartition
	case kerr.CoordinatorNotAvailable:
		return kerr.NotEnoughReplicas
	}
	return err
}

func (w *markerWriter) append(place int, m coord.Marker, topic *metadata.Topic, index int32) {
	partition, err := w.h.partitionOf(topic, index)
	if err != nil {
		w.codes.set(place, codeOf(err))
		return
	}
	batch, err := m.Batch(time.Now())
	if err != nil {
		w.codes.set(place, codeOf(err))
		return
	}
	w.pending[place] = partition.AppendMarker(batch, m.Bumped, func(result replica.AppendResult) { w.codes.set(place, codeOf(result.Err)) })
}

// arm bounds the wait for what is not answered yet.
func (w *markerWriter) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.timer = time.AfterFunc(markerTimeout, func() {
		for _, each := range w.pending {
			if each != nil {
				each.Expire()
			}
		}
	})
}

func (w *markerWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
