package group

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// world is what surrounds a machine: a log, a clock, and the ids that it is given. It carries effects out as a shard does.
type world struct {
	machine *Machine
	cfg     Config
	now     time.Time
	log     []coord.Record
	ids     int
	image   *metadata.Image
	times   ConsumerTimes
	// refusal is why appends are refused, nil when they are not.
	refusal *kerr.Error
	// heard is told what happens.
	heard func(line string)
	// answered is told each answer.
	answered func(who string, response any)
}

func newWorld() *world {
	w := &world{now: time.UnixMilli(0), image: metadata.NewImage(), heard: func(string) {}, answered: func(string, any) {}}
	w.cfg = Config{
		InitialRebalanceDelay: 0, SessionTimeoutMin: time.Second, SessionTimeoutMax: time.Minute, SizeMax: 100,
		OffsetsRetention: time.Hour, ExpiryInterval: 10 * time.Minute, MetadataBytesMax: 16,
		Consumer: ConsumerConfig{
			SizeMax: 10, Assignors: []string{AssignorUniform, AssignorRange}, Times: func(string) ConsumerTimes { return w.times },
			Migration: Migration{Upgrade: true, Downgrade: true},
		},
		Image: func() *metadata.Image { return w.image },
		Share: ShareConfig{SizeMax: 10, Times: func(string) ConsumerTimes { return w.times }},
		NewID: func() string { w.ids++; return fmt.Sprint(w.ids) },
	}
	w.times = ConsumerTimes{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second}
	w.machine = New(&w.cfg)
	return w
}

// caller is somebody by name.
type caller struct {
	world *world
	name  string
}

func (c caller) Answer(response any) {
	c.world.heard(c.name + " <- " + describeAnswer(response))
	c.world.answered(c.name, response)
}

func (c caller) Refuse(err *kerr.Error) {
	c.world.heard(c.name + " <- refused: " + err.Message)
	c.world.answered(c.name, err)
}

func (w *world) perform(e coord.Effects) {
	if len(e.Records) > 0 && w.refusal != nil {
		w.heard("append refused: " + w.refusal.Message)
		if e.Refused == nil {
			for _, r := range append(e.Prompt, e.Replies...) {
				r.To.Refuse(w.refusal)
			}
			return
		}
		refused := e.Refused(w.refusal, w.now)
		w.perform(refused)
		return
	}
	for _, r := range e.Records {
		w.log = append(w.log, r)
		w.heard("log: " + describeRecord(r))
		if !e.Applied {
			if err := w.machine.Replay(r); err != nil {
				panic(err)
			}
		}
	}
	for _, r := range append(append([]coord.Reply(nil), e.Prompt...), e.Replies...) {
		r.To.Answer(r.Response)
	}
}

// advance lets time pass, from one timer to the next.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := w.machine.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		if next.After(w.now) {
			w.now = next
		}
		for _, e := range w.machine.Tick(w.now) {
			w.perform(e)
		}
	}
	w.now = end
}

// reload puts a machine in the place of this one that knows what is in records.
func (w *world) reload(records []coord.Record) {
	for _, waiting := range w.machine.Abandon() {
		waiting.Refuse(kerr.NotCoordinator)
	}
	w.machine = loaded(&w.cfg, records)
	for _, e := range w.machine.Loaded(w.now) {
		w.perform(e)
	}
}

func loaded(cfg *Config, records []coord.Record) *Machine {
	m := New(cfg)
	for _, r := range records {
		if err := m.Replay(r); err != nil {
			panic(err)
		}
	}
	return m
}

// compacted is what compaction may leave: the last record of each key, without tombstones if they are old.
func compacted(records []coord.Record, tombstones bool) []coord.Record {
	last := map[string]int{}
	for i, r := range records {
		last[string(r.Key)] = i
	}
	var kept []coord.Record
	for i, r := range records {
		if last[string(r.Key)] == i && (tombstones || r.Value != nil) {
			kept = append(kept, r)
		}
	}
	return kept
}

// offsetsOf is everything that is committed, as text.
func offsetsOf(m *Machine) string {
	var lines []string
	for _, id := range m.ids() {
		m.groups[id].eachOffset(func(topic string, index int32, o offset) {
			lines = append(lines, fmt.Sprintf("%s/%s/%d=%d,%d,%q", id, topic, index, o.offset, o.leaderEpoch, o.metadata))
		})
	}
	return strings.Join(lines, " ")
}

