package config

// Source says which layer a value comes from, numbered as in DescribeConfigs' ConfigSource field (KIP-226).
type Source int8

// The layers, strongest first.
const (
	SourceTopic   Source = 1 // DYNAMIC_TOPIC_CONFIG
	SourceBroker  Source = 2 // DYNAMIC_BROKER_CONFIG
	SourceCluster Source = 3 // DYNAMIC_DEFAULT_BROKER_CONFIG
	SourceStatic  Source = 4 // STATIC_BROKER_CONFIG
	SourceDefault Source = 5 // DEFAULT_CONFIG
	SourceGroup   Source = 8 // GROUP_CONFIG
)

// Layers are the settings that a value is resolved through. Each map holds keys' values as text; nil is empty. Values that
// don't pass their key's check are treated as not set: they were checked when they were taken, so one can only come from
// another version of this program, and a node must not fail to start over it.
type Layers struct {
	Broker  map[string]string // set for one broker
	Cluster map[string]string // set for all brokers
	Static  map[string]string // in the broker's properties
}

// broker returns what the layers above the built-in default say of a broker's key: nil when they say nothing.
func (l Layers) broker(k *Key) any {
	for _, layer := range [...]map[string]string{l.Broker, l.Cluster, l.Static} {
		if text, set := layer[k.Name]; set {
			if value, err := k.parse(text); err == nil {
				return value
			}
		}
	}
	return nil
}

// brokerValue is a broker's key resolved down to its default; nil when that is null.
func (l Layers) brokerValue(k *Key) any {
	if value := l.broker(k); value != nil {
		return value
	}
	return k.defaultValue()
}

func (k *Key) defaultValue() any {
	if k.Null {
		return nil
	}
	value, why := parseAs(k.Type, k.Default)
	if why != "" {
		panic("config: bad default of " + k.Name + ": " + why)
	}
	return value
}

// topicValue is a topic's or a group's key resolved through its own settings, its fallbacks on the broker, and its default.
func (l Layers) topicValue(k *Key, topic map[string]string) any {
	if text, set := topic[k.Name]; set {
		if value, err := k.parse(text); err == nil {
			return value
		}
	}
	for _, fallback := range k.Fallbacks {
		value := l.brokerValue(brokerIndex[fallback.Name])
		if number, isNumber := value.(int64); isNumber && number > 0 {
			value = number * fallback.Factor // what is negative means "no limit" in any unit
		}
		if value != nil {
			return value
		}
	}
	return k.defaultValue()
}
