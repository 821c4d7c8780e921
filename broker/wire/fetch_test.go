package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// memory is a slice of bytes that counts its releases.
type memory struct {
	content  []byte
	released int
}

func (m *memory) Len() int                  { return len(m.content) }
func (m *memory) ReadInto(buf []byte) error { copy(buf, m.content); return nil }
func (m *memory) Release()                  { m.released++ }

func drawFetch(t *rapid.T) *FetchResponse {
	int32s := rapid.Int32()
	resp := &FetchResponse{
		ThrottleMs: int32s.Draw(t, "throttle"), ErrorCode: rapid.Int16().Draw(t, "error"), SessionID: int32s.Draw(t, "session"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "topics") {
		topic := FetchTopic{Topic: rapid.StringN(0, 140, -1).Draw(t, "name")}
		copy(topic.TopicID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		for range rapid.IntRange(0, 3).Draw(t, "partitions") {
			topic.Partitions = append(topic.Partitions, drawPartition(t))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	for range rapid.SampledFrom([]int{0, 1, 2, 130}).Draw(t, "endpoints") {
		n := NodeEndpoint{NodeID: int32s.Draw(t, "node"), Host: rapid.StringN(0, 140, -1).Draw(t, "host"), Port: int32s.Draw(t, "port")}
		if rapid.Bool().Draw(t, "has rack") {
			rack := rapid.StringN(0, 10, -1).Draw(t, "rack")
			n.Rack = &rack
		}
		resp.NodeEndpoints = append(resp.NodeEndpoints, n)
	}
	return resp
}

func drawPartition(t *rapid.T) FetchPartition {
	int64s, int32s := rapid.Int64(), rapid.Int32()
	p := FetchPartition{
		Partition: int32s.Draw(t, "partition"), ErrorCode: rapid.Int16().Draw(t, "code"),
		HighWatermark: int64s.Draw(t, "high watermark"), LastStableOffset: int64s.Draw(t, "last stable"),
		LogStartOffset: int64s.Draw(t, "log start"), PreferredReadReplica: int32s.Draw(t, "preferred"),
	}
	if rapid.Bool().Draw(t, "committed") {
		p.AbortedTransactions = []AbortedTransaction{}
		for range rapid.IntRange(0, 3).Draw(t, "aborted") {
			p.AbortedTransactions = append(p.AbortedTransactions, AbortedTransaction{int64s.Draw(t, "producer"), int64s.Draw(t, "first")})
		}
	}
	// kmsg leaves out a tag of default value; so does who means none by nil.
	if d := (EpochEndOffset{int32s.Draw(t, "epoch"), int64s.Draw(t, "end")}); rapid.Bool().Draw(t, "diverges") && d != (EpochEndOffset{-1, -1}) {
		p.DivergingEpoch = &d
	}
	if l := (LeaderAndEpoch{int32s.Draw(t, "leader"), int32s.Draw(t, "epoch")}); rapid.Bool().Draw(t, "moved") && l != (LeaderAndEpoch{-1, -1}) {
		p.CurrentLeader = &l
	}
	if rapid.Bool().Draw(t, "has records") {
		p.Records = &memory{content: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "records")}
	}
	return p
}

// kmsgFetch is the same response in kmsg's terms.
func kmsgFetch(resp *FetchResponse, version int16) *kmsg.FetchResponse {
	out := kmsg.NewPtrFetchResponse()
	out.ThrottleMillis, out.ErrorCode, out.SessionID = resp.ThrottleMs, resp.ErrorCode, resp.SessionID
	for _, topic := range resp.Topics {
		to := kmsg.NewFetchResponseTopic()
		to.Topic, to.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			po := kmsg.NewFetchResponseTopicPartition()
			po.Partition, po.ErrorCode, po.HighWatermark = p.Partition, p.ErrorCode, p.HighWatermark
			po.LastStableOffset, po.LogStartOffset, po.PreferredReadReplica = p.LastStableOffset, p.LogStartOffset, p.PreferredReadReplica
			if p.AbortedTransactions != nil {
				po.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
			}
			for _, a := range p.AbortedTransactions {
				ao := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
				ao.ProducerID, ao.FirstOffset = a.ProducerID, a.FirstOffset
				po.AbortedTransactions = append(po.AbortedTransactions, ao)
			}
			if p.DivergingEpoch != nil {
				po.DivergingEpoch.Epoch, po.DivergingEpoch.EndOffset = p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset
			}
			if p.CurrentLeader != nil {
				po.CurrentLeader.LeaderID, po.CurrentLeader.LeaderEpoch = p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch
			}
			po.RecordBatches = []byte{}
			if p.Records != nil {
				po.RecordBatches = p.Records.(*memory).content
			}
			to.Partitions = append(to.Partitions, po)
		}
		out.Topics = append(out.Topics, to)
	}
	for _, n := range resp.NodeEndpoints {
		if version < 16 {
			break // kmsg writes them into every flexible version; the protocol has them from 16 on
		}
		no := kmsg.NewFetchResponseBroker()
		no.NodeID, no.Host, no.Port, no.Rack = n.NodeID, n.Host, n.Port, n.Rack
		out.Brokers = append(out.Brokers, no)
	}
	return out
}

// TestEncodeFetchIsKmsgs compares every byte with kmsg's encoding, in every version.
func TestEncodeFetchIsKmsgs(t *testing.T) {
	for version := int16(fetchVersionFirst); version <= fetchVersionLast; version++ {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				h := Header{Key: 1, Version: version, CorrelationID: rapid.Int32().Draw(t, "correlation")}
				resp := drawFetch(t)
				want, _ := EncodeResponse(h, kmsgFetch(resp, version)).AppendTo(nil)
				encoded := EncodeFetch(h, resp)
				got, err := encoded.AppendTo(nil)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%v\ngot  %x\nwant %x", err, got, want)
				}
				if encoded.Len() != len(got) || int(binary.BigEndian.Uint32(got)) != len(got)-sizeBytes {
					t.Fatalf("size %d and length %d of %d bytes", binary.BigEndian.Uint32(got), encoded.Len(), len(got))
				}
				encoded.Release()
				for _, topic := range resp.Topics {
					for _, p := range topic.Partitions {
						if p.Records != nil && p.Records.(*memory).released != 1 {
							t.Fatal("records were not released once")
						}
					}
				}
			})
		})
	}
}

// TestEncodeFetchAllocatesNothing: neither by partition nor by record.
func TestEncodeFetchAllocatesNothing(t *testing.T) {
	resp := &FetchResponse{Topics: []FetchTopic{{Partitions: make([]FetchPartition, 100)}}}
	for i := range resp.Topics[0].Partitions {
		resp.Topics[0].Partitions[i] = NewFetchPartition(int32(i))
		resp.Topics[0].Partitions[i].Records = &memory{content: make([]byte, 1<<16)}
	}
	h := Header{Key: 1, Version: 17}
	if n := testing.AllocsPerRun(100, func() { EncodeFetch(h, resp).Release() }); n > poolLoss {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncodeFetch(b *testing.B) {
	records := &memory{content: make([]byte, 1<<20)}
	resp := &FetchResponse{Topics: []FetchTopic{{Partitions: []FetchPartition{NewFetchPartition(0)}}}}
	resp.Topics[0].Partitions[0].Records = records
	b.ReportAllocs()
	for b.Loop() {
		EncodeFetch(Header{Key: 1, Version: 17}, resp).Release()
	}
}
