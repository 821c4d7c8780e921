package api

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/quota"
	"odradek/broker/server"
)

// limited gives everybody a limit. Windows are so long that nothing depends on when something happens.
func limited(t *testing.T, key string, limit float64) *house {
	h := newHouse(t)
	h.Quotas = quota.New(quota.Config{Samples: 11, Window: 1000 * time.Second, MutationSamples: 1, MutationWindow: time.Second})
	h.setQuotas(map[metadata.QuotaEntity]metadata.Quotas{{User: metadata.QuotaName{Kind: metadata.QuotaDefault}}: {key: limit}})
	return h
}

func (h *house) setQuotas(quotas map[metadata.QuotaEntity]metadata.Quotas) {
	h.Quotas.Apply(&metadata.Image{Quotas: quotas}, &metadata.Delta{Quotas: true})
}

func TestProduceIsThrottled(t *testing.T) {
	h := limited(t, "producer_byte_rate", 0.001) // ten bytes in all windows
	answer := h.begin(t.Context(), 9, produceTo("a", 0))
	resp := decode[*kmsg.ProduceResponse](t, answer, produceTo("a", 0))
	if resp.Topics[0].Partitions[0].ErrorCode != 0 || resp.ThrottleMillis < 1000 || answer.muted < time.Second {
		t.Errorf("over the limit: code %d, throttle %d, muted %v", resp.Topics[0].Partitions[0].ErrorCode, resp.ThrottleMillis, answer.muted)
	}
	silent := produceTo("a", 0)
	silent.Acks = 0
	if answer := h.begin(t.Context(), 9, silent); answer.muted < time.Second {
		t.Errorf("without an answer: muted %v", answer.muted)
	}
	if answer := h.begin(t.Context(), 9, metadataOf("a")); answer.muted != 0 {
		t.Errorf("another request: muted %v", answer.muted)
	}
	h.setQuotas(nil)
	if answer := h.begin(t.Context(), 9, produceTo("a", 0)); answer.muted != 0 {
		t.Errorf("without limits: muted %v", answer.muted)
	}
}

// TestFetchIsThrottled: the reader is told to wait instead of getting records, and they are not counted.
func TestFetchIsThrottled(t *testing.T) {
	h := limited(t, "consumer_byte_rate", 0.001)
	h.a[0].set(read(100))
	answer := h.begin(t.Context(), 12, fetchOf(-1, "a", 0))
	resp := decode[*kmsg.FetchResponse](t, answer, fetchOf(-1, "a", 0))
	if len(resp.Topics) != 0 || resp.ErrorCode != 0 || resp.ThrottleMillis < 1000 || answer.muted < time.Second {
		t.Errorf("over the limit: %+v, muted %v", resp, answer.muted)
	}
	if asked := h.a[0].fetched[0].MaxBytes; asked > 10 {
		t.Errorf("%d bytes were read, all windows together allow 10", asked)
	}
	h.setQuotas(map[metadata.QuotaEntity]metadata.Quotas{{User: metadata.QuotaName{Kind: metadata.QuotaDefault}}: {"consumer_byte_rate": 0.011}})
	h.a[0].set(read(100))
	resp = do[*kmsg.FetchResponse](h, 12, fetchOf(-1, "a", 0))
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions[0].RecordBatches) != 100 || resp.ThrottleMillis != 0 {
		t.Errorf("within the limit: %+v", resp)
	}
	h.a[0].set(read(100_000))
	if resp := do[*kmsg.FetchResponse](h, 12, fetchOf(2, "a", 0)); len(resp.Topics) != 1 || resp.ThrottleMillis != 0 {
		t.Errorf("a follower: %+v", resp)
	}
}

func TestChangesAreThrottled(t *testing.T) {
	h := limited(t, "controller_mutation_rate", 0.001)
	h.controller.respond = func(req kmsg.Request) (kmsg.Response, error) {
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, topic := range req.(*kmsg.CreateTopicsRequest).Topics {
			answer := kmsg.NewCreateTopicsResponseTopic()
			answer.Topic = topic.Topic
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil
	}
	create := func(version int16, validate bool) (code int16, throttle int32) {
		req := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "new", 10, 1
		req.Topics, req.ValidateOnly = append(req.Topics, topic), validate
		resp := do[*kmsg.CreateTopicsResponse](h, version, req)
		return resp.Topics[0].ErrorCode, resp.ThrottleMillis
	}
	if code, throttle := create(7, false); code != 0 || throttle < 1000 {
		t.Errorf("the one that empties the bucket: code %d, throttle %d", code, throttle)
	}
	if code, throttle := create(7, false); code != kerr.ThrottlingQuotaExceeded.Code || throttle < 1000 {
		t.Errorf("one more: code %d, throttle %d", code, throttle)
	}
	if code, _ := create(7, true); code != 0 {
		t.Errorf("only tried: code %d", code)
	}
	if code, throttle := create(5, false); code != 0 || throttle < 1000 {
		t.Errorf("of a client that does not know of it: code %d, throttle %d", code, throttle)
	}
}

// TestProcessorTimeIsThrottled: what a request takes counts, what it waits for its records does not.
func TestProcessorTimeIsThrottled(t *testing.T) {
	h := limited(t, "request_percentage", 1e-9)
	answer := h.begin(t.Context(), 9, metadataOf("a"))
	if resp := decode[*kmsg.MetadataResponse](t, answer, metadataOf("a")); resp.ThrottleMillis == 0 || answer.muted == 0 {
		t.Errorf("throttle %d, muted %v", resp.ThrottleMillis, answer.muted)
	}
	m := h.newMeter(call{peer: &server.Peer{Principal: server.Anonymous}})
	m.began = m.began.Add(-time.Hour)
	m.waited = 2 * time.Hour
	h.setQuotas(map[metadata.QuotaEntity]metadata.Quotas{{User: metadata.QuotaName{Kind: metadata.QuotaDefault}}: {"request_percentage": 1e9}})
	if wait := m.end(); wait != 0 {
		t.Errorf("a request that only waited waits %v more", wait)
	}
}
