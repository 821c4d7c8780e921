package api

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/replica"
)

func deletionOf(timeoutMs int32, topic string, partitions ...int32) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = timeoutMs
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	for _, index := range partitions {
		p := kmsg.NewDeleteRecordsRequestTopicPartition()
		p.Partition, p.Offset = index, 40
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

func TestDeleteRecords(t *testing.T) {
	h := newHouse(t)
	h.a[0].deleteResult = replica.DeleteResult{LowWatermark: 40}
	h.a[1].deleteResult = replica.DeleteResult{LowWatermark: -1, Err: kerr.PolicyViolation}
	resp := do[*kmsg.DeleteRecordsResponse](h, 2, deletionOf(1_000, "a", 0, 1, 2, 9))
	want := []struct {
		low  int64
		code int16
	}{{40, 0}, {-1, kerr.PolicyViolation.Code}, {-1, kerr.NotLeaderForPartition.Code}, {-1, kerr.UnknownTopicOrPartition.Code}}
	for i, p := range resp.Topics[0].Partitions {
		if p.LowWatermark != want[i].low || p.ErrorCode != want[i].code {
			t.Errorf("partition %d: %d, code %d", p.Partition, p.LowWatermark, p.ErrorCode)
		}
	}
	if len(h.a[0].deleted) != 1 || h.a[0].deleted[0] != 40 {
		t.Errorf("deleted to %v", h.a[0].deleted)
	}
	resp = do[*kmsg.DeleteRecordsResponse](h, 2, deletionOf(1_000, "unknown", 0))
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != kerr.UnknownTopicOrPartition.Code {
		t.Errorf("unknown topic: %d", code)
	}
}

// TestDeleteRecordsTimesOut: what the replicas have not followed in time is answered with what was known at first.
func TestDeleteRecordsTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.a[0].held = true
		began := time.Now()
		resp := do[*kmsg.DeleteRecordsResponse](h, 2, deletionOf(1_500, "a", 0))
		p := resp.Topics[0].Partitions[0]
		if p.ErrorCode != kerr.RequestTimedOut.Code || p.LowWatermark != 3 || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%+v after %v", p, time.Since(began))
		}
	})
}
