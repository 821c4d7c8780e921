package decide

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

func assign(req *kmsg.CreateTopicsRequest, partition int32, replicas ...int32) {
	a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	a.Partition, a.Replicas = partition, replicas
	req.Topics[0].ReplicaAssignment = append(req.Topics[0].ReplicaAssignment, a)
}

func configured(req *kmsg.CreateTopicsRequest, key string, value *string) {
	c := kmsg.NewCreateTopicsRequestTopicConfig()
	c.Name, c.Value = key, value
	req.Topics[0].Configs = append(req.Topics[0].Configs, c)
}

func TestCreateTopicsRefuses(t *testing.T) {
	w := newWorld()
	w.up(t, 1, 2, 3)
	w.createOn(t, "dotted.name", 1)
	w.decide(t, func(p *Plan) { p.Fence(3) })
	value := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		req    *kmsg.CreateTopicsRequest
		change func(*kmsg.CreateTopicsRequest)
		want   *kerr.Error
	}{
		"exists":               {createRequest("dotted.name", 1, 1), nil, kerr.TopicAlreadyExists},
		"collides":             {createRequest("dotted_name", 1, 1), nil, kerr.InvalidTopicException},
		"empty name":           {createRequest("", 1, 1), nil, kerr.InvalidTopicException},
		"dots":                 {createRequest("..", 1, 1), nil, kerr.InvalidTopicException},
		"slash":                {createRequest("a/b", 1, 1), nil, kerr.InvalidTopicException},
		"long name":            {createRequest(strings.Repeat("a", 250), 1, 1), nil, kerr.InvalidTopicException},
		"no partitions":        {createRequest("t", 0, 1), nil, kerr.InvalidPartitions},
		"negative partitions":  {createRequest("t", -2, 1), nil, kerr.InvalidPartitions},
		"too many partitions":  {createRequest("t", 10_001, 1), nil, kerr.PolicyViolation},
		"no replicas":          {createRequest("t", 1, 0), nil, kerr.InvalidReplicationFactor},
		"too many replicas":    {createRequest("t", 1, 4), nil, kerr.InvalidReplicationFactor},
		"unknown config":       {createRequest("t", 1, 1), func(r *kmsg.CreateTopicsRequest) { configured(r, "no.such", value("1")) }, kerr.InvalidConfig},
		"bad config":           {createRequest("t", 1, 1), func(r *kmsg.CreateTopicsRequest) { configured(r, "segment.bytes", value("x")) }, kerr.InvalidConfig},
		"null config":          {createRequest("t", 1, 1), func(r *kmsg.CreateTopicsRequest) { configured(r, "segment.bytes", nil) }, kerr.InvalidConfig},
		"factor and manual":    {createRequest("t", -1, 1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1) }, kerr.InvalidRequest},
		"count and manual":     {createRequest("t", 1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1) }, kerr.InvalidRequest},
		"manual gap":           {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 1, 1) }, kerr.InvalidReplicaAssignment},
		"manual twice":         {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1); assign(r, 0, 2) }, kerr.InvalidReplicaAssignment},
		"manual empty":         {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0) }, kerr.InvalidReplicaAssignment},
		"manual repeated node": {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1, 1) }, kerr.InvalidReplicaAssignment},
		"manual unknown node":  {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1, 9) }, kerr.InvalidReplicaAssignment},
		"manual uneven":        {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 1); assign(r, 1, 1, 2) }, kerr.InvalidReplicaAssignment},
		"manual all fenced":    {createRequest("t", -1, -1), func(r *kmsg.CreateTopicsRequest) { assign(r, 0, 3) }, kerr.InvalidReplicaAssignment},
		"twice in a request":   {createRequest("t", 1, 1), func(r *kmsg.CreateTopicsRequest) { r.Topics = append(r.Topics, r.Topics[0]) }, kerr.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change != nil {
				c.change(c.req)
			}
			p := NewPlan(w.image, w.settings, w.random)
			resp := p.CreateTopics(c.req)
			if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != c.want.Code || resp.Topics[0].ErrorMessage == nil || resp.Topics[0].NumPartitions != -1 {
				t.Errorf("%+v, want %s", resp.Topics, c.want.Message)
			}
			if len(p.Batch().Records) != 0 {
				t.Errorf("a refused topic left %d records", len(p.Batch().Records))
			}
		})
	}
}

