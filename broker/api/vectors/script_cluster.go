package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func updateFeatures(p *player) {
	type update struct {
		name  string
		level int16
		how   int8
	}
	const upgrade, safeDowngrade, unsafeDowngrade = 1, 2, 3
	ask := func(updates ...update) *kmsg.UpdateFeaturesRequest {
		req := kmsg.NewPtrUpdateFeaturesRequest()
		req.TimeoutMillis = requestTimeoutMs
		for _, u := range updates {
			f := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
			f.Feature, f.MaxVersionLevel, f.UpgradeType, f.AllowDowngrade = u.name, u.level, u.how, u.how != upgrade
			req.FeatureUpdates = append(req.FeatureUpdates, f)
		}
		return req
	}
	checked := func(req *kmsg.UpdateFeaturesRequest) *kmsg.UpdateFeaturesRequest {
		req.ValidateOnly = true
		return req
	}
	const elr = "eligible.leader.replicas.version"
	for v := int16(0); v <= 2; v++ {
		p.do("to what it is", v, ask(update{elr, 1, upgrade}))
		p.do("too high", v, ask(update{elr, 9, upgrade}))
		p.do("unknown", v, ask(update{"no.such.version", 1, upgrade}))
		p.do("unknown, off", v, ask(update{"no.such.version", 0, safeDowngrade}))
		p.do("negative", v, ask(update{elr, -1, upgrade}))
		p.do("downgrade without saying so", v, ask(update{elr, 0, upgrade}))
		p.do("one good, one bad", v, ask(update{elr, 1, upgrade}, update{"no.such.version", 1, upgrade}))
		p.do("twice", v, ask(update{elr, 1, upgrade}, update{elr, 1, upgrade}))
		p.do("no name", v, ask(update{"", 1, upgrade}))
		p.do("none", v, ask())
		if v > 0 {
			p.do("unknown way", v, ask(update{elr, 0, 9}))
			p.do("validate only", v, checked(ask(update{elr, 0, safeDowngrade})))
			p.do("validate only, too high", v, checked(ask(update{elr, 9, upgrade})))
			p.do("downgrade that is none", v, ask(update{elr, 1, safeDowngrade}))
			p.do("unsafe downgrade to what it is", v, ask(update{elr, 1, unsafeDowngrade}))
		}
	}
	p.do("downgrade", 1, ask(update{elr, 0, safeDowngrade}))
	p.do("upgrade again", 1, ask(update{elr, 1, upgrade}))
}

func unregisterBroker(p *player) {
	ask := func(id int32) *kmsg.UnregisterBrokerRequest {
		req := kmsg.NewPtrUnregisterBrokerRequest()
		req.BrokerID = id
		return req
	}
	p.do("unknown", 0, ask(77))
	p.do("negative", 0, ask(-1))
}

func listConfigResources(p *player) {
	ask := func(kinds ...int8) *kmsg.ListConfigResourcesRequest {
		req := kmsg.NewPtrListConfigResourcesRequest()
		req.ResourceTypes = kinds
		return req
	}
	p.make("list-configs", 1)
	p.do("configure a group", 1, incrementally(kmsg.ConfigResourceType(32), "list-configs-group", change{"consumer.session.timeout.ms", setConfig, text("50000")}))
	p.do("client metrics", 0, ask())
	for _, kind := range []int8{4, 16, 32} {
		p.do("of a type", 1, ask(kind))
	}
	p.do("unknown type", 1, ask(0))
	p.do("another unknown type", 1, ask(99))
	p.do("groups and an unknown type", 1, ask(32, 99))
}

func groupConfigs(p *player) {
	const group = kmsg.ConfigResourceType(32)
	const set, remove, add = setConfig, 1, 2
	p.do("set", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", set, text("50000")}))
	p.describe(group, "g")
	p.describe(group, "g", "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms")
	p.describe(group, "nobody", "consumer.session.timeout.ms")
	p.describe(group, "")
	p.do("bad value", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", set, text("x")}))
	p.do("too low", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", set, text("1")}))
	p.do("too high", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", set, text("5000000")}))
	p.do("heartbeat over session", 1, incrementally(group, "g", change{"consumer.heartbeat.interval.ms", set, text("55000")}))
	p.do("unknown key", 1, incrementally(group, "g", change{"no.such.key", set, text("1")}))
	p.do("append", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", add, text("1")}))
	p.do("assignment too seldom", 1, incrementally(group, "g", change{"consumer.assignment.interval.ms", set, text("20000")}))
	p.do("no name", 1, incrementally(group, "", change{"consumer.session.timeout.ms", set, text("50000")}))
	p.do("delete", 1, incrementally(group, "g", change{"consumer.session.timeout.ms", remove, nil}))
	p.describe(group, "g", "consumer.session.timeout.ms")
	replace := kmsg.NewPtrAlterConfigsRequest()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = group, "g"
	r.Configs = []kmsg.AlterConfigsRequestResourceConfig{{Name: "consumer.session.timeout.ms", Value: text("48000")}}
	replace.Resources = append(replace.Resources, r)
	p.do("replace", 2, replace)
	p.describe(group, "g", "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms")
}
