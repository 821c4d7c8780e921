package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// markerTimeout bounds how long a marker waits for its replicas.
const markerTimeout = 30 * time.Second

// WriteTxnMarkers, key 27, versions 1 and 2: the markers of transactions, from their coordinator, or from an administrator who ends
// one that hangs (KIP-664). It is answered when all are as safe as acks=-1 makes them, or can't be.
//
//	v2  the version of the transaction: from 2 on, the marker's epoch is the one after it (KIP-1228)
func (h *Handler) writeTxnMarkers(_ context.Context, c call, req *kmsg.WriteTxnMarkersRequest) {
	if !h.mayCluster(c, OpClusterAction) && !h.mayCluster(c, OpAlter) {
		c.reply(markersAnswer(req, func(int) int16 { return kerr.ClusterAuthorizationFailed.Code }))
		return
	}
	h.WriteMarkers(req, func(resp *kmsg.WriteTxnMarkersResponse) { c.reply(resp) })
}

// markersAnswer answers a request; code is asked for each partition, in order.
func markersAnswer(req *kmsg.WriteTxnMarkersRequest, code func(place int) int16) *kmsg.WriteTxnMarkersResponse {
	resp := kmsg.NewPtrWriteTxnMarkersResponse()
	place := 0
	for _, marker := range req.Markers {
		one := kmsg.NewWriteTxnMarkersResponseMarker()
		one.ProducerID = marker.ProducerID
		for _, topic := range marker.Topics {
			answer := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
			answer.Topic = topic.Topic
			for _, index := range topic.Partitions {
				part := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
				part.Partition, part.ErrorCode = index, code(place)
				place++
				answer.Partitions = append(answer.Partitions, part)
			}
			one.Topics = append(one.Topics, answer)
		}
		resp.Markers = append(resp.Markers, one)
	}
	return resp
}

// WriteMarkers writes markers to partitions that this node leads, and gives the answer to done, from any goroutine.
func (h *Handler) WriteMarkers(req *kmsg.WriteTxnMarkersRequest, done func(*kmsg.WriteTxnMarkersResponse)) {
	n := 0
	for _, marker := range req.Markers {
		for _, topic := range marker.Topics {
			n += len(topic.Partitions)
		}
	}
	w := &markerWriter{h: h, img: h.Controller.Image(), pending: make([]Pending, n)}
	w.codes = newGather(n, func(_ int, err *kerr.Error) int16 { return codeIn(err) }, func(codes []int16) {
		w.stop()
		done(markersAnswer(req, func(place int) int16 { return codes[place] }))
	})
	if w.codes == nil {
		return
	}
	place := 0
	for _, marker := range req.Markers {
		m := coord.Marker{
			ProducerID: marker.ProducerID, ProducerEpoch: marker.ProducerEpoch, Committed: marker.Committed,
			CoordinatorEpoch: marker.CoordinatorEpoch, Bumped: marker.TransactionVersion >= versionByBroker,
		}
		for _, topic := range marker.Topics {
			for _, index := range topic.Partitions {
				w.write(place, m, topic.Topic, index)
				place++
			}
		}
	}
	w.arm()
}
