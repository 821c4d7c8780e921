package config

import "sort"

// Type is the type of a key's value, numbered as in DescribeConfigs' ConfigType field (KIP-569).
type Type int8

// The types of values. A List is comma-separated; a Class is a string that names code; a Password is never shown.
const (
	Boolean  Type = 1
	String   Type = 2
	Int      Type = 3
	Short    Type = 4
	Long     Type = 5
	Double   Type = 6
	List     Type = 7
	Class    Type = 8
	Password Type = 9
)

// String is Kafka's name of the type, as its error messages use it.
func (t Type) String() string {
	names := [...]string{"UNKNOWN", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD"}
	if t < 0 || int(t) >= len(names) {
		return names[0]
	}
	return names[t]
}

// Importance says how likely an operator is to need a key.
type Importance int8

// The degrees of importance.
const (
	Low Importance = iota
	Medium
	High
)

// Scope says whose configuration a key belongs to: a broker's, a topic's or a group's.
type Scope int8

// The scopes. A Dynamic broker key may be set for one node, or for all of them (the resource with an empty name).
const (
	ScopeBroker Scope = iota
	ScopeTopic
	ScopeGroup
)

// Key describes one configuration key.
type Key struct {
	Name string
	Type Type
	// Default is the value when no layer sets one, in its text form; Null says that there is none.
	Default string
	Null    bool
	// Rule limits the values beyond their type; the zero Rule allows all.
	Rule       Rule
	Importance Importance
	Scope      Scope
	// Dynamic keys take effect while a node runs; the others only when it starts, and can't be set by request.
	Dynamic bool
	// Inert keys are known and checked, but nothing acts on them yet: setting one deserves a warning.
	Inert bool
	// Internal keys are for tests and universes: they work when set, and nobody is told of them.
	Internal bool
	// WhenSet keys have no default that anybody is told of: they are described only where they are set.
	WhenSet bool
	// Bounds, of a group's key, are the broker's keys that say the least and the most that it can be.
	Bounds [2]string
	// Fallbacks, of a topic's or a group's key, are the broker's keys that give its value when it isn't set, strongest first.
	Fallbacks []Fallback
	Doc       string
}

// Fallback is a broker's key that stands in for a topic's, its value multiplied by Factor (hours to milliseconds).
type Fallback struct {
	Name   string
	Factor int64
}

// Sensitive says whether the value must not be shown to anyone.
func (k *Key) Sensitive() bool { return k.Type == Password }

var (
	brokerIndex = index(ScopeBroker, brokerKeys, brokerLogKeys, brokerCleanerKeys, brokerGroupKeys, brokerTxnKeys, brokerShareKeys, brokerQuotaKeys)
	topicIndex  = index(ScopeTopic, topicKeys)
	groupIndex  = index(ScopeGroup, groupKeys)
)

func index(scope Scope, tables ...[]Key) map[string]*Key {
	byName := make(map[string]*Key)
	for _, table := range tables {
		for i := range table {
			k := &table[i]
			k.Scope = scope
			if byName[k.Name] != nil {
				panic("config: key defined twice: " + k.Name)
			}
			byName[k.Name] = k
		}
	}
	return byName
}

func indexOf(scope Scope) map[string]*Key {
	switch scope {
	case ScopeTopic:
		return topicIndex
	case ScopeGroup:
		return groupIndex
	}
	return brokerIndex
}

// Lookup finds a key by its name; nil when the scope has none of that name.
func Lookup(scope Scope, name string) *Key { return indexOf(scope)[name] }

// Keys returns all keys of a scope, by name.
func Keys(scope Scope) []*Key {
	keys := make([]*Key, 0, len(indexOf(scope)))
	for _, k := range indexOf(scope) {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Name < keys[j].Name })
	return keys
}

// Check says what is wrong with setting a key to a value by request: an unknown name, one that can't change while a node
// runs, or a value that isn't allowed. The error wraps ErrUnknownKey, ErrReadOnly or ErrInvalidValue, and its text is fit to
// be sent to a client.
func Check(scope Scope, name, value string) error {
	k := Lookup(scope, name)
	switch {
	case k == nil && scope == ScopeTopic:
		return &Error{Kind: ErrUnknownKey, Key: name, Text: "Unknown topic config name: " + name}
	case k == nil && scope == ScopeGroup:
		return &Error{Kind: ErrUnknownKey, Key: name, Text: "Unknown group config name: " + name}
	case k == nil && IsKnownInert(name):
		return &Error{Kind: ErrReadOnly, Key: name, Text: "Cannot update these configs dynamically: " + name + " (known, but without effect here)"}
	case k == nil:
		return &Error{Kind: ErrUnknownKey, Key: name, Text: "Unknown broker config name: " + name}
	case scope == ScopeBroker && !k.Dynamic:
		return &Error{Kind: ErrReadOnly, Key: name, Text: "Cannot update these configs dynamically: " + name}
	}
	_, err := k.parse(value)
	return err
}

// HasNoEffect says whether setting a known key changes nothing here yet; whoever accepts such a setting says so to the operator.
func HasNoEffect(scope Scope, name string) bool {
	if k := Lookup(scope, name); k != nil {
		return k.Inert
	}
	return scope == ScopeBroker && IsKnownInert(name)
}