func describeRecord(r coord.Record) string {
	var group kmsg.GroupMetadataKey
	if group.ReadFrom(r.Key) == nil && group.Version == keyGroupMetadata {
		if r.Value == nil {
			return "group " + group.Group + " deleted"
		}
		var v kmsg.GroupMetadataValue
		if err := v.ReadFrom(r.Value); err != nil {
			return err.Error()
		}
		var members []string
		for _, m := range v.Members {
			members = append(members, fmt.Sprintf("%s:%s", m.MemberID, shownAssignment(m.Assignment)))
		}
		return fmt.Sprintf("group %s generation=%d protocol=%s leader=%s [%s]", group.Group, v.Generation, or(v.Protocol), or(v.Leader), strings.Join(members, " "))
	}
	if text, ok := describeConsumerRecord(r); ok {
		return text
	}
	var key kmsg.OffsetCommitKey
	if err := key.ReadFrom(r.Key); err != nil {
		return err.Error()
	}
	name := fmt.Sprintf("offset %s/%s/%d", key.Group, key.Topic, key.Partition)
	if r.Value == nil {
		return name + " deleted"
	}
	var v kmsg.OffsetCommitValue
	if err := v.ReadFrom(r.Value); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s = %d %q", name, v.Offset, v.Metadata)
}

func or(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func code(c int16) string {
	if err := kerr.ErrorForCode(c); err != nil {
		return err.(*kerr.Error).Message
	}
	return "ok"
}

func describeAnswer(response any) string {
	switch r := response.(type) {
	case *kmsg.JoinGroupResponse:
		if r.ErrorCode != 0 {
			return fmt.Sprintf("join: %s id=%s", code(r.ErrorCode), r.MemberID)
		}
		text := fmt.Sprintf("join: id=%s generation=%d protocol=%s leader=%s", r.MemberID, r.Generation, or(r.Protocol), r.LeaderID)
		if r.SkipAssignment {
			text += " skip"
		}
		for _, m := range r.Members {
			text += fmt.Sprintf(" %s(%s)", m.MemberID, m.ProtocolMetadata)
		}
		return text
	case *kmsg.SyncGroupResponse:
		return fmt.Sprintf("sync: %s %s", code(r.ErrorCode), shownAssignment(r.MemberAssignment))
	case *kmsg.HeartbeatResponse:
		return "heartbeat: " + code(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		text := "leave: " + code(r.ErrorCode)
		for _, m := range r.Members {
			text += fmt.Sprintf(" %s=%s", m.MemberID+or(m.InstanceID), code(m.ErrorCode))
		}
		return text
	case *kmsg.OffsetCommitResponse:
		text := "commit:"
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				text += fmt.Sprintf(" %s/%d=%s", t.Topic, p.Partition, code(p.ErrorCode))
			}
		}
		return text
	case kmsg.OffsetFetchResponseGroup:
		text := "offsets:"
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				text += fmt.Sprintf(" %s/%d=%d", t.Topic, p.Partition, p.Offset)
			}
		}
		return text
	case *kmsg.ShareGroupHeartbeatResponse:
		return describeShareBeat(r)
	case kmsg.ShareGroupDescribeResponseGroup:
		return describeSharers(r)
	case ShareTopics:
		return describeShareTopics(r)
	case *kmsg.ConsumerGroupHeartbeatResponse:
		return describeBeat(r)
	case kmsg.ConsumerGroupDescribeResponseGroup:
		return describeConsumers(r)
	case kmsg.DescribeGroupsResponseGroup:
		var members []string
		for _, m := range r.Members {
			members = append(members, fmt.Sprintf("%s:%s", m.MemberID, shownAssignment(m.MemberAssignment)))
		}
		sort.Strings(members)
		return fmt.Sprintf("group: %s [%s]", r.State, strings.Join(members, " "))
	case kmsg.DeleteGroupsResponseGroup:
		return "delete: " + code(r.ErrorCode)
	case *kmsg.OffsetDeleteResponse:
		text := "delete offsets: " + code(r.ErrorCode)
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				text += fmt.Sprintf(" %s/%d=%s", t.Topic, p.Partition, code(p.ErrorCode))
			}
		}
		return text
	case []kmsg.ListGroupsResponseGroup:
		text := "groups:"
		for _, g := range r {
			text += fmt.Sprintf(" %s(%s,%s)", g.Group, g.GroupState, g.ProtocolType)
		}
		return text
	}
	return fmt.Sprintf("%T", response)
}
