package config

import "time"

// brokerGroupKeys are the broker's keys that give consumer groups (KIP-848) their defaults and bounds.
var brokerGroupKeys = []Key{
	{Name: "group.consumer.assignment.interval.ms", Type: Int, Default: "1000", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Doc: "Default of a group's consumer.assignment.interval.ms."},
	{Name: "group.consumer.assignors", Type: List, Default: "uniform,range", Rule: oneOf("uniform", "range"), Importance: Medium,
		Doc: "Assignors that members of consumer groups may choose from; the first is taken when none does."},
	{Name: "group.consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Rule: atLeast(1), Importance: Medium,
		Doc: "Default of a group's consumer.heartbeat.interval.ms."},
	{Name: "group.consumer.max.assignment.interval.ms", Type: Int, Default: "15000", Rule: atLeast(0), Importance: Medium,
		Doc: "The most that a group's consumer.assignment.interval.ms can be."},
	{Name: "group.consumer.max.heartbeat.interval.ms", Type: Int, Default: "15000", Rule: atLeast(1), Importance: Medium,
		Doc: "The most that a group's consumer.heartbeat.interval.ms can be."},
	{Name: "group.consumer.max.session.timeout.ms", Type: Int, Default: "60000", Rule: atLeast(1), Importance: Medium,
		Doc: "The most that a group's consumer.session.timeout.ms can be."},
	{Name: "group.consumer.max.size", Type: Int, Default: "2147483647", Rule: atLeast(1), Importance: Medium,
		Doc: "Most members of a consumer group."},
	{Name: "group.consumer.migration.policy", Type: String, Default: "bidirectional", Rule: oneOf("disabled", "downgrade", "upgrade", "bidirectional"), Importance: Medium,
		Doc: "Whether a group whose members are there may change from the classic protocol to the consumer protocol (upgrade), and back (downgrade)."},
	{Name: "group.consumer.min.assignment.interval.ms", Type: Int, Default: "0", Rule: atLeast(0), Importance: Medium,
		Doc: "The least that a group's consumer.assignment.interval.ms can be."},
	{Name: "group.consumer.min.heartbeat.interval.ms", Type: Int, Default: "5000", Rule: atLeast(1), Importance: Medium,
		Doc: "The least that a group's consumer.heartbeat.interval.ms can be."},
	{Name: "group.consumer.min.session.timeout.ms", Type: Int, Default: "45000", Rule: atLeast(1), Importance: Medium,
		Doc: "The least that a group's consumer.session.timeout.ms can be."},
	{Name: "group.consumer.session.timeout.ms", Type: Int, Default: "45000", Rule: atLeast(1), Importance: Medium,
		Doc: "Default of a group's consumer.session.timeout.ms."},
}

// groupKeys are the keys of a group's own configuration (KIP-848, resource type GROUP). A new protocol of groups brings its own here.
var groupKeys = []Key{
	{Name: "consumer.assignment.interval.ms", Type: Int, Default: "1000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.consumer.assignment.interval.ms"), Bounds: [2]string{"group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"},
		Doc: "Least time between two computations of the group's assignment."},
	{Name: "consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.consumer.heartbeat.interval.ms"), Bounds: [2]string{"group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"},
		Doc: "Time between two heartbeats of a member."},
	{Name: "consumer.session.timeout.ms", Type: Int, Default: "45000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.consumer.session.timeout.ms"), Bounds: [2]string{"group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"},
		Doc: "How long a member may be silent before it is out of the group."},
	{Name: "share.assignment.interval.ms", Type: Int, Default: "1000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.assignment.interval.ms"), Bounds: [2]string{"group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"},
		Doc: "Least time between two computations of the share group's assignment."},
	{Name: "share.delivery.count.limit", Type: Int, Default: "5", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.delivery.count.limit"), Bounds: [2]string{"group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"},
		Doc: "How often a record is delivered at most."},
	{Name: "share.heartbeat.interval.ms", Type: Int, Default: "5000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.heartbeat.interval.ms"), Bounds: [2]string{"group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"},
		Doc: "Time between two heartbeats of a share group's member."},
	{Name: "share.partition.max.record.locks", Type: Int, Default: "2000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.partition.max.record.locks"), Bounds: [2]string{"group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"},
		Doc: "Most records of a share-partition in flight."},
	{Name: "share.record.lock.duration.ms", Type: Int, Default: "30000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.record.lock.duration.ms"), Bounds: [2]string{"group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"},
		Doc: "How long a record that was acquired is its consumer's alone."},
	{Name: "share.session.timeout.ms", Type: Int, Default: "45000", Importance: Medium, Dynamic: true,
		Fallbacks: from("group.share.session.timeout.ms"), Bounds: [2]string{"group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"},
		Doc: "How long a share group's member may be silent before it is out of the group."},
	{Name: "share.auto.offset.reset", Type: String, Default: "latest", Rule: anOrigin, Importance: Medium, Dynamic: true,
		Doc: "Where a share group begins in a partition that it has not read yet: latest, earliest, or by_duration:PnDTnHnMn.nS, that long ago."},
	{Name: "share.isolation.level", Type: String, Default: "read_uncommitted", Rule: oneOf("read_uncommitted"), Importance: Medium, Dynamic: true,
		Doc: "Whether a share group is given records of transactions that are open or aborted: it is, as read_committed is not there yet."},
}

