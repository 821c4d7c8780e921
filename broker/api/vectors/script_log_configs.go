package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// logConfigs sets every key of a topic that a log acts on: to what it takes, to what is just out of its range, and to what contradicts
// another. There is no remote storage, so the limits of what a tiered topic keeps locally are taken, held against its retention
// or not, and act on nothing.
func logConfigs(p *player) {
	const topicType, brokerType = kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker
	pairs := []struct{ key, good, bad string }{
		{"retention.ms", "3600000", "-2"}, {"retention.bytes", "1048576", "9223372036854775808"},
		{"local.retention.ms", "1800000", "-3"}, {"local.retention.bytes", "524288", "-3"},
		{"cleanup.policy", "compact,delete", "compact,keep"}, {"delete.retention.ms", "0", "-1"},
		{"min.compaction.lag.ms", "1000", "-1"}, {"max.compaction.lag.ms", "2000", "0"}, {"min.cleanable.dirty.ratio", "0.1", "1.1"},
		{"compression.type", "zstd", "brotli"}, {"compression.gzip.level", "9", "10"}, {"compression.lz4.level", "17", "18"}, {"compression.zstd.level", "22", "23"},
		{"message.timestamp.type", "LogAppendTime", "Never"}, {"message.timestamp.before.max.ms", "0", "-1"}, {"message.timestamp.after.max.ms", "0", "-1"},
		{"max.message.bytes", "0", "-1"}, {"segment.bytes", "1048576", "1048575"}, {"segment.ms", "1", "0"}, {"segment.jitter.ms", "1", "-1"},
		{"segment.index.bytes", "4", "3"}, {"index.interval.bytes", "0", "-1"}, {"preallocate", "true", "maybe"}, {"file.delete.delay.ms", "0", "-1"},
		{"flush.messages", "1", "0"}, {"flush.ms", "0", "-1"}, {"min.insync.replicas", "1", "0"}, {"unclean.leader.election.enable", "true", "yes"},
		{"remote.storage.enable", "false", "1"}, {"remote.log.copy.disable", "true", "2"}, {"remote.log.delete.on.disable", "true", "2"},
	}
	for _, each := range pairs {
		p.do("make with "+each.key+"="+each.good, 7, creation(topic("log-"+each.key, 1, 1, each.key, each.good)))
		p.do("make with "+each.key+"="+each.bad, 7, creation(topic("log-not-"+each.key, 1, 1, each.key, each.bad)))
	}
	p.make("log-configs", 1)
	set := func(name string, changes ...change) {
		p.do(name, 1, incrementally(topicType, "log-configs", changes...))
	}
	to := func(key, value string) change { return change{key, setConfig, text(value)} }
	for _, each := range pairs {
		set(each.key+"="+each.bad, to(each.key, each.bad))
	}
	set("local above retention, by time", to("retention.ms", "1000"), to("local.retention.ms", "1001"))
	set("local above retention, by size", to("retention.bytes", "1000"), to("local.retention.bytes", "1001"))
	set("local without limit, by time", to("retention.ms", "1000"), to("local.retention.ms", "-1"))
	set("local without limit, by size", to("retention.bytes", "1000"), to("local.retention.bytes", "-1"))
	set("local within retention", to("retention.ms", "1000"), to("local.retention.ms", "1000"), to("retention.bytes", "1000"), to("local.retention.bytes", "1000"))
	p.awaitConfig("log-configs", "local.retention.ms", "1000")
	p.describe(topicType, "log-configs", "retention.ms", "local.retention.ms", "retention.bytes", "local.retention.bytes")
	set("retention below local", to("retention.ms", "999"))
	set("remote storage", to("remote.storage.enable", "true"))
	set("remote storage and local above retention", to("remote.storage.enable", "true"), to("retention.ms", "1000"), to("local.retention.ms", "1001"))
	p.do("make with remote storage", 7, creation(topic("log-remote", 1, 1, "remote.storage.enable", "true")))
	p.do("make with local above retention", 7, creation(topic("log-local", 1, 1, "retention.ms", "1000", "local.retention.ms", "1001")))
	set("least lag above the largest", to("min.compaction.lag.ms", "2000"), to("max.compaction.lag.ms", "1999"))
	set("jitter above the segment's time", to("segment.ms", "1000"), to("segment.jitter.ms", "1001"))
	set("a message above the segment's size", to("segment.bytes", "1048576"), to("max.message.bytes", "1048577"))
	for _, each := range []change{
		to("log.local.retention.ms", "1000"), to("log.local.retention.bytes", "1000"), to("log.local.retention.ms", "-3"), to("log.local.retention.bytes", "-3"),
		to("log.retention.ms", "999"), to("log.retention.bytes", "999"), to("log.retention.bytes", "x"), to("log.local.retention.ms", "604800001"),
		to("log.local.retention.ms", "-1"), to("log.local.retention.bytes", "-1"), to("log.retention.bytes", "1000"), to("log.local.retention.bytes", "1001"),
	} {
		p.do("all brokers, "+each.name+"="+*each.value, 1, incrementally(brokerType, "", each))
	}
	for _, key := range []string{"log.local.retention.ms", "log.local.retention.bytes", "log.retention.bytes"} {
		p.do("all brokers, without "+key, 1, incrementally(brokerType, "", change{key, 1, nil}))
	}
}
