package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// aBatch is a valid batch of one record, to be changed by where its fields lie.
func aBatch(change ...func([]byte)) []byte {
	b := make([]byte, record.HeaderSize)
	b[11] = record.HeaderSize - record.LogOverhead
	b[16] = record.Magic
	b[60] = 1
	for _, each := range change {
		each(b)
	}
	return b
}

func produceTo(topic string, partitions ...int32) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	if topic == "a" {
		t.TopicID = idA
	}
	for _, index := range partitions {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = index, aBatch()
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

func appended(first int64) replica.AppendResult {
	return replica.AppendResult{
		AppendInfo:      commitlog.AppendInfo{FirstOffset: first, LastOffset: first, LogAppendTime: 77, LogStartOffset: 3},
		CurrentLeaderID: -1, CurrentLeaderEpoch: -1,
	}
}

func TestProduceAnswersEachPartition(t *testing.T) {
	h := newHouse(t)
	h.a[0].appendResult = appended(40)
	h.a[1].appendResult = refused(kerr.NotEnoughReplicas)
	for version := int16(3); version <= 13; version++ {
		resp := do[*kmsg.ProduceResponse](h, version, produceTo("a", 1, 0, 9))
		parts := resp.Topics[0].Partitions
		if len(parts) != 3 || parts[0].Partition != 1 || parts[0].ErrorCode != kerr.NotEnoughReplicas.Code || parts[0].BaseOffset != -1 {
			t.Fatalf("v%d: first is %+v", version, parts)
		}
		if parts[1].ErrorCode != 0 || parts[1].BaseOffset != 40 || parts[1].LogAppendTime != 77 || (version >= 5) != (parts[1].LogStartOffset == 3) {
			t.Errorf("v%d: second is %+v", version, parts[1])
		}
		if parts[2].ErrorCode != kerr.UnknownTopicOrPartition.Code {
			t.Errorf("v%d: third is %+v", version, parts[2])
		}
	}
}

func TestProduceChecksItsRecords(t *testing.T) {
	for _, test := range []struct {
		name    string
		version int16
		records []byte
		want    *kerr.Error
	}{
		{"a batch", 9, aBatch(), nil},
		{"none", 9, nil, kerr.InvalidRecord},
		{"cut short", 9, aBatch()[:50], kerr.InvalidRecord},
		{"two", 9, append(aBatch(), aBatch()...), kerr.InvalidRecord},
		{"rubbish behind", 9, append(aBatch(), 1), kerr.InvalidRecord},
		{"old magic", 9, aBatch(func(b []byte) { b[16] = 1 }), kerr.InvalidRecord},
		{"negative length", 9, aBatch(func(b []byte) { b[8] = 0x80 }), kerr.CorruptMessage},
		{"no records", 9, aBatch(func(b []byte) { b[60] = 0 }), kerr.InvalidRecord},
		{"control", 9, aBatch(func(b []byte) { b[22] = 1 << 5 }), kerr.InvalidRecord},
		{"transactional", 9, aBatch(func(b []byte) { b[22] = 1 << 4 }), kerr.TransactionalIDAuthorizationFailed},
		{"zstd", 7, aBatch(func(b []byte) { b[22] = 4 }), nil},
		{"zstd before its time", 6, aBatch(func(b []byte) { b[22] = 4 }), kerr.UnsupportedCompressionType},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			req := produceTo("a", 0)
			req.Topics[0].Partitions[0].Records = test.records
			resp := do[*kmsg.ProduceResponse](h, test.version, req)
			var want int16
			if test.want != nil {
				want = test.want.Code
			}
			if got := resp.Topics[0].Partitions[0].ErrorCode; got != want {
				t.Errorf("code %d, want %d", got, want)
			}
			if wrote := len(h.a[0].appended) > 0; wrote != (test.want == nil) {
				t.Errorf("appended: %v", wrote)
			}
		})
	}
}

