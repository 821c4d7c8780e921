package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func describeConfigs(p *player) {
	p.do("make", 7, creation(topic("configs-describe", 1, 1, "segment.bytes", "2097152", "retention.ms", "-1")))
	p.settle("configs-describe", 1)
	ask := func(kind kmsg.ConfigResourceType, resource string, names ...string) *kmsg.DescribeConfigsRequest {
		req := kmsg.NewPtrDescribeConfigsRequest()
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kind, resource, names
		req.Resources = append(req.Resources, r)
		return req
	}
	full := func(req *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsRequest {
		req.IncludeSynonyms, req.IncludeDocumentation = true, true
		return req
	}
	const topicType, brokerType = kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker
	for v := int16(1); v <= 4; v++ {
		p.do("a topic", v, ask(topicType, "configs-describe"))
		p.do("a topic in full", v, full(ask(topicType, "configs-describe")))
		p.do("some names", v, full(ask(topicType, "configs-describe", "segment.bytes", "no.such.key", "retention.ms")))
		p.do("an unknown topic", v, ask(topicType, "configs-unknown"))
		p.do("a bad name", v, ask(topicType, "bad name"))
		p.do("an unknown type", v, ask(99, "x"))
		p.do("a broker in full", v, full(ask(brokerType, "1")))
		p.do("all brokers", v, ask(brokerType, ""))
		p.do("an unknown broker", v, ask(brokerType, "77"))
		p.do("a broker that is no number", v, ask(brokerType, "one"))
	}
}

type change struct {
	name  string
	op    kmsg.IncrementalAlterConfigOp
	value *string
}

// setConfig is the operation that sets a config.
const setConfig kmsg.IncrementalAlterConfigOp = 0

func incrementally(kind kmsg.ConfigResourceType, resource string, changes ...change) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, resource
	for _, each := range changes {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = each.name, each.op, each.value
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	return req
}

func incrementalAlterConfigs(p *player) {
	const topicType, brokerType = kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker
	ask := incrementally
	const set, remove, add, subtract = setConfig, 1, 2, 3
	for v := int16(0); v <= 1; v++ {
		name := "configs-incremental-" + string('0'+rune(v))
		p.make(name, 1)
		p.do("set", v, ask(topicType, name, change{"segment.bytes", set, text("3145728")}))
		p.do("append", v, ask(topicType, name, change{"cleanup.policy", add, text("compact")}))
		p.do("subtract", v, ask(topicType, name, change{"cleanup.policy", subtract, text("delete")}))
		p.awaitConfig(name, "cleanup.policy", "compact")
		p.describe(topicType, name, "segment.bytes", "cleanup.policy")
		p.do("delete", v, ask(topicType, name, change{"segment.bytes", remove, nil}))
		p.awaitConfig(name, "segment.bytes", "1073741824")
		p.describe(topicType, name, "segment.bytes")
		p.do("bad value", v, ask(topicType, name, change{"segment.bytes", set, text("x")}))
		p.do("no value", v, ask(topicType, name, change{"segment.bytes", set, nil}))
		p.do("unknown key", v, ask(topicType, name, change{"no.such.key", set, text("1")}))
		p.do("append to what is no list", v, ask(topicType, name, change{"segment.bytes", add, text("1")}))
		p.do("a key twice", v, ask(topicType, name, change{"segment.bytes", set, text("3145728")}, change{"segment.bytes", remove, nil}))
		p.do("unknown topic", v, ask(topicType, "configs-unknown", change{"segment.bytes", set, text("3145728")}))
		p.do("unknown type", v, ask(99, "x", change{"segment.bytes", set, text("3145728")}))
		check := ask(topicType, name, change{"segment.bytes", set, text("4194304")})
		check.ValidateOnly = true
		p.do("validate only", v, check)
		p.describe(topicType, name, "segment.bytes")
		p.do("all brokers", v, ask(brokerType, "", change{"log.segment.bytes", set, text("5242880")}))
		p.awaitConfig(name, "segment.bytes", "5242880")
		p.describe(topicType, name, "segment.bytes")
		p.do("all brokers, delete", v, ask(brokerType, "", change{"log.segment.bytes", remove, nil}))
		p.awaitConfig(name, "segment.bytes", "1073741824")
		p.do("read-only", v, ask(brokerType, "1", change{"node.id", set, text("5")}))
		p.do("unknown broker", v, ask(brokerType, "77", change{"log.segment.bytes", set, text("5242880")}))
	}
}

func alterConfigs(p *player) {
	ask := func(resource string, pairs ...string) *kmsg.AlterConfigsRequest {
		req := kmsg.NewPtrAlterConfigsRequest()
		r := kmsg.NewAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, resource
		for i := 0; i+1 < len(pairs); i += 2 {
			c := kmsg.NewAlterConfigsRequestResourceConfig()
			c.Name, c.Value = pairs[i], text(pairs[i+1])
			r.Configs = append(r.Configs, c)
		}
		req.Resources = append(req.Resources, r)
		return req
	}
	for v := int16(0); v <= 2; v++ {
		name := "configs-alter-" + string('0'+rune(v))
		p.make(name, 1)
		p.do("replace", v, ask(name, "segment.bytes", "3145728"))
		p.awaitConfig(name, "segment.bytes", "3145728")
		p.describe(kmsg.ConfigResourceTypeTopic, name, "segment.bytes", "retention.ms")
		p.do("bad value", v, ask(name, "segment.bytes", "x"))
		p.do("unknown key", v, ask(name, "no.such.key", "x"))
		p.do("unknown topic", v, ask("configs-unknown", "segment.bytes", "3145728"))
		p.do("nothing left", v, ask(name))
		p.awaitConfig(name, "segment.bytes", "1073741824")
		p.describe(kmsg.ConfigResourceTypeTopic, name, "segment.bytes")
	}
}

func (p *player) describe(kind kmsg.ConfigResourceType, resource string, names ...string) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kind, resource, names
	req.IncludeSynonyms = true
	req.Resources = append(req.Resources, r)
	p.do("describe", 4, req)
}

