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
			return &Error{ErrInvalidValue, each.local, fmt.Sprintf("Invalid value org.apache.kafka.common.config.ConfigException: "+
				"Invalid value %d for configuration %s: %s for configuration Invalid dynamic configuration", local, each.local, why)}
		}
	}
	return nil
}