func TestProduceRefusedAsAWhole(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*kmsg.ProduceRequest)
		want   *kerr.Error
	}{
		{"acks 2", func(r *kmsg.ProduceRequest) { r.Acks = 2 }, kerr.InvalidRequiredAcks},
		{"acks -2", func(r *kmsg.ProduceRequest) { r.Acks = -2 }, kerr.InvalidRequiredAcks},
		{"transactional without an id", func(r *kmsg.ProduceRequest) {
			r.Topics[0].Partitions[1].Records = aBatch(func(b []byte) { b[22] = 1 << 4 })
		}, kerr.TransactionalIDAuthorizationFailed},
	} {
		h := newHouse(t)
		req := produceTo("a", 0, 1)
		test.change(req)
		resp := do[*kmsg.ProduceResponse](h, 9, req)
		for _, p := range resp.Topics[0].Partitions {
			if p.ErrorCode != test.want.Code {
				t.Errorf("%s: %+v", test.name, p)
			}
		}
		if len(h.a[0].appended) > 0 {
			t.Errorf("%s: appended", test.name)
		}
	}
}

func TestProducesArePipelined(t *testing.T) {
	h := newHouse(t)
	h.a[0].held, h.a[1].held = true, true
	first := h.begin(t.Context(), 9, produceTo("a", 0, 1))
	second := h.begin(t.Context(), 9, produceTo("a", 0))
	if len(h.a[0].appended) != 2 {
		t.Fatalf("%d appends while the first waits, want 2", len(h.a[0].appended))
	}
	if !first.released || !second.released {
		t.Error("the records' memory is held though the log has them")
	}
	h.a[0].settle(appended(5))
	resp := decode[*kmsg.ProduceResponse](t, second, produceTo("a", 0))
	if resp.Topics[0].Partitions[0].BaseOffset != 5 {
		t.Errorf("second: %+v", resp.Topics)
	}
	if len(first.bytes) != 0 {
		t.Error("the first is answered before its other partition is done")
	}
	h.a[1].settle(appended(6))
	resp = decode[*kmsg.ProduceResponse](t, first, produceTo("a", 0))
	if parts := resp.Topics[0].Partitions; parts[0].BaseOffset != 5 || parts[1].BaseOffset != 6 {
		t.Errorf("first: %+v", parts)
	}
}

func TestProduceRunsOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.a[0].held = true
		h.a[1].appendResult = appended(2)
		start := time.Now()
		resp := do[*kmsg.ProduceResponse](h, 9, produceTo("a", 0, 1))
		if parts := resp.Topics[0].Partitions; parts[0].ErrorCode != kerr.RequestTimedOut.Code || parts[1].ErrorCode != 0 {
			t.Errorf("%+v", parts)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("answered after %v, asked for 1s", took)
		}
	})
}

func TestProduceWithoutAnswer(t *testing.T) {
	h := newHouse(t)
	req := produceTo("a", 0)
	req.Acks = 0
	a := h.begin(t.Context(), 9, req)
	if frame := <-a.bytes; frame != nil {
		t.Errorf("answered by %x", frame)
	}
	h.a[0].appendResult = refused(kerr.NotLeaderForPartition)
	req = produceTo("a", 0)
	req.Acks = 0
	if err := <-h.begin(t.Context(), 9, req).closed; err == nil {
		t.Error("a failure went unnoticed")
	}
}

func TestProduceTellsTheLeader(t *testing.T) {
	h := newHouse(t)
	moved := refused(kerr.NotLeaderForPartition)
	moved.CurrentLeaderID, moved.CurrentLeaderEpoch = 2, 8
	h.a[0].appendResult, h.a[1].appendResult = moved, moved
	for version := int16(9); version <= 13; version++ {
		resp := do[*kmsg.ProduceResponse](h, version, produceTo("a", 0, 1))
		p := resp.Topics[0].Partitions[0]
		if p.ErrorCode != kerr.NotLeaderForPartition.Code {
			t.Fatalf("v%d: %+v", version, p)
		}
		if version < 10 {
			continue
		}
		if p.CurrentLeader.LeaderID != 2 || p.CurrentLeader.LeaderEpoch != 8 {
			t.Errorf("v%d: leader %+v", version, p.CurrentLeader)
		}
		if len(resp.Brokers) != 1 || resp.Brokers[0].Host != "two" || resp.Brokers[0].Port != 9002 {
			t.Errorf("v%d: addresses %+v", version, resp.Brokers)
		}
	}
}

