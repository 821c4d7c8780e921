package vectors

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	configNames     = append([]string{"none"}, slices.DeleteFunc(slices.Sorted(maps.Keys(drawnConfigs)), func(name string) bool { return name == "none" })...)
	assignmentNames = slices.Sorted(maps.Keys(drawnAssignments))
	groupKeyNames   = slices.Sorted(maps.Keys(drawnGroupConfigs))
)

var configMoves = []Kind{
	{"describe configs", kmsg.DescribeConfigs, dims("resource", resourceNames, "keys", []string{"all", "some", "unknown"}, "synonyms", yesNo, "documentation", yesNo), (*sequencer).describeConfigs},
	{"change config", kmsg.IncrementalAlterConfigs, dims("topic", topicNames, "operation", []string{"0", "1", "2", "3"}, "config", configNames, "null", yesNo, "validate", yesNo), (*sequencer).changeConfig},
	{"set configs", kmsg.AlterConfigs, dims("topic", topicNames, "config", configNames, "validate", yesNo), (*sequencer).setConfigs},
	{"change group's config", kmsg.IncrementalAlterConfigs, dims("group", []string{"g0", ""}, "operation", []string{"0", "1", "2"}, "config", groupKeyNames), (*sequencer).changeGroupConfig},
	{"change quota", kmsg.AlterClientQuotas, dims("entity", entityNames, "key", []string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate", "no_such_rate"}, "value", []string{"1000000000", "0", "-1", "0.5", "1e300", "remove"}, "validate", yesNo), (*sequencer).changeQuota},
	{"describe quotas", kmsg.DescribeClientQuotas, dims("type", []string{"user", "client-id", "ip", "group"}, "match", []string{"0", "3"}, "strict", yesNo), (*sequencer).describeQuotas},
	{"describe ACLs", kmsg.DescribeACLs, dims("type", []string{"2", "1", "99"}), (*sequencer).describeACLs},
}

var (
	resourceNames = []string{"t0", "t1", "t2", "bad name", "group g0", "group", "type 99"}
	entityNames   = []string{"user", "client", "user and client", "user of no name", "ip", "group", "nobody", "user twice"}
)

// drawnGroupConfigs are by name what a group is set to. What belongs to protocols that are not served (streams groups) is not drawn, nor is
// share.isolation.level=read_committed, which is refused: share groups read whatever is there.
var drawnGroupConfigs = map[string][2]string{
	"session": {"consumer.session.timeout.ms", "50000"}, "short session": {"consumer.session.timeout.ms", "10"}, "long session": {"consumer.session.timeout.ms", "3600000"},
	"heartbeat": {"consumer.heartbeat.interval.ms", "6000"}, "short heartbeat": {"consumer.heartbeat.interval.ms", "10"}, "heartbeat as long as the session": {"consumer.heartbeat.interval.ms", "15000"},
	"share session": {"share.session.timeout.ms", "50000"}, "short share session": {"share.session.timeout.ms", "10"}, "share heartbeat": {"share.heartbeat.interval.ms", "6000"},
	"lock": {"share.record.lock.duration.ms", "20000"}, "short lock": {"share.record.lock.duration.ms", "5"}, "long lock": {"share.record.lock.duration.ms", "99999999"},
	"begins early": {"share.auto.offset.reset", "earliest"}, "begins by duration": {"share.auto.offset.reset", "by_duration:PT1H"}, "begins badly": {"share.auto.offset.reset", "by_duration:x"}, "begins nowhere": {"share.auto.offset.reset", "none"},
	"uncommitted": {"share.isolation.level", "read_uncommitted"}, "isolation of no kind": {"share.isolation.level", "READ_COMMITTED"},
	"deliveries": {"share.delivery.count.limit", "3"}, "one delivery": {"share.delivery.count.limit", "1"}, "locks": {"share.partition.max.record.locks", "500"}, "few locks": {"share.partition.max.record.locks", "5"},
	"unknown": {"no.such.key", "1"}, "no number": {"consumer.session.timeout.ms", "x"},
	"assignment interval": {"consumer.assignment.interval.ms", "2000"}, "long assignment interval": {"consumer.assignment.interval.ms", "999999"}, "renewal": {"share.renew.acknowledge.enable", "false"},
}

func (s *sequencer) describeConfigs(version int16, with options) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms, req.IncludeDocumentation = with["synonyms"] == "yes", with["documentation"] == "yes"
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, s.topic(with["resource"])
	some := []string{"segment.bytes", "retention.ms"}
	switch with["resource"] {
	case "group g0":
		r.ResourceType, r.ResourceName, some = kmsg.ConfigResourceTypeGroupConfig, s.group("g0"), []string{"consumer.session.timeout.ms", "share.isolation.level"}
	case "group":
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, ""
	case "type 99":
		r.ResourceType = 99
	}
	switch with["keys"] {
	case "some":
		r.ConfigNames = some
	case "unknown":
		r.ConfigNames = []string{"no.such.key"}
	}
	req.Resources = append(req.Resources, r)
	s.ask(version, req)
}

func (s *sequencer) changeConfig(version int16, with options) {
	c := drawnConfigs[with["config"]]
	value := &c[1]
	if with["null"] == "yes" {
		value = nil
	}
	req := incrementally(kmsg.ConfigResourceTypeTopic, s.topic(with["topic"]), change{c[0], kmsg.IncrementalAlterConfigOp(with.number("operation")), value})
	req.ValidateOnly = with["validate"] == "yes"
	resp, _ := s.ask(version, req).(*kmsg.IncrementalAlterConfigsResponse)
	if resp != nil && resp.Resources[0].ErrorCode == 0 {
		s.barrier()
	}
}

func (s *sequencer) setConfigs(version int16, with options) {
	req := kmsg.NewPtrAlterConfigsRequest()
	req.ValidateOnly = with["validate"] == "yes"
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, s.topic(with["topic"])
	if c := drawnConfigs[with["config"]]; c[0] != "" {
		r.Configs = append(r.Configs, kmsg.AlterConfigsRequestResourceConfig{Name: c[0], Value: &c[1]})
	}
	req.Resources = append(req.Resources, r)
	resp, _ := s.ask(version, req).(*kmsg.AlterConfigsResponse)
	if resp != nil && resp.Resources[0].ErrorCode == 0 {
		s.barrier()
	}
}

func (s *sequencer) changeGroupConfig(version int16, with options) {
	c := drawnGroupConfigs[with["config"]]
	req := incrementally(kmsg.ConfigResourceTypeGroupConfig, s.group(with["group"]), change{c[0], kmsg.IncrementalAlterConfigOp(with.number("operation")), &c[1]})
	resp, _ := s.ask(version, req).(*kmsg.IncrementalAlterConfigsResponse)
	if resp != nil && resp.Resources[0].ErrorCode == 0 {
		s.barrier()
	}
}

func (s *sequencer) changeQuota(version int16, with options) {
	user, client, ip, name := text("user"), text("client-id"), text("ip"), text(s.topic("q"))
	req := kmsg.NewPtrAlterClientQuotasRequest()
	req.ValidateOnly = with["validate"] == "yes"
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entry.Entity = map[string]quotaEntity{
		"user": entity(user, name), "client": entity(client, name), "user and client": entity(user, name, client, name), "user of no name": entity(user, text("")),
		"ip": entity(ip, text("10.9.8.7")), "group": entity(text("group"), name), "nobody": nil, "user twice": entity(user, name, user, text("other")),
	}[with["entity"]]
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key = with["key"]
	if op.Remove = with["value"] == "remove"; !op.Remove {
		op.Value = with.decimal("value")
	}
	entry.Ops = append(entry.Ops, op)
	req.Entries = append(req.Entries, entry)
	resp, _ := s.ask(version, req).(*kmsg.AlterClientQuotasResponse)
	if resp != nil && resp.Entries[0].ErrorCode == 0 && !req.ValidateOnly {
		s.barrier()
	}
}

func (s *sequencer) describeQuotas(version int16, with options) {
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Strict = with["strict"] == "yes"
	c := kmsg.NewDescribeClientQuotasRequestComponent()
	c.EntityType, c.MatchType, c.Match = with["type"], kmsg.QuotasMatchType(with.number("match")), text(s.topic("q"))
	req.Components = append(req.Components, c)
	s.ask(version, req)
}

func (s *sequencer) describeACLs(version int16, with options) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceType(with.number("type")), kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	s.ask(version, req)
}
