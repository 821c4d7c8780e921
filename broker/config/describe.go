package config

// Entry is one key as it stands, for whoever asks to have it described.
type Entry struct {
	Key *Key
	// Value is the value in force as text; Null says that there is none. A sensitive value is Null.
	Value    string
	Null     bool
	Source   Source
	ReadOnly bool
	// Synonyms are all settings that could give the value, strongest first; the first is in force.
	Synonyms []Synonym
}

// Synonym is one layer's setting of a key or of one that stands in for it.
type Synonym struct {
	Name   string
	Value  string
	Null   bool // the value is sensitive
	Source Source
}

// DescribeTopic describes all keys of a topic, by name, given what was set for it.
func (l Layers) DescribeTopic(topic map[string]string) []Entry {
	return l.describe(ScopeTopic, SourceTopic, topic)
}

// describe describes all keys of a topic or a group.
func (l Layers) describe(scope Scope, source Source, own map[string]string) []Entry {
	keys := Keys(scope)
	entries := make([]Entry, 0, len(keys))
	for _, k := range keys {
		if k.Internal {
			continue
		}
		entry := newEntry(k, l.topicValue(k, own))
		entry.ReadOnly = false
		if _, set := own[k.Name]; set {
			entry.Synonyms = append(entry.Synonyms, Synonym{Name: k.Name, Value: entry.Value, Null: entry.Null, Source: source})
		}
		// As Kafka does it: the synonyms are those of the first fallback alone, see Layers.synonyms.
		if len(k.Fallbacks) > 0 {
			entry.Synonyms = append(entry.Synonyms, l.synonyms(k.Fallbacks[0].Name)...)
		} else if scope == ScopeGroup {
			entry.Synonyms = append(entry.Synonyms, Synonym{Name: k.Name, Value: k.Default, Source: SourceDefault})
		}
		entries = append(entries, entry.sourced())
	}
	return entries
}

// DescribeBroker describes all keys of this broker, by name.
func (l Layers) DescribeBroker() []Entry {
	keys := Keys(ScopeBroker)
	entries := make([]Entry, 0, len(keys))
	for _, k := range keys {
		if k.Internal {
			continue
		}
		entry := newEntry(k, l.brokerValue(k))
		entry.Synonyms = l.synonyms(k.Name)
		if k.WhenSet && len(entry.Synonyms) == 0 {
			continue
		}
		entries = append(entries, entry.sourced())
	}
	return entries
}

// DescribeCluster describes the keys that were set for all brokers, by name.
func (l Layers) DescribeCluster() []Entry {
	var entries []Entry
	for _, k := range Keys(ScopeBroker) {
		text, set := l.Cluster[k.Name]
		if !set {
			continue
		}
		value, err := k.parse(text)
		if err != nil {
			continue
		}
		entry := newEntry(k, value)
		entry.Synonyms = []Synonym{{Name: k.Name, Value: entry.Value, Null: entry.Null, Source: SourceCluster}}
		entries = append(entries, entry.sourced())
	}
	return entries
}

func newEntry(k *Key, value any) Entry {
	entry := Entry{Key: k, Null: true, ReadOnly: !k.Dynamic}
	if value != nil && !k.Sensitive() {
		entry.Value, entry.Null = format(value), false
	}
	return entry
}

func (e Entry) sourced() Entry {
	e.Source = SourceDefault
	if len(e.Synonyms) > 0 {
		e.Source = e.Synonyms[0].Source
	}
	return e
}

// synonyms lists every layer's setting of a broker's key and of those of its family (log.roll.ms, log.roll.hours), layer by
// layer, from the first that bears the key's own name. So a value that comes from log.roll.hours alone has no synonym under
// log.roll.ms and passes for a default: Kafka answers so, and tools compare.
func (l Layers) synonyms(name string) []Synonym {
	var all []Synonym
	add := func(source Source, name, value string) {
		s := Synonym{Name: name, Value: value, Source: source}
		if brokerIndex[name].Sensitive() {
			s.Value, s.Null = "", true
		}
		all = append(all, s)
	}
	family := familyOf(name)
	for i, layer := range [...]map[string]string{l.Broker, l.Cluster, l.Static} {
		for _, member := range family {
			if value, set := layer[member]; set {
				add(SourceBroker+Source(i), member, value)
			}
		}
	}
	for _, member := range family {
		if k := brokerIndex[member]; !k.Null {
			add(SourceDefault, member, format(k.defaultValue()))
		}
	}
	for len(all) > 0 && all[0].Name != name {
		all = all[1:]
	}
	return all
}

// familyOf returns the broker's keys that say the same thing in different units, the strongest first.
func familyOf(name string) []string {
	for i := range topicKeys {
		fallbacks := topicKeys[i].Fallbacks
		for _, member := range fallbacks {
			if member.Name == name {
				names := make([]string, len(fallbacks))
				for j := range fallbacks {
					names[j] = fallbacks[j].Name
				}
				return names
			}
		}
	}
	return []string{name}
}
