package group

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// TestTranscripts replays conversations with a machine. Each line of a block is a request, "who verb key=value…"; the answers and the
// records come out in the order in which they happen. Run with -rewrite and read the difference.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		w := newWorld()
		var out strings.Builder
		w.heard = func(line string) { out.WriteString(line + "\n") }
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out.Reset()
			if d.Cmd != "do" {
				t.Fatalf("%s: a block begins with do", d.Pos)
			}
			for line := range strings.Lines(d.Input) {
				w.say(t, strings.Fields(line))
			}
			return out.String()
		})
	})
}

// words are a request's settings.
type words map[string]string

func (w words) number(key string, standard int) int {
	if n, err := strconv.Atoi(w[key]); err == nil {
		return n
	}
	return standard
}

func (w words) instance() *string {
	if value, ok := w["instance"]; ok {
		return &value
	}
	return nil
}

func (w words) group() string {
	if value, ok := w["group"]; ok {
		return value
	}
	return "g"
}

// say carries one line out.
func (w *world) say(t testing.TB, fields []string) {
	t.Helper()
	args := words{}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		args[key] = value
	}
	if w.control(t, fields[0], fields[1], args) {
		return
	}
	to, m := caller{w, fields[0]}, w.machine
	switch fields[1] {
	case "join":
		w.perform(m.Join(to, Client{fields[0], "/host"}, joinOf(args), w.now))
	case "sync":
		w.perform(m.Sync(to, syncOf(args), w.now))
	case "heartbeat":
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.Generation, req.InstanceID = args.group(), args["id"], int32(args.number("generation", 0)), args.instance()
		w.perform(m.Heartbeat(to, req, w.now))
	case "leave":
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = args.group()
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID, one.InstanceID = args["id"], args.instance()
		req.Members = append(req.Members, one)
		w.perform(m.Leave(to, req, w.now))
	case "commit":
		w.perform(m.Commit(to, commitOf(args), w.now))
	case "offsets":
		req := kmsg.NewOffsetFetchRequestGroup()
		req.Group = args.group()
		w.perform(m.Fetch(to, req))
	case "describe":
		w.perform(m.Describe(to, args.group(), 6))
	case "consumer":
		w.perform(m.ConsumerHeartbeat(to, Client{fields[0], "/host"}, w.consumerOf(args), w.now))
	case "describe-consumer":
		w.perform(m.DescribeConsumer(to, args.group()))
	case "share":
		w.perform(m.ShareHeartbeat(to, Client{fields[0], "/host"}, sharerOf(args), w.now))
	case "describe-share":
		w.perform(m.DescribeShare(to, args.group()))
	case "share-state":
		w.perform(m.ShareState(to, args.group()))
	case "forget-share":
		w.perform(m.ForgetShareTopics(to, args.group(), []metadata.UUID{topicNamed(args["topic"])}))
	case "begin-share":
		w.perform(m.BeginShareTopic(to, args.group(), topicNamed(args["topic"])))
	case "list":
		w.perform(m.List(to, nil, nil))
	case "delete":
		w.perform(m.Delete(to, args.group()))
	case "delete-offsets":
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = args.group()
		topic := kmsg.NewOffsetDeleteRequestTopic()
		topic.Topic = args["topic"]
		topic.Partitions = []kmsg.OffsetDeleteRequestTopicPartition{{Partition: int32(args.number("partition", 0))}}
		req.Topics = append(req.Topics, topic)
		w.perform(m.DeleteOffsets(to, req, w.now))
	default:
		t.Fatalf("nobody understands %q", fields)
	}
}

// control is for lines that speak to the world: "world VERB".
func (w *world) control(t testing.TB, who, verb string, args words) bool {
	if who != "world" {
		return false
	}
	switch verb {
	case "wait":
		w.advance(time.Duration(args.number("seconds", 0)) * time.Second)
	case "delay":
		w.cfg.InitialRebalanceDelay = time.Duration(args.number("seconds", 0)) * time.Second
	case "size":
		w.cfg.SizeMax = args.number("max", 0)
	case "migration":
		w.cfg.Consumer.Migration = Migration{args["upgrade"] == "yes", args["downgrade"] == "yes"}
	case "refuse":
		w.refusal = kerr.NotCoordinator
	case "accept":
		w.refusal = nil
	case "failover":
		w.reload(w.log)
	case "topics":
		w.topics(strings.Split(args["are"], ","))
	case "times":
		w.times = ConsumerTimes{
			time.Duration(args.number("session", 45)) * time.Second, 5 * time.Second, time.Duration(args.number("assignment", 0)) * time.Second,
		}
	case "topic-deleted":
		w.perform(w.machine.TopicsDeleted([]string{args["topic"]}))
	default:
		t.Fatalf("the world can't %s", verb)
	}
	return true
}

func joinOf(args words) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version = int16(args.number("v", 3))
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = args.group(), args["id"], args.instance(), "test"
	if kind, ok := args["type"]; ok {
		req.ProtocolType = kind
	}
	req.SessionTimeoutMillis = int32(args.number("session", 10) * 1000)
	req.RebalanceTimeoutMillis = int32(args.number("rebalance", 30) * 1000)
	protocols := args["protocols"]
	if protocols == "" {
		protocols = "range:s"
	}
	for each := range strings.SplitSeq(protocols, ",") {
		p := kmsg.NewJoinGroupRequestProtocol()
		name, metadata, _ := strings.Cut(each, ":")
		p.Name, p.Metadata = name, []byte(metadata)
		if topics, ok := args["topics"]; ok {
			req.ProtocolType, p.Metadata = consumerProtocol, subscriptionTo(strings.Split(topics, ","), ownedOf(args["owned"]))
		}
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

func syncOf(args words) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = args.group(), args["id"], int32(args.number("generation", 0)), args.instance()
	if id, given, ok := strings.Cut(args["give"], ":"); ok {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = id, assignmentOf(ownedOf(given))
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	if args["assign"] != "" {
		for each := range strings.SplitSeq(args["assign"], ",") {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			id, assignment, _ := strings.Cut(each, ":")
			a.MemberID, a.MemberAssignment = id, []byte(assignment)
			req.GroupAssignment = append(req.GroupAssignment, a)
		}
	}
	return req
}

func commitOf(args words) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version = int16(args.number("v", 8))
	req.Group, req.MemberID, req.Generation, req.InstanceID = args.group(), args["id"], int32(args.number("generation", -1)), args.instance()
	req.RetentionTimeMillis = int64(args.number("retention", -1))
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "t"
	if name, ok := args["topic"]; ok {
		topic.Topic = name
	}
	part := kmsg.NewOffsetCommitRequestTopicPartition()
	said := args["said"]
	part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = int32(args.number("partition", 0)), int64(args.number("offset", 0)), -1, &said
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	return req
}