// GroupValue is a number of a group's configuration, given what was set for the group.
func (l Layers) GroupValue(name string, group map[string]string) int64 {
	return l.topicValue(groupIndex[name], group).(int64)
}

// ConsumerGroup are the times of a consumer group, given what was set for it.
func (l Layers) ConsumerGroup(group map[string]string) (session, heartbeat, assignment time.Duration) {
	ms := func(name string) time.Duration { return time.Duration(l.GroupValue(name, group)) * time.Millisecond }
	return ms("consumer.session.timeout.ms"), ms("consumer.heartbeat.interval.ms"), ms("consumer.assignment.interval.ms")
}

// ShareGroup is a share group's configuration.
type ShareGroup struct {
	SessionTimeout, HeartbeatInterval, AssignmentInterval time.Duration
	LockDuration                                          time.Duration
	DeliveriesMax                                         int16
	InFlightMax                                           int
	Origin                                                Origin
}

// ShareGroup is the configuration of a share group, given what was set for it.
func (l Layers) ShareGroup(group map[string]string) ShareGroup {
	ms := func(name string) time.Duration { return time.Duration(l.GroupValue(name, group)) * time.Millisecond }
	return ShareGroup{
		SessionTimeout: ms("share.session.timeout.ms"), HeartbeatInterval: ms("share.heartbeat.interval.ms"),
		AssignmentInterval: ms("share.assignment.interval.ms"), LockDuration: ms("share.record.lock.duration.ms"),
		DeliveriesMax: int16(l.GroupValue("share.delivery.count.limit", group)),
		InFlightMax:   int(l.GroupValue("share.partition.max.record.locks", group)),
		Origin:        originOf(l.topicValue(groupIndex["share.auto.offset.reset"], group).(string)),
	}
}

// CheckGroup says what is wrong with a group's settings together: a number beyond the broker's bounds, or a heartbeat that
// is not shorter than the session. Each was checked by itself before.
func (l Layers) CheckGroup(group map[string]string) error {
	for _, k := range Keys(ScopeGroup) {
		if _, set := group[k.Name]; !set || k.Bounds[0] == "" {
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
	for _, protocol := range []string{"consumer", "share"} {
		heartbeat, session := protocol+".heartbeat.interval.ms", protocol+".session.timeout.ms"
		if l.GroupValue(heartbeat, group) >= l.GroupValue(session, group) {
			return &Error{Kind: ErrInvalidValue, Key: heartbeat, Text: heartbeat + " must be less than " + session}
		}
	}
	return nil
}

// DescribeGroup describes all keys of a group, by name, given what was set for it.
func (l Layers) DescribeGroup(group map[string]string) []Entry {
	return l.describe(ScopeGroup, SourceGroup, group)
}
