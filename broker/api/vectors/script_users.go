package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

func scramUsers(p *player) {
	const sha256, sha512 = 1, 2
	type upsert struct {
		user       string
		mechanism  int8
		iterations int32
		salt, pass int
	}
	alter := func(deletions map[string]int8, order []string, upserts ...upsert) *kmsg.AlterUserSCRAMCredentialsRequest {
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		for _, name := range order {
			d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
			d.Name, d.Mechanism = name, deletions[name]
			req.Deletions = append(req.Deletions, d)
		}
		for _, each := range upserts {
			u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
			u.Name, u.Mechanism, u.Iterations = each.user, each.mechanism, each.iterations
			u.Salt, u.SaltedPassword = make([]byte, each.salt), make([]byte, each.pass)
			for i := range u.SaltedPassword {
				u.SaltedPassword[i] = byte(i)
			}
			req.Upsertions = append(req.Upsertions, u)
		}
		return req
	}
	describe := func(names ...string) *kmsg.DescribeUserSCRAMCredentialsRequest {
		req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
		for _, name := range names {
			u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
			u.Name = name
			req.Users = append(req.Users, u)
		}
		return req
	}
	p.do("describe none", 0, describe())
	p.do("describe unknown", 0, describe("nobody"))
	p.do("set", 0, alter(nil, nil, upsert{"alice", sha256, 4096, 10, 32}, upsert{"bob", sha512, 8192, 10, 64}))
	p.do("a second mechanism", 0, alter(nil, nil, upsert{"alice", sha512, 4096, 10, 64}))
	p.do("describe", 0, describe())
	p.do("describe some", 0, describe("alice", "nobody"))
	p.do("describe twice", 0, describe("alice", "alice", "bob"))
	p.do("describe no name", 0, describe(""))
	p.do("too few iterations", 0, alter(nil, nil, upsert{"alice", sha256, 4095, 10, 32}))
	p.do("too few iterations for 512", 0, alter(nil, nil, upsert{"alice", sha512, 4095, 10, 64}))
	p.do("too many iterations", 0, alter(nil, nil, upsert{"alice", sha256, 16385, 10, 32}))
	p.do("unknown mechanism", 0, alter(nil, nil, upsert{"alice", 9, 4096, 10, 32}))
	p.do("no mechanism", 0, alter(nil, nil, upsert{"alice", 0, 4096, 10, 32}))
	p.do("no name", 0, alter(nil, nil, upsert{"", sha256, 4096, 10, 32}))
	p.do("no salt", 0, alter(nil, nil, upsert{"carol", sha256, 4096, 0, 32}))
	p.do("short password", 0, alter(nil, nil, upsert{"dave", sha256, 4096, 10, 5}))
	p.do("no password", 0, alter(nil, nil, upsert{"erin", sha256, 4096, 10, 0}))
	p.do("the same twice", 0, alter(nil, nil, upsert{"frank", sha256, 4096, 10, 32}, upsert{"frank", sha256, 8192, 10, 32}))
	p.do("set and delete the same", 0, alter(map[string]int8{"alice": sha256}, []string{"alice"}, upsert{"alice", sha256, 4096, 10, 32}))
	p.do("set one, delete another", 0, alter(map[string]int8{"alice": sha256}, []string{"alice"}, upsert{"alice", sha512, 4096, 10, 64}))
	p.do("one good, one bad", 0, alter(map[string]int8{"nobody": sha256}, []string{"nobody"}, upsert{"grace", sha256, 4096, 10, 32}))
	p.do("delete unknown", 0, alter(map[string]int8{"nobody": sha256}, []string{"nobody"}))
	p.do("delete an unknown mechanism", 0, alter(map[string]int8{"alice": 9}, []string{"alice"}))
	p.do("nothing", 0, alter(nil, nil))
	p.do("describe after all", 0, describe())
	p.do("delete", 0, alter(map[string]int8{"alice": sha256, "bob": sha512}, []string{"alice", "bob"}))
	p.do("describe at last", 0, describe())
}
