package config

import "fmt"

// CheckTopic says what is wrong with a topic's settings together, in Kafka's words: lags of compaction that contradict each other, and
// remote storage, which no node has. What a topic keeps locally is not held against its retention without remote storage.
func (l Layers) CheckTopic(topic map[string]string) error {
	r := reader{func(name string) any { return l.topicValue(topicIndex[name], topic) }}
	if least, most := r.int64("min.compaction.lag.ms"), r.int64("max.compaction.lag.ms"); least > most {
		return &Error{ErrInvalidValue, "min.compaction.lag.ms",
			fmt.Sprintf("conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", least, most)}
	}
	if r.bool("remote.storage.enable") {
		return &Error{ErrInvalidValue, "remote.storage.enable",
			"Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."}
	}
	return nil
}

// CheckBroker says what is wrong with brokers' settings together, in Kafka's words: a default of what is kept locally, which acts on
// nothing without remote storage, above what is kept at all.
func (l Layers) CheckBroker() error {
	b := reader{func(name string) any { return l.brokerValue(brokerIndex[name]) }}
	switch most, perIP, overrides := l.ConnectionLimits(); {
	case most == 0:
		return invalidDynamic("max.connections", "Invalid max.connections 0")
	case perIP == 0 && len(overrides) == 0:
		return &Error{ErrInvalidValue, "max.connections.per.ip", "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set."}
	}
	topic := l.Topic(nil)
	for _, each := range []struct {
		kept  int64
		local string
		all   string
	}{{topic.RetentionMs, "log.local.retention.ms", "log.retention.ms"}, {topic.RetentionBytes, "log.local.retention.bytes", "log.retention.bytes"}} {
		local, why := b.int64(each.local), ""
		switch {
		case each.kept < 0:
		case local == -1:
			why = fmt.Sprintf("Value must not be -1 as %s value is set as %d.", each.all, each.kept)
		case local > each.kept:
			why = fmt.Sprintf("Value must not be more than %s property value: %d", each.all, each.kept)
		}
		if why != "" {
			return invalidDynamic(each.local, fmt.Sprintf("Invalid value %d for configuration %s: %s", local, each.local, why))
		}
	}
	return nil
}

// threadKeys are the sizes of pools that the reference changes while it runs, by steps.
var threadKeys = []string{"background.threads", "num.io.threads", "num.network.threads", "num.replica.fetchers"}

// CheckChange says what is wrong with going from some settings of brokers to others, in Kafka's words: a number of threads is at most
// doubled, and at most halved.
func (l Layers) CheckChange(before Layers) error {
	for _, name := range threadKeys {
		now, then, why := l.brokerValue(brokerIndex[name]).(int64), before.brokerValue(brokerIndex[name]).(int64), ""
		switch {
		case now < then/2:
			why = fmt.Sprintf("value should be at least half the current value %d", then)
		case now > then*2:
			why = fmt.Sprintf("value should not be greater than double the current value %d", then)
		}
		if why != "" {
			return invalidDynamic(name, fmt.Sprintf("Dynamic thread count update validation failed for %s=%d, %s", name, now, why))
		}
	}
	return nil
}

// invalidDynamic is a value that a node of the reference refuses when it looks at all its settings.
func invalidDynamic(key, why string) error {
	return &Error{ErrInvalidValue, key, "Invalid value org.apache.kafka.common.config.ConfigException: " + why + " for configuration Invalid dynamic configuration"}
}