func TestCreateTopics(t *testing.T) {
	w := newWorld()
	w.settings.NumPartitions, w.settings.ReplicationFactor = 4, 2
	w.up(t, 1, 2, 3)
	req := createRequest("t", -1, -1)
	value := "1"
	configured(req, "min.insync.replicas", &value)
	req.ValidateOnly = true
	p := NewPlan(w.image, w.settings, w.random)
	if r := p.CreateTopics(req).Topics[0]; r.ErrorCode != 0 || r.NumPartitions != 4 || r.ReplicationFactor != 2 || len(p.Batch().Records) != 0 {
		t.Errorf("validated: %+v, %d records", r, len(p.Batch().Records))
	}
	req.ValidateOnly = false
	var id metadata.UUID
	w.decide(t, func(p *Plan) { id = p.CreateTopics(req).Topics[0].TopicID })
	topic := w.image.TopicsByID[id]
	if topic == nil || len(topic.Partitions) != 4 || w.image.Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: "t"}]["min.insync.replicas"] != "1" {
		t.Fatalf("%+v", topic)
	}
	for i, p := range topic.Partitions {
		if len(p.ISR) != 2 || p.Leader != p.Replicas[0] {
			t.Errorf("%d: %s", i, describe(p))
		}
	}

	// A name that was deleted comes back with another id and without its configs.
	w.decide(t, func(p *Plan) {
		del := kmsg.NewPtrDeleteTopicsRequest()
		byID := kmsg.NewDeleteTopicsRequestTopic()
		byID.TopicID = id
		del.Topics = append(del.Topics, byID)
		if r := p.DeleteTopics(del).Topics[0]; r.ErrorCode != 0 || *r.Topic != "t" {
			t.Errorf("%+v", r)
		}
		if again := p.CreateTopics(createRequest("t", 1, 1)).Topics[0]; again.ErrorCode != 0 || again.TopicID == id {
			t.Errorf("%+v", again)
		}
	})
	if len(w.image.Configs) != 0 {
		t.Error(w.image.Configs)
	}
}

func TestReplicasOnFencedNodesAreLeftToLast(t *testing.T) {
	w := newWorld()
	w.up(t, 1, 2, 3)
	w.decide(t, func(p *Plan) { p.Fence(2) })
	w.decide(t, func(p *Plan) { p.CreateTopics(createRequest("t", 1, 3)) })
	p := w.image.Topics["t"].Partitions[0]
	if p.Replicas[2] != 2 || len(p.ISR) != 2 {
		t.Errorf("%v %s", p.Replicas, describe(p))
	}
}

