package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// FetchResponse is a Fetch response (key 1, versions 4 to 18) whose records are slices of a log. kmsg's has them as bytes,
// and encoding it copies each; this one is encoded around them.
type FetchResponse struct {
	ThrottleMs int32
	ErrorCode  int16 // v7+
	SessionID  int32 // v7+
	Topics     []FetchTopic
	// NodeEndpoints are the addresses of the leaders that partitions name as CurrentLeader. v16+, KIP-951.
	NodeEndpoints []NodeEndpoint
}

// FetchTopic is a topic's partitions, by name up to version 12 and by id from 13.
type FetchTopic struct {
	Topic      string
	TopicID    [16]byte
	Partitions []FetchPartition
}

// FetchPartition is a partition's part. NewFetchPartition has the defaults.
type FetchPartition struct {
	Partition            int32
	ErrorCode            int16
	HighWatermark        int64
	LastStableOffset     int64
	LogStartOffset       int64                // v5+
	AbortedTransactions  []AbortedTransaction // nil is null: the reader did not ask for read_committed
	PreferredReadReplica int32                // v11+, -1 is none
	DivergingEpoch       *EpochEndOffset      // v12+, nil is none, KIP-595
	CurrentLeader        *LeaderAndEpoch      // v12+, nil is none
	Records              Slice                // nil is none
}

// AbortedTransaction is where an aborted transaction of a producer begins.
type AbortedTransaction struct{ ProducerID, FirstOffset int64 }

// EpochEndOffset is a leader epoch and the offset behind its last record.
type EpochEndOffset struct {
	Epoch     int32
	EndOffset int64
}

// LeaderAndEpoch is a leader's node id and its epoch.
type LeaderAndEpoch struct{ LeaderID, LeaderEpoch int32 }

// NodeEndpoint is where clients reach a node.
type NodeEndpoint struct {
	NodeID int32
	Host   string
	Port   int32
	Rack   *string
}

// NewFetchPartition is a partition's part with nothing known: offsets and preferred replica -1, no records.
func NewFetchPartition(partition int32) FetchPartition {
	return FetchPartition{
		Partition: partition, HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: -1,
	}
}

const (
	keyFetch             = 1
	fetchVersionFirst    = 4
	fetchVersionLast     = 18
	fetchVersionFlexible = 12
	fetchVersionTopicIDs = 13
)

// EncodeFetch encodes resp as the answer to the Fetch of header h. It takes over the partitions' Records: they are
// released with the response. It copies no record and keeps nothing else of resp.
func EncodeFetch(h Header, resp *FetchResponse) Response {
	if h.Key != keyFetch || h.Version < fetchVersionFirst || h.Version > fetchVersionLast {
		panic(fmt.Sprintf("wire: a Fetch response to key %d version %d", h.Key, h.Version))
	}
	e := fetchEncoder{arena: newArena(), version: h.Version, flexible: h.Version >= fetchVersionFlexible}
	e.bytes = appendResponseHeader(e.bytes, h.CorrelationID, h.Key, e.flexible)
	e.int32(resp.ThrottleMs)
	if e.version >= 7 {
		e.int16(resp.ErrorCode)
		e.int32(resp.SessionID)
	}
	e.length(len(resp.Topics))
	for i := range resp.Topics {
		e.topic(&resp.Topics[i])
	}
	if e.flexible {
		e.endpoints(resp.NodeEndpoints)
	}
	return e.finish()
}

// fetchEncoder appends to an arena's bytes and places slices in it.
type fetchEncoder struct {
	*arena
	version  int16
	flexible bool
}

func (e *fetchEncoder) int16(v int16) { e.bytes = binary.BigEndian.AppendUint16(e.bytes, uint16(v)) }
func (e *fetchEncoder) int32(v int32) { e.bytes = binary.BigEndian.AppendUint32(e.bytes, uint32(v)) }
func (e *fetchEncoder) int64(v int64) { e.bytes = binary.BigEndian.AppendUint64(e.bytes, uint64(v)) }
func (e *fetchEncoder) uvarint(v int) { e.bytes = binary.AppendUvarint(e.bytes, uint64(v)) }