func TestProduceByUnknownID(t *testing.T) {
	h := newHouse(t)
	req := produceTo("a", 0)
	req.Topics[0].TopicID = [16]byte{9}
	resp := do[*kmsg.ProduceResponse](h, 13, req)
	if got := resp.Topics[0].Partitions[0].ErrorCode; got != kerr.UnknownTopicID.Code {
		t.Errorf("code %d", got)
	}
}

func BenchmarkProduce(b *testing.B) {
	h := newHouse(b)
	h.a[0].appendResult = appended(1)
	req := produceTo("a", 0)
	b.ReportAllocs()
	for b.Loop() {
		h.a[0].appended = h.a[0].appended[:0]
		<-h.begin(context.Background(), 9, req).bytes
	}
}

func FuzzCheckRecords(f *testing.F) {
	f.Add(aBatch(), int16(9))
	f.Add(append(aBatch(), aBatch()[:30]...), int16(3))
	f.Add([]byte{}, int16(13))
	f.Fuzz(func(t *testing.T, records []byte, version int16) {
		if _, err := checkRecords(records, version); err == nil && len(records) < record.HeaderSize {
			t.Errorf("%d bytes pass for a batch", len(records))
		}
	})
}

// TestProduceInATransaction: the coordinator is asked before the first records, and asked again when the guard has become void
// meanwhile; what it says is told as the version of the request allows.
func TestProduceInATransaction(t *testing.T) {
	transactional := aBatch(func(b []byte) { b[22] = 1 << 4 })
	for _, test := range []struct {
		name    string
		version int16
		guards  []commitlog.Guard
		says    *kerr.Error
		asked   int
		want    *kerr.Error
	}{
		{"it has begun here", 12, nil, nil, 0, nil},
		{"part of it", 9, []commitlog.Guard{3}, nil, 1, nil},
		{"the guard became void", 12, []commitlog.Guard{3, 4}, nil, 2, nil},
		{"not part of it", 9, []commitlog.Guard{3}, kerr.TransactionAbortable, 1, kerr.InvalidTxnState},
		{"not part of it, for newer clients", 11, []commitlog.Guard{3}, kerr.TransactionAbortable, 1, kerr.TransactionAbortable},
		{"fenced", 12, []commitlog.Guard{3}, kerr.ProducerFenced, 1, kerr.InvalidProducerEpoch},
		{"the one before is being ended", 9, []commitlog.Guard{3}, kerr.ConcurrentTransactions, 1, kerr.NotEnoughReplicas},
		{"the one before is being ended, for newer clients", 12, []commitlog.Guard{3}, kerr.ConcurrentTransactions, 1, kerr.ConcurrentTransactions},
		{"no coordinator", 12, []commitlog.Guard{3}, kerr.NotCoordinator, 1, kerr.NotEnoughReplicas},
	} {
		h := newHouse(t)
		enlister := &fakeEnlister{says: test.says}
		h.Enlist = enlister
		h.a[0].guards = test.guards
		req := produceTo("a", 0)
		id := "tx"
		req.TransactionID, req.Topics[0].Partitions[0].Records = &id, transactional
		resp := do[*kmsg.ProduceResponse](h, test.version, req)
		want := int16(0)
		if test.want != nil {
			want = test.want.Code
		}
		if got := resp.Topics[0].Partitions[0].ErrorCode; got != want {
			t.Errorf("%s: code %d, want %d", test.name, got, want)
		}
		if len(enlister.asked) != test.asked {
			t.Errorf("%s: asked %d times, want %d", test.name, len(enlister.asked), test.asked)
		}
		for _, r := range enlister.asked {
			if r.Verify != (test.version < 12) || r.TransactionalID != "tx" || len(r.Partitions) != 1 || r.Partitions[0].Topic != "a" {
				t.Errorf("%s: asked %+v", test.name, r)
			}
		}
		if test.want == nil && test.guards != nil && h.a[0].appendedBy[0] != test.guards[len(test.guards)-1] {
			t.Errorf("%s: appended by guard %v", test.name, h.a[0].appendedBy)
		}
		if wrote := len(h.a[0].appended) > 0; wrote != (test.want == nil) {
			t.Errorf("%s: appended %v", test.name, wrote)
		}
	}
}
