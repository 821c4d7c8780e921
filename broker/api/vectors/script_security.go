package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// sasl is asked on a listener without it.
func sasl(p *player) {
	for v := int16(0); v <= 1; v++ {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "x", ""} {
			shake := kmsg.NewPtrSASLHandshakeRequest()
			shake.Mechanism = mechanism
			p.do("handshake", v, shake)
		}
	}
	for v := int16(0); v <= 2; v++ {
		authenticate := kmsg.NewPtrSASLAuthenticateRequest()
		authenticate.SASLAuthBytes = []byte("\x00user\x00password")
		p.do("authenticate", v, authenticate)
	}
}

func acls(p *player) {
	const topicType, literal, read, allow = 2, 3, 3, 3
	for v := int16(1); v <= 3; v++ {
		create := kmsg.NewPtrCreateACLsRequest()
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = topicType, "t", literal
		c.Principal, c.Host, c.Operation, c.PermissionType = "User:u", "*", read, allow
		create.Creations = append(create.Creations, c, c)
		p.do("create", v, create)
		unknown := kmsg.NewPtrCreateACLsRequest()
		c.Operation = 0
		unknown.Creations = append(unknown.Creations, c)
		p.do("create unknown", v, unknown)
		p.do("create none", v, kmsg.NewPtrCreateACLsRequest())

		describe := kmsg.NewPtrDescribeACLsRequest()
		describe.ResourceType, describe.ResourcePatternType, describe.Operation, describe.PermissionType = 1, 1, 1, 1
		p.do("describe", v, describe)
		bad := kmsg.NewPtrDescribeACLsRequest()
		bad.ResourceType, bad.ResourcePatternType, bad.Operation, bad.PermissionType = 0, 1, 1, 1
		p.do("describe unknown", v, bad)
		strange := kmsg.NewPtrDescribeACLsRequest()
		strange.ResourceType, strange.ResourcePatternType, strange.Operation, strange.PermissionType = 99, 99, 99, 99
		p.do("describe what nobody knows", v, strange)

		remove := kmsg.NewPtrDeleteACLsRequest()
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourcePatternType, f.Operation, f.PermissionType = 1, 1, 1, 1
		remove.Filters = append(remove.Filters, f, f)
		p.do("delete", v, remove)
		f.PermissionType = 0
		unsure := kmsg.NewPtrDeleteACLsRequest()
		unsure.Filters = append(unsure.Filters, f)
		p.do("delete unknown", v, unsure)
		p.do("delete none", v, kmsg.NewPtrDeleteACLsRequest())
	}
}

func delegationTokens(p *player) {
	for v := int16(1); v <= 3; v++ {
		create := kmsg.NewPtrCreateDelegationTokenRequest()
		create.MaxLifetimeMillis = 1000
		p.do("create", v, create)
	}
	for v := int16(1); v <= 2; v++ {
		renew := kmsg.NewPtrRenewDelegationTokenRequest()
		renew.HMAC, renew.RenewTimeMillis = []byte("x"), 1000
		p.do("renew", v, renew)
		expire := kmsg.NewPtrExpireDelegationTokenRequest()
		expire.HMAC, expire.ExpiryPeriodMillis = []byte("x"), 1000
		p.do("expire", v, expire)
	}
	for v := int16(1); v <= 3; v++ {
		p.do("describe", v, kmsg.NewPtrDescribeDelegationTokenRequest())
	}
}