// length is an array's or byte string's length.
func (e *fetchEncoder) length(n int) {
	if e.flexible {
		e.uvarint(n + 1)
	} else {
		e.int32(int32(n))
	}
}

func (e *fetchEncoder) null() {
	if e.flexible {
		e.uvarint(0)
	} else {
		e.int32(-1)
	}
}

func (e *fetchEncoder) string(s string) {
	if e.flexible {
		e.uvarint(len(s) + 1)
	} else {
		e.int16(int16(len(s)))
	}
	e.bytes = append(e.bytes, s...)
}

// noTags ends a structure of a flexible version.
func (e *fetchEncoder) noTags() {
	if e.flexible {
		e.uvarint(0)
	}
}

func (e *fetchEncoder) topic(t *FetchTopic) {
	if e.version >= fetchVersionTopicIDs {
		e.bytes = append(e.bytes, t.TopicID[:]...)
	} else {
		e.string(t.Topic)
	}
	e.length(len(t.Partitions))
	for i := range t.Partitions {
		e.partition(&t.Partitions[i])
	}
	e.noTags()
}

func (e *fetchEncoder) partition(p *FetchPartition) {
	e.int32(p.Partition)
	e.int16(p.ErrorCode)
	e.int64(p.HighWatermark)
	e.int64(p.LastStableOffset)
	if e.version >= 5 {
		e.int64(p.LogStartOffset)
	}
	e.aborted(p.AbortedTransactions)
	if e.version >= 11 {
		e.int32(p.PreferredReadReplica)
	}
	e.records(p.Records)
	if e.flexible {
		e.partitionTags(p)
	}
}

func (e *fetchEncoder) aborted(transactions []AbortedTransaction) {
	if transactions == nil {
		e.null()
		return
	}
	e.length(len(transactions))
	for _, t := range transactions {
		e.int64(t.ProducerID)
		e.int64(t.FirstOffset)
		e.noTags()
	}
}

// records places the slice. No records are an empty byte string: the reference sends null in no version.
func (e *fetchEncoder) records(s Slice) {
	if s == nil {
		e.length(0)
		return
	}
	e.length(s.Len())
	e.slices = append(e.slices, placedSlice{at: len(e.bytes), slice: s})
}

func (e *fetchEncoder) partitionTags(p *FetchPartition) {
	count := 0
	if p.DivergingEpoch != nil {
		count++
	}
	if p.CurrentLeader != nil {
		count++
	}
	e.uvarint(count)
	if d := p.DivergingEpoch; d != nil {
		e.uvarint(0)
		e.uvarint(4 + 8 + 1)
		e.int32(d.Epoch)
		e.int64(d.EndOffset)
		e.noTags()
	}
	if l := p.CurrentLeader; l != nil {
		e.uvarint(1)
		e.uvarint(4 + 4 + 1)
		e.int32(l.LeaderID)
		e.int32(l.LeaderEpoch)
		e.noTags()
	}
}

func (e *fetchEncoder) endpoints(endpoints []NodeEndpoint) {
	if len(endpoints) == 0 || e.version < 16 {
		e.uvarint(0)
		return
	}
	size := uvarintLen(len(endpoints) + 1)
	for i := range endpoints {
		size += endpoints[i].encodedLen()
	}
	e.uvarint(1) // one tag,
	e.uvarint(0) // number 0
	e.uvarint(size)
	e.length(len(endpoints))
	for i := range endpoints {
		n := &endpoints[i]
		e.int32(n.NodeID)
		e.string(n.Host)
		e.int32(n.Port)
		if n.Rack == nil {
			e.uvarint(0)
		} else {
			e.string(*n.Rack)
		}
		e.noTags()
	}
}

func (n *NodeEndpoint) encodedLen() int {
	rack := 1
	if n.Rack != nil {
		rack = uvarintLen(len(*n.Rack)+1) + len(*n.Rack)
	}
	return 4 + uvarintLen(len(n.Host)+1) + len(n.Host) + 4 + rack + 1
}

func uvarintLen(v int) int { return (bits.Len(uint(v)|1) + 6) / 7 }
