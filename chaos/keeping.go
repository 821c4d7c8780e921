package chaos

import (
	"strconv"
	"strings"
	"time"

	"odradek/linearizability/history"
)

// policies lists what cleanup.policy says of a topic.
func (c *Cluster) policies(t Topic) []string {
	return strings.Split(c.setting(t, "cleanup.policy", "log.cleanup.policy", "delete"), ",")
}

func (c *Cluster) hasPolicy(t Topic, policy string) bool {
	for _, each := range c.policies(t) {
		if strings.TrimSpace(each) == policy {
			return true
		}
	}
	return false
}

func (c *Cluster) compacts(t Topic) bool { return c.hasPolicy(t, "compact") }

func (c *Cluster) deletes(t Topic) bool { return c.hasPolicy(t, "delete") }

// millisSetting is a key's value in milliseconds as nanoseconds.
func (c *Cluster) millisSetting(t Topic, topicKey, brokerKey string, otherwise time.Duration) int64 {
	ms, err := strconv.ParseInt(c.setting(t, topicKey, brokerKey, ""), 10, 64)
	if err != nil || ms > int64(runMax/time.Millisecond) {
		return int64(otherwise)
	}
	return ms * int64(time.Millisecond)
}

// Kafka's defaults, of retention.ms and delete.retention.ms.
const (
	retentionDefault  = 7 * 24 * time.Hour
	tombstonesDefault = 24 * time.Hour
)

// vanishing says what of a topic may go by itself when a broker's calendar may be fast by so many nanoseconds.
func (c *Cluster) vanishing(t Topic, fast int64) history.Vanishing {
	out := history.Vanishing{Topic: t.Name}
	if c.deletes(t) {
		after := c.millisSetting(t, "retention.ms", "log.retention.ms", retentionDefault)
		bytes, err := strconv.ParseInt(c.setting(t, "retention.bytes", "log.retention.bytes", "-1"), 10, 64)
		switch {
		case err == nil && bytes >= 0:
			out.Head = true
		case after >= 0 && after-fast < int64(runMax):
			out.Head, out.HeadAfter = true, max(0, after-fast)
		}
	}
	if c.compacts(t) {
		out.Compacted = true
		out.CompactedAfter = c.millisSetting(t, "min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", 0)
		out.TombstonesFor = c.millisSetting(t, "delete.retention.ms", "log.cleaner.delete.retention.ms", tombstonesDefault)
		out.CompactedAfter, out.TombstonesFor = max(0, out.CompactedAfter-fast), max(0, out.TombstonesFor-fast)
	}
	return out
}

// Trims says whether a topic's log may begin elsewhere than at offset 0.
func (p *Plan) Trims(topic string) bool {
	t := p.Cluster.topic(topic)
	if t == nil {
		return false
	}
	for _, d := range p.Deleters {
		for _, name := range d.Topics {
			if name == topic {
				return true
			}
		}
	}
	return p.Cluster.vanishing(*t, p.Schedule.fastest()).Head
}

// Compacts says whether records of a topic may vanish for later ones of their key. What the brokers keep for themselves is
// compacted too.
func (p *Plan) Compacts(topic string) bool {
	t := p.Cluster.topic(topic)
	return t == nil || p.Cluster.compacts(*t)
}

// fastest is by how much, at the most, the schedule lets a calendar be ahead, in nanoseconds.
func (s Schedule) fastest() (sum int64) {
	for _, f := range s {
		switch f.Kind {
		case ClockStep:
			sum += max(0, int64(f.Params.Step))
		case ClockDrift:
			sum += max(0, int64(f.For)/1_000_000*f.Params.PPM)
		}
	}
	return sum
}
