package config

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Topic is the configuration of a topic that something here acts on. Sizes are in bytes, times in milliseconds.
type Topic struct {
	SegmentBytes           int32
	SegmentMs              int64
	SegmentJitterMs        int64
	Preallocate            bool
	Compression            string // a codec, uncompressed or producer
	CompressionLevel       int32  // of that codec; 0 for its own default, and for codecs without levels
	IndexBytesMax          int32
	IndexIntervalBytes     int32
	MessageBytesMax        int32
	FlushMessages          int64 // math.MaxInt64: never asked for
	FlushMs                int64 // math.MaxInt64: never asked for
	LogAppendTime          bool  // records carry the time of the append, not the producer's
	TimestampBeforeMaxMs   int64
	TimestampAfterMaxMs    int64
	MinInsyncReplicas      int32
	UncleanLeaderElection  bool
	Delete                 bool  // cleanup.policy has delete
	Compact                bool  // cleanup.policy has compact
	RetentionMs            int64 // negative: no limit
	RetentionBytes         int64 // negative: no limit
	FileDeleteDelayMs      int64
	DeleteRetentionMs      int64
	CompactionLagMsMin     int64
	CompactionLagMsMax     int64
	DirtyRatioMin          float64
	ProducerIDExpirationMs int64 // a broker's key, here because each log needs it
	VerifyTransactions     bool  // likewise
	// Replicas that are throttled: pairs partition:node, separated by commas, or a star for all.
	LeaderThrottled, FollowerThrottled string
}

// NeverMs is a FlushMs or FlushMessages that is off.
const NeverMs = math.MaxInt64

// Topic resolves a topic's configuration, given what was set for it.
func (l Layers) Topic(topic map[string]string) Topic {
	r := reader{func(name string) any { return l.topicValue(topicIndex[name], topic) }}
	b := reader{func(name string) any { return l.brokerValue(brokerIndex[name]) }}
	segmentBytes := "segment.bytes"
	if r.value("internal.segment.bytes") != nil {
		segmentBytes = "internal.segment.bytes"
	}
	return Topic{
		SegmentBytes:           r.int32(segmentBytes),
		SegmentMs:              r.int64("segment.ms"),
		SegmentJitterMs:        r.int64("segment.jitter.ms"),
		Preallocate:            r.bool("preallocate"),
		Compression:            r.string("compression.type"),
		CompressionLevel:       r.compressionLevel(),
		IndexBytesMax:          r.int32("segment.index.bytes"),
		IndexIntervalBytes:     r.int32("index.interval.bytes"),
		MessageBytesMax:        r.int32("max.message.bytes"),
		FlushMessages:          r.int64("flush.messages"),
		FlushMs:                r.int64("flush.ms"),
		LogAppendTime:          r.string("message.timestamp.type") == "LogAppendTime",
		TimestampBeforeMaxMs:   r.int64("message.timestamp.before.max.ms"),
		TimestampAfterMaxMs:    r.int64("message.timestamp.after.max.ms"),
		MinInsyncReplicas:      r.int32("min.insync.replicas"),
		UncleanLeaderElection:  r.bool("unclean.leader.election.enable"),
		Delete:                 slices.Contains(r.list("cleanup.policy"), "delete"),
		Compact:                slices.Contains(r.list("cleanup.policy"), "compact"),
		RetentionMs:            r.int64("retention.ms"),
		RetentionBytes:         r.int64("retention.bytes"),
		FileDeleteDelayMs:      r.int64("file.delete.delay.ms"),
		DeleteRetentionMs:      r.int64("delete.retention.ms"),
		CompactionLagMsMin:     r.int64("min.compaction.lag.ms"),
		CompactionLagMsMax:     r.int64("max.compaction.lag.ms"),
		DirtyRatioMin:          r.float64("min.cleanable.dirty.ratio"),
		ProducerIDExpirationMs: b.int64("producer.id.expiration.ms"),
		VerifyTransactions:     b.bool("transaction.partition.verification.enable"),
		LeaderThrottled:        strings.Join(r.list("leader.replication.throttled.replicas"), ","),
		FollowerThrottled:      strings.Join(r.list("follower.replication.throttled.replicas"), ","),
	}
}

// compressionLevel is the level that belongs to compression.type.
func (r reader) compressionLevel() int32 {
	switch codec := r.string("compression.type"); codec {
	case "gzip", "lz4", "zstd":
		if level := r.int32("compression." + codec + ".level"); codec != "gzip" || level > 0 { // gzip's -1 is its default
			return level
		}
	}
	return 0
}

// ConnectionLimits are how many connections a node takes in all and from one address, with what single addresses have instead, as they
// are now.
func (l Layers) ConnectionLimits() (most, perIP int, overrides map[string]int) {
	b := reader{func(name string) any { return l.brokerValue(brokerIndex[name]) }}
	overrides, _ = parsePerIP(b.string("max.connections.per.ip.overrides"))
	return int(b.int32("max.connections")), int(b.int32("max.connections.per.ip")), overrides
}

// Cleaner is what the node's compaction may use now.
func (l Layers) Cleaner() Cleaner {
	return reader{func(name string) any { return l.brokerValue(brokerIndex[name]) }}.cleaner()
}

// ReplicationLimits are a node's limits to the copying of replicas, in bytes a second; math.MaxInt64 is none.
type ReplicationLimits struct {
	Leader   int64 // of what it gives to followers
	Follower int64 // of what it fetches from leaders
	Move     int64 // of what it copies between its data directories
}

// ReplicationLimits are the limits as they are now.
func (l Layers) ReplicationLimits() ReplicationLimits {
	limit := func(name string) int64 {
		if bytes, set := l.brokerValue(brokerIndex[name]).(int64); set {
			return bytes
		}
		return math.MaxInt64
	}
	return ReplicationLimits{Leader: limit(leaderRate), Follower: limit(followerRate), Move: limit(moveRate)}
}

// reader gives resolved values their Go types. Asking for a key that isn't defined, or by another type, is a bug and panics.
type reader struct{ value func(name string) any }

func (r reader) bool(name string) bool       { return r.value(name).(bool) }
func (r reader) int64(name string) int64     { return r.value(name).(int64) }
func (r reader) float64(name string) float64 { return r.value(name).(float64) }
func (r reader) int32(name string) int32     { return int32(r.value(name).(int64)) }

// windows reads the two keys that say how a rate is counted.
func (r reader) windows(prefix string) Windows {
	return Windows{Samples: int(r.int32(prefix + ".num")), Length: time.Duration(r.int64(prefix+".size.seconds")) * time.Second}
}

// int32OrZero returns 0 for null.
func (r reader) int32OrZero(name string) int32 {
	number, _ := r.value(name).(int64)
	return int32(number)
}

func (r reader) list(name string) []string {
	list, _ := r.value(name).([]string)
	return list
}

// string returns "" for null.
func (r reader) string(name string) string {
	text, _ := r.value(name).(string)
	return text
}
