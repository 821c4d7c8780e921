package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// quotaEntity is pairs of type and name; a nil name is the default.
type quotaEntity []kmsg.AlterClientQuotasRequestEntryEntity

func entity(pairs ...*string) (e quotaEntity) {
	for i := 0; i+1 < len(pairs); i += 2 {
		one := kmsg.NewAlterClientQuotasRequestEntryEntity()
		one.Type, one.Name = *pairs[i], pairs[i+1]
		e = append(e, one)
	}
	return e
}

func clientQuotas(p *player) {
	type limit struct {
		key    string
		value  float64
		remove bool
	}
	user, client, ip := text("user"), text("client-id"), text("ip")
	alter := func(e quotaEntity, limits ...limit) *kmsg.AlterClientQuotasRequest {
		req := kmsg.NewPtrAlterClientQuotasRequest()
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity = e
		for _, l := range limits {
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Value, op.Remove = l.key, l.value, l.remove
			entry.Ops = append(entry.Ops, op)
		}
		req.Entries = append(req.Entries, entry)
		return req
	}
	rate := limit{"producer_byte_rate", 1e9, false}
	for v := int16(0); v <= 1; v++ {
		p.do("user", v, alter(entity(user, text("u")), rate, limit{"consumer_byte_rate", 2e9, false}))
		p.do("user, percentage", v, alter(entity(user, text("u")), limit{"request_percentage", 2000.5, false}, limit{"controller_mutation_rate", 100, false}))
		p.do("default user", v, alter(entity(user, nil), rate))
		p.do("client", v, alter(entity(client, text("quota-client")), rate))
		p.do("default client", v, alter(entity(client, nil), rate))
		p.do("user and client", v, alter(entity(user, text("u"), client, text("quota-client")), rate))
		p.do("user and default client", v, alter(entity(user, text("u"), client, nil), rate))
		p.do("default user and client", v, alter(entity(user, nil, client, text("quota-client")), rate))
		p.do("both default", v, alter(entity(user, nil, client, nil), rate))
		p.do("ip", v, alter(entity(ip, text("10.1.2.3")), limit{"connection_creation_rate", 100, false}))
		p.do("default ip", v, alter(entity(ip, nil), limit{"connection_creation_rate", 100000, false}))
		p.do("a bad ip", v, alter(entity(ip, text("no ip")), limit{"connection_creation_rate", 100, false}))
		p.do("ip with another key", v, alter(entity(ip, text("10.1.2.3")), rate))
		p.do("user with ip's key", v, alter(entity(user, text("u")), limit{"connection_creation_rate", 100, false}))
		p.do("user and ip", v, alter(entity(user, text("u"), ip, text("10.1.2.3")), rate))
		p.do("unknown key", v, alter(entity(user, text("u")), limit{"no_such_rate", 1, false}))
		p.do("unknown type", v, alter(entity(text("group"), text("u")), rate))
		p.do("type twice", v, alter(entity(user, text("u"), user, text("w")), rate))
		p.do("nobody", v, alter(nil, rate))
		p.do("empty name", v, alter(entity(user, text("")), rate))
		p.do("negative", v, alter(entity(user, text("u")), limit{"producer_byte_rate", -1, false}))
		p.do("zero", v, alter(entity(user, text("u")), limit{"producer_byte_rate", 0, false}))
		p.do("fraction", v, alter(entity(user, text("u")), limit{"producer_byte_rate", 1.5, false}))
		p.do("near an integer", v, alter(entity(user, text("u")), limit{"producer_byte_rate", 1.0000001, false}))
		p.do("remove what is not there", v, alter(entity(user, text("x")), limit{"producer_byte_rate", 0, true}))
		p.do("key twice", v, alter(entity(user, text("y")), rate, limit{"producer_byte_rate", 3e9, false}))
		p.do("no keys", v, alter(entity(user, text("x"))))
		check := alter(entity(user, text("z")), rate)
		check.ValidateOnly = true
		p.do("validate only", v, check)
		twice := alter(entity(user, text("zz")), rate)
		twice.Entries = append(twice.Entries, twice.Entries[0])
		p.do("entity twice", v, twice)
		p.do("user back", v, alter(entity(user, text("u")), rate))
		p.describeQuotas(v)
		p.do("remove one", v, alter(entity(user, text("u")), limit{"consumer_byte_rate", 0, true}))
	}
	for _, e := range []quotaEntity{
		entity(user, text("u")), entity(user, nil), entity(client, text("quota-client")), entity(client, nil), entity(user, text("u"), client, text("quota-client")),
		entity(user, text("u"), client, nil), entity(user, nil, client, text("quota-client")), entity(user, nil, client, nil), entity(user, text("y")), entity(user, text("zz")),
	} {
		p.do("remove all", 1, alter(e, limit{"producer_byte_rate", 0, true}, limit{"request_percentage", 0, true}, limit{"controller_mutation_rate", 0, true}))
	}
	p.do("remove ip", 1, alter(entity(ip, text("10.1.2.3")), limit{"connection_creation_rate", 0, true}))
	p.do("remove default ip", 1, alter(entity(ip, nil), limit{"connection_creation_rate", 0, true}))
	p.describeQuotas(1)
}

func (p *player) describeQuotas(v int16) {
	type component struct {
		kind  string
		match kmsg.QuotasMatchType
		name  *string
	}
	describe := func(strict bool, components ...component) *kmsg.DescribeClientQuotasRequest {
		req := kmsg.NewPtrDescribeClientQuotasRequest()
		req.Strict = strict
		for _, each := range components {
			c := kmsg.NewDescribeClientQuotasRequestComponent()
			c.EntityType, c.MatchType, c.Match = each.kind, each.match, each.name
			req.Components = append(req.Components, c)
		}
		return req
	}
	const exactly, theDefault, any = 0, 1, 2
	p.do("all", v, describe(false))
	p.do("all, strictly", v, describe(true))
	p.do("a user", v, describe(false, component{"user", exactly, text("u")}))
	p.do("a user, strictly", v, describe(true, component{"user", exactly, text("u")}))
	p.do("default user, strictly", v, describe(true, component{"user", theDefault, nil}))
	p.do("any user", v, describe(false, component{"user", any, nil}))
	p.do("any user, strictly", v, describe(true, component{"user", any, nil}))
	p.do("any user and client", v, describe(true, component{"user", any, nil}, component{"client-id", any, nil}))
	p.do("any client", v, describe(false, component{"client-id", any, nil}))
	p.do("an ip", v, describe(false, component{"ip", exactly, text("10.1.2.3")}))
	p.do("any ip", v, describe(false, component{"ip", any, nil}))
	p.do("user and ip", v, describe(false, component{"user", any, nil}, component{"ip", any, nil}))
	p.do("unknown type", v, describe(false, component{"group", any, nil}))
	p.do("type twice", v, describe(false, component{"user", any, nil}, component{"user", any, nil}))
	p.do("unknown match", v, describe(false, component{"user", 9, nil}))
	p.do("exactly nothing", v, describe(false, component{"user", exactly, nil}))
	p.do("default with a name", v, describe(false, component{"user", theDefault, text("u")}))
	p.do("no type", v, describe(false, component{"", any, nil}))
}
