package config

// brokerGroupKeys are the broker's keys that give consumer groups (KIP-848) their defaults and bounds.
var brokerGroupKeys = []Key{
	{Name: "group.consumer.assignment.interval.ms", Type: Int, Default: "1000", Rule: atLeast(0), Importance: Medium, Dynamic: true, Inert: true,
		Doc: "Default of a group's consumer.assignment.interval.ms."},
	{Name: "group.consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "Default of a group's consumer.heartbeat.interval.ms."},
	{Name: "group.consumer.max.assignment.interval.ms", Type: Int, Default: "15000", Rule: atLeast(0), Importance: Medium, Inert: true,
		Doc: "The most that a group's consumer.assignment.interval.ms can be."},
	{Name: "group.consumer.max.heartbeat.interval.ms", Type: Int, Default: "15000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "The most that a group's consumer.heartbeat.interval.ms can be."},
	{Name: "group.consumer.max.session.timeout.ms", Type: Int, Default: "60000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "The most that a group's consumer.session.timeout.ms can be."},
	{Name: "group.consumer.min.assignment.interval.ms", Type: Int, Default: "0", Rule: atLeast(0), Importance: Medium, Inert: true,
		Doc: "The least that a group's consumer.assignment.interval.ms can be."},
	{Name: "group.consumer.min.heartbeat.interval.ms", Type: Int, Default: "5000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "The least that a group's consumer.heartbeat.interval.ms can be."},
	{Name: "group.consumer.min.session.timeout.ms", Type: Int, Default: "45000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "The least that a group's consumer.session.timeout.ms can be."},
	{Name: "group.consumer.session.timeout.ms", Type: Int, Default: "45000", Rule: atLeast(1), Importance: Medium, Inert: true,
		Doc: "Default of a group's consumer.session.timeout.ms."},
}

// groupKeys are the keys of a group's own configuration (KIP-848, resource type GROUP). A new protocol of groups brings its own here.
var groupKeys = []Key{
	{Name: "consumer.assignment.interval.ms", Type: Int, Default: "1000", Importance: Medium, Dynamic: true, Inert: true,
		Fallbacks: from("group.consumer.assignment.interval.ms"), Bounds: [2]string{"group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"},
		Doc: "Least time between two computations of the group's assignment."},
	{Name: "consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Importance: Medium, Dynamic: true, Inert: true,
		Fallbacks: from("group.consumer.heartbeat.interval.ms"), Bounds: [2]string{"group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"},
		Doc: "Time between two heartbeats of a member."},
	{Name: "consumer.session.timeout.ms", Type: Int, Default: "45000", Importance: Medium, Dynamic: true, Inert: true,
		Fallbacks: from("group.consumer.session.timeout.ms"), Bounds: [2]string{"group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"},
		Doc: "How long a member may be silent before it is out of the group."},
}

// GroupValue is a number of a group's configuration, given what was set for the group.
func (l Layers) GroupValue(name string, group map[string]string) int64 {
	return l.topicValue(groupIndex[name], group).(int64)
}

// CheckGroup says what is wrong with a group's settings together: a number beyond the broker's bounds, or a heartbeat that
// is not shorter than the session. Each was checked by itself before.
func (l Layers) CheckGroup(group map[string]string) error {
	for _, k := range Keys(ScopeGroup) {
		if _, set := group[k.Name]; !set {
			continue
		}
		value := l.GroupValue(k.Name, group)
		if low := l.brokerValue(brokerIndex[k.Bounds[0]]).(int64); value < low {
			return &Error{Kind: ErrInvalidValue, Key: k.Name, Text: k.Name + " must be greater than or equal to " + k.Bounds[0]}
		}
		if high := l.brokerValue(brokerIndex[k.Bounds[1]]).(int64); value > high {
			return &Error{Kind: ErrInvalidValue, Key: k.Name, Text: k.Name + " must be less than or equal to " + k.Bounds[1]}
		}
	}
	const heartbeat, session = "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"
	if l.GroupValue(heartbeat, group) >= l.GroupValue(session, group) {
		return &Error{Kind: ErrInvalidValue, Key: heartbeat, Text: heartbeat + " must be less than " + session}
	}
	return nil
}

// DescribeGroup describes all keys of a group, by name, given what was set for it.
func (l Layers) DescribeGroup(group map[string]string) []Entry {
	return l.describe(ScopeGroup, SourceGroup, group)
}