func TestCreatePartitions(t *testing.T) {
	w := newWorld()
	w.up(t, 1, 2)
	w.createOn(t, "t", 1, 2)
	for name, c := range map[string]struct {
		topic  string
		count  int32
		manual [][]int32
		want   *kerr.Error
	}{
		"unknown":         {"u", 2, nil, kerr.UnknownTopicOrPartition},
		"same":            {"t", 1, nil, kerr.InvalidPartitions},
		"fewer":           {"t", 0, nil, kerr.InvalidPartitions},
		"too many":        {"t", 20_000, nil, kerr.PolicyViolation},
		"uneven":          {"t", 2, [][]int32{{1}}, kerr.InvalidReplicaAssignment},
		"wrong number":    {"t", 2, [][]int32{{1, 2}, {2, 1}}, kerr.InvalidReplicaAssignment},
		"manual":          {"t", 2, [][]int32{{2, 1}}, nil},
		"chosen for them": {"t", 5, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			req := kmsg.NewPtrCreatePartitionsRequest()
			rt := kmsg.NewCreatePartitionsRequestTopic()
			rt.Topic, rt.Count = c.topic, c.count
			for _, replicas := range c.manual {
				a := kmsg.NewCreatePartitionsRequestTopicAssignment()
				a.Replicas = replicas
				rt.Assignment = append(rt.Assignment, a)
			}
			req.Topics = append(req.Topics, rt)
			p := NewPlan(w.image, w.settings, w.random)
			got := p.CreatePartitions(req).Topics[0]
			if c.want != nil {
				if got.ErrorCode != c.want.Code {
					t.Errorf("%+v, want %s", got, c.want.Message)
				}
				return
			}
			if made := p.Image().Topics["t"].Partitions; got.ErrorCode != 0 || len(made) != int(c.count) || len(made[1].Replicas) != 2 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestConfigs(t *testing.T) {
	w := newWorld()
	w.up(t, 1)
	w.createOn(t, "t", 1)
	topic := metadata.ConfigResource{Type: metadata.ResourceTopic, Name: "t"}
	alter := func(resource metadata.ConfigResource, key string, op kmsg.IncrementalAlterConfigOp, value string) (code int16) {
		req := setConfig(resource, key, value)
		req.Resources[0].Configs[0].Op = op
		w.decide(t, func(p *Plan) { code = p.IncrementalAlterConfigs(req).Resources[0].ErrorCode })
		return code
	}
	const set, del, add, sub = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete, kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract
	for _, step := range []struct {
		resource   metadata.ConfigResource
		key        string
		op         kmsg.IncrementalAlterConfigOp
		value      string
		want       *kerr.Error
		thenHas    string
		thenHasNot bool
	}{
		{topic, "segment.bytes", set, "2000000", nil, "2000000", false},
		{topic, "segment.bytes", add, "1", kerr.InvalidConfig, "2000000", false},
		{topic, "segment.bytes", del, "", nil, "", true},
		{topic, "cleanup.policy", add, "compact", nil, "delete,compact", false},
		{topic, "cleanup.policy", sub, "delete", nil, "compact", false},
		{topic, "cleanup.policy", set, "nonsense", kerr.InvalidConfig, "compact", false},
		{topic, "no.such.key", set, "1", kerr.InvalidConfig, "", true},
		{topic, "cleanup.policy", 9, "x", kerr.InvalidRequest, "compact", false},
		{metadata.ConfigResource{Type: metadata.ResourceTopic, Name: "u"}, "segment.bytes", set, "2000000", kerr.UnknownTopicOrPartition, "", true},
		{metadata.ConfigResource{Type: metadata.ResourceBroker, Name: "9"}, "min.insync.replicas", set, "1", kerr.BrokerIDNotRegistered, "", true},
		{metadata.ConfigResource{Type: metadata.ResourceBroker, Name: "x"}, "min.insync.replicas", set, "1", kerr.InvalidRequest, "", true},
		{metadata.ConfigResource{Type: metadata.ResourceBroker, Name: "1"}, "node.id", set, "2", kerr.InvalidConfig, "", true},
		{metadata.ConfigResource{Type: metadata.ResourceBroker}, "min.insync.replicas", set, "2", nil, "2", false},
		{metadata.ConfigResource{Type: 77}, "x", set, "2", kerr.InvalidRequest, "", true},
	} {
		got := alter(step.resource, step.key, step.op, step.value)
		var want int16
		if step.want != nil {
			want = step.want.Code
		}
		has, ok := w.image.Configs[step.resource][step.key]
		if got != want || has != step.thenHas || ok == step.thenHasNot {
			t.Errorf("%+v: code %d, then %q %v", step, got, has, ok)
		}
	}

	// AlterConfigs replaces all.
	req := kmsg.NewPtrAlterConfigsRequest()
	rr := kmsg.NewAlterConfigsRequestResource()
	rr.ResourceType, rr.ResourceName = kmsg.ConfigResourceTypeTopic, "t"
	value := "5"
	rr.Configs = append(rr.Configs, kmsg.AlterConfigsRequestResourceConfig{Name: "flush.ms", Value: &value})
	req.Resources = append(req.Resources, rr)
	w.decide(t, func(p *Plan) { p.AlterConfigs(req) })
	if got := w.image.Configs[topic]; len(got) != 1 || got["flush.ms"] != "5" {
		t.Errorf("%v", got)
	}
}

func TestProducerIDsAreGivenOnce(t *testing.T) {
	w := newWorld()
	w.up(t, 1)
	req := kmsg.NewPtrAllocateProducerIDsRequest()
	req.BrokerID, req.BrokerEpoch = 1, w.image.Brokers[1].Epoch
	for want := int64(0); want < 3000; want += ProducerIDBlock {
		w.decide(t, func(p *Plan) {
			if r := p.AllocateProducerIDs(req); r.ErrorCode != 0 || r.ProducerIDStart != want || r.ProducerIDLen != ProducerIDBlock {
				t.Errorf("%+v, want %d", r, want)
			}
		})
	}
	req.BrokerEpoch--
	w.decide(t, func(p *Plan) {
		if r := p.AllocateProducerIDs(req); r.ErrorCode != kerr.StaleBrokerEpoch.Code {
			t.Errorf("%+v", r)
		}
	})
}

func TestRegistration(t *testing.T) {
	w := newWorld()
	w.decide(t, func(p *Plan) { p.NameCluster("cluster") })
	w.up(t, 1)
	var epoch int64
	again := w.registration(1, clean)
	w.decide(t, func(p *Plan) { epoch = p.RegisterBroker(again).BrokerEpoch })
	if d := w.decide(t, func(p *Plan) {
		if r := p.RegisterBroker(again); r.ErrorCode != 0 || r.BrokerEpoch != epoch {
			t.Errorf("the same process again: %+v, had %d", r, epoch)
		}
	}); len(d.Brokers) != 0 {
		t.Error("registered twice")
	}
	for name, c := range map[string]struct {
		change func(*kmsg.BrokerRegistrationRequest)
		want   *kerr.Error
	}{
		"another cluster":    {func(r *kmsg.BrokerRegistrationRequest) { r.ClusterID = "other" }, kerr.InconsistentClusterID},
		"another node's":     {func(r *kmsg.BrokerRegistrationRequest) { r.BrokerID = 2 }, kerr.InvalidRegistration},
		"no directory":       {func(r *kmsg.BrokerRegistrationRequest) { r.LogDirs = nil }, kerr.InvalidRegistration},
		"no controller":      {func(r *kmsg.BrokerRegistrationRequest) { r.Listeners = r.Listeners[:1] }, kerr.InvalidRegistration},
		"negative node":      {func(r *kmsg.BrokerRegistrationRequest) { r.BrokerID = -1 }, kerr.InvalidRegistration},
		"no incarnation":     {func(r *kmsg.BrokerRegistrationRequest) { r.IncarnationID = [16]byte{} }, kerr.InvalidRegistration},
		"the right cluster":  {func(r *kmsg.BrokerRegistrationRequest) { r.ClusterID = "cluster" }, nil},
		"from a lost answer": {func(r *kmsg.BrokerRegistrationRequest) { r.PreviousBrokerEpoch = -1 }, nil},
	} {
		req := w.registration(1, clean)
		c.change(req)
		p := NewPlan(w.image, w.settings, w.random)
		var want int16
		if c.want != nil {
			want = c.want.Code
		}
		if got := p.RegisterBroker(req); got.ErrorCode != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPreviousIncarnationsProveIntactness: a process that was registered and died before it noted its epoch.
func TestPreviousIncarnationsProveIntactness(t *testing.T) {
	w := newWorld()
	w.up(t, 1, 2)
	w.createOn(t, "t", 1)
	old := w.image.Brokers[1].IncarnationID
	for _, known := range []bool{true, false} {
		req := w.registration(1, unclean)
		tag := append(make([]byte, 16), old[:]...)
		if !known {
			tag = tag[:16]
		}
		req.UnknownTags.Set(PreviousIncarnationsTag, tag)
		p := NewPlan(w.image, w.settings, w.random)
		p.RegisterBroker(req)
		if partition := p.Image().Topics["t"].Partitions[0]; (len(partition.ELR) == 1) != known {
			t.Errorf("known %v: %s", known, describe(partition))
		}
	}
}
