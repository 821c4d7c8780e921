package config

// MaxLong is the largest LONG, the default of keys that are off unless set.
const MaxLong = "9223372036854775807"

func from(names ...string) []Fallback {
	fallbacks := make([]Fallback, len(names))
	for i, name := range names {
		fallbacks[i] = Fallback{name, 1}
	}
	return fallbacks
}

const (
	minuteMs int64 = 60_000
	hourMs   int64 = 3_600_000
)

// topicKeys are all the topic-level keys of Kafka 4.3.
var topicKeys = []Key{
	{Name: "cleanup.policy", Type: List, Default: "delete", Rule: oneOf("compact", "delete"), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.cleanup.policy"), Doc: "What happens to old segments: delete by age and size, compact to the last record of each key, or both."},
	{Name: "compression.gzip.level", Type: Int, Default: "-1", Rule: orMinusOne(between(1, 9)), Importance: Medium, Dynamic: true,
		Fallbacks: from("compression.gzip.level"), Doc: "Level used when compression.type is gzip."},
	{Name: "compression.lz4.level", Type: Int, Default: "9", Rule: between(1, 17), Importance: Medium, Dynamic: true,
		Fallbacks: from("compression.lz4.level"), Doc: "Level used when compression.type is lz4."},
	{Name: "compression.type", Type: String, Default: "producer", Rule: compressionTypes, Importance: Medium, Dynamic: true,
		Fallbacks: from("compression.type"), Doc: "Codec that batches are stored in; producer keeps what the producer chose."},
	{Name: "compression.zstd.level", Type: Int, Default: "3", Rule: between(-131072, 22), Importance: Medium, Dynamic: true,
		Fallbacks: from("compression.zstd.level"), Doc: "Level used when compression.type is zstd."},
	{Name: "delete.retention.ms", Type: Long, Default: "86400000", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.cleaner.delete.retention.ms"), Doc: "How long a tombstone stays in a compacted topic."},
	{Name: "file.delete.delay.ms", Type: Long, Default: "60000", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.segment.delete.delay.ms"), Doc: "How long a deleted file stays on the disk."},
	{Name: "flush.messages", Type: Long, Default: MaxLong, Rule: atLeast(1), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.flush.interval.messages"), Doc: "Records written before an fsync is forced; 1 makes every acknowledged batch durable on each replica, one fsync serving all that wait."},
	{Name: "flush.ms", Type: Long, Default: MaxLong, Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.flush.interval.ms", "log.flush.scheduler.interval.ms"), Doc: "How long a record may stay without an fsync."},
	{Name: "follower.replication.throttled.replicas", Type: List, Rule: throttledReplicas, Importance: Medium, Dynamic: true,
		Doc: "Replicas whose fetching is throttled on the follower's side."},
	{Name: "index.interval.bytes", Type: Int, Default: "4096", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.index.interval.bytes"), Doc: "Bytes of log between two entries of the offset index."},
	{Name: "leader.replication.throttled.replicas", Type: List, Rule: throttledReplicas, Importance: Medium, Dynamic: true,
		Doc: "Replicas whose fetching is throttled on the leader's side."},
	{Name: "internal.segment.bytes", Type: Int, Null: true, Rule: atLeast(1), Importance: Low, Dynamic: true, Internal: true,
		Doc: "Stands in for segment.bytes, without its lower bound, so that a run of a minute rolls many segments."},
	{Name: "local.retention.bytes", Type: Long, Default: "-2", Rule: atLeast(-2), Importance: Medium, Dynamic: true, Inert: true,
		Fallbacks: from("log.local.retention.bytes"), Doc: "Size of the local part of a tiered partition; -2 takes retention.bytes."},
	{Name: "local.retention.ms", Type: Long, Default: "-2", Rule: atLeast(-2), Importance: Medium, Dynamic: true, Inert: true,
		Fallbacks: from("log.local.retention.ms"), Doc: "Age of the local part of a tiered partition; -2 takes retention.ms."},
	{Name: "max.compaction.lag.ms", Type: Long, Default: MaxLong, Rule: atLeast(1), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.cleaner.max.compaction.lag.ms"), Doc: "Age at which a record of a compacted topic must be compacted."},
	{Name: "max.message.bytes", Type: Int, Default: "1048588", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("message.max.bytes"), Doc: "Largest record batch accepted, in bytes as sent, after compression."},
	{Name: "message.timestamp.after.max.ms", Type: Long, Default: "3600000", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.message.timestamp.after.max.ms"), Doc: "How far a producer's timestamp may lie in the broker's future."},
	{Name: "message.timestamp.before.max.ms", Type: Long, Default: MaxLong, Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.message.timestamp.before.max.ms"), Doc: "How far a producer's timestamp may lie in the broker's past."},
	{Name: "message.timestamp.type", Type: String, Default: "CreateTime", Rule: timestampTypes, Importance: Medium, Dynamic: true,
		Fallbacks: from("log.message.timestamp.type"), Doc: "Whose timestamps records carry: the producer's, or those of the broker's append."},
	{Name: "min.cleanable.dirty.ratio", Type: Double, Default: "0.5", Rule: between(0, 1), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.cleaner.min.cleanable.ratio"), Doc: "Share of a compacted log that must be new before it is cleaned."},
	{Name: "min.compaction.lag.ms", Type: Long, Default: "0", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.cleaner.min.compaction.lag.ms"), Doc: "Age below which a record is never compacted."},
	{Name: "min.insync.replicas", Type: Int, Default: "1", Rule: atLeast(1), Importance: Medium, Dynamic: true,
		Fallbacks: from("min.insync.replicas"), Doc: "Replicas that must be in sync for a write with acks=all to be taken, and for the high watermark to move."},
	{Name: "preallocate", Type: Boolean, Default: "false", Importance: Medium, Dynamic: true,
		Fallbacks: from("log.preallocate"), Doc: "Whether a segment's file has its full size from the start."},
	{Name: "remote.log.copy.disable", Type: Boolean, Default: "false", Importance: Medium, Dynamic: true, Inert: true,
		Doc: "Stops copying to tiered storage."},
	{Name: "remote.log.delete.on.disable", Type: Boolean, Default: "false", Importance: Medium, Dynamic: true, Inert: true,
		Doc: "Deletes what is in tiered storage when it is switched off."},
	{Name: "remote.storage.enable", Type: Boolean, Default: "false", Importance: Medium, Dynamic: true, Inert: true,
		Doc: "Keeps old segments in tiered storage."},
	{Name: "retention.bytes", Type: Long, Default: "-1", Importance: Medium, Dynamic: true,
		Fallbacks: from("log.retention.bytes"), Doc: "Size of a partition beyond which its oldest segments are deleted; -1 for no limit."},
	{Name: "retention.ms", Type: Long, Default: "604800000", Rule: atLeast(-1), Importance: Medium, Dynamic: true,
		Fallbacks: []Fallback{{"log.retention.ms", 1}, {"log.retention.minutes", minuteMs}, {"log.retention.hours", hourMs}},
		Doc:       "Age beyond which segments are deleted; -1 for no limit."},
	{Name: "segment.bytes", Type: Int, Default: "1073741824", Rule: atLeast(1 << 20), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.segment.bytes"), Doc: "Size at which a segment is closed and the next one begun."},
	{Name: "segment.index.bytes", Type: Int, Default: "10485760", Rule: atLeast(4), Importance: Medium, Dynamic: true,
		Fallbacks: from("log.index.size.max.bytes"), Doc: "Largest size of a segment's index; a full index closes the segment."},
	{Name: "segment.jitter.ms", Type: Long, Default: "0", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Fallbacks: []Fallback{{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", hourMs}},
		Doc:       "Random time taken off segment.ms, so that segments don't all close at once."},
	{Name: "segment.ms", Type: Long, Default: "604800000", Rule: atLeast(1), Importance: Medium, Dynamic: true,
		Fallbacks: []Fallback{{"log.roll.ms", 1}, {"log.roll.hours", hourMs}},
		Doc:       "Age at which a segment is closed though it isn't full."},
	{Name: "unclean.leader.election.enable", Type: Boolean, Default: "false", Importance: Medium, Dynamic: true,
		Fallbacks: from("unclean.leader.election.enable"), Doc: "Lets a replica that may lack acknowledged records lead when no other can."},
}

var (
	compressionTypes = oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
	timestampTypes   = oneOf("CreateTime", "LogAppendTime")
)