// awaitConfig waits, outside of the script, until a topic's key has a value: the reference applies changes after it answered.
func (p *player) awaitConfig(topic, name, value string) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Version = 4
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{name}
	req.Resources = append(req.Resources, r)
	p.await(name+" of "+topic, func() (bool, error) {
		resp, err := p.client.ask(req, req.Version)
		if err != nil {
			return false, err
		}
		configs := resp.(*kmsg.DescribeConfigsResponse).Resources[0].Configs
		return len(configs) == 1 && configs[0].Value != nil && *configs[0].Value == value, nil
	})
}

// replicationThrottles sets the limits to the copying of replicas, which are described only while they are set.
func replicationThrottles(p *player) {
	const topicType, brokerType = kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker
	p.make("throttled", 1)
	describe := func(name string, kind kmsg.ConfigResourceType, resource string, keys ...string) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kind, resource, keys
		req.IncludeSynonyms = true
		req.Resources = append(req.Resources, r)
		p.do(name, 4, req)
	}
	rates := []string{"leader.replication.throttled.rate", "follower.replication.throttled.rate", "replica.alter.log.dirs.io.max.bytes.per.second"}
	for _, resource := range []string{"1", ""} {
		describe("unset", brokerType, resource, rates...)
		for _, rate := range rates {
			for _, value := range []string{"1000", "0", "-1", "9223372036854775807", "9223372036854775808", "much", ""} {
				p.do("set to "+value, 1, incrementally(brokerType, resource, change{rate, setConfig, text(value)}))
			}
			p.do("set", 1, incrementally(brokerType, resource, change{rate, setConfig, text("5000")}))
		}
		describe("set", brokerType, resource, rates...)
	}
	for _, resource := range []string{"1", ""} {
		for _, rate := range rates {
			p.do("unset", 1, incrementally(brokerType, resource, change{rate, 1, nil}))
		}
	}
	describe("unset again", brokerType, "1", rates...)
	replicas := []string{"leader.replication.throttled.replicas", "follower.replication.throttled.replicas"}
	for _, list := range replicas {
		for _, value := range []string{"*", "", "0:1", "0:1,1:2", " 0:1 , 1:2 ", "0", "0:", "x:1", "0:1:2", "*,0:1", "0:-1", "none"} {
			p.do("replicas "+value, 1, incrementally(topicType, "throttled", change{list, setConfig, text(value)}))
		}
		describe("replicas", topicType, "throttled", list)
	}
}
