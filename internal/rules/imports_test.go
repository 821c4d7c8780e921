package rules

import (
	"strings"
	"testing"
)

// allowed says, for each package of the broker, which other packages of the broker its code may import. A package that
// is not here is a mistake: say first where it lives.
var allowed = map[string][]string{
	"broker/env":                  {},
	"broker/env/osenv":            {"broker/env"},
	"broker/env/memenv":           {"broker/env"},
	"broker/env/guestenv":         {"broker/env"},
	"broker/env/buggify":          {},
	"broker/env/sometimes":        {},
	"broker/env/slowenv":          {"broker/env"},
	"broker/env/envtest":          {"broker/env"},
	"broker/record":               {},
	"broker/config":               {},
	"broker/metadata":             {},
	"broker/wire":                 {"broker/env"},
	"broker/server":               {"broker/env", "broker/wire"},
	"broker/server/hostile":       {},
	"broker/wire/genschema":       {},
	"broker/commitlog":            {"broker/env", "broker/env/buggify", "broker/record", "broker/env/sometimes"},
	"broker/commitlog/cleaner":    {"broker/commitlog", "broker/record"},
	"broker/controller":           {"broker/controller/decide", "broker/controller/raftstore", "broker/env", "broker/env/buggify", "broker/metadata", "broker/config", "broker/wire", "broker/env/sometimes"},
	"broker/controller/decide":    {"broker/config", "broker/metadata", "broker/env/sometimes"},
	"broker/controller/raftstore": {"broker/env"},
	"broker/replica":              {"broker/quota", "broker/env", "broker/env/buggify", "broker/commitlog", "broker/commitlog/cleaner", "broker/record", "broker/metadata", "broker/wire", "broker/env/sometimes"},
	"broker/coord":                {"broker/commitlog", "broker/metadata", "broker/record", "broker/replica", "broker/env/sometimes"},
	"broker/coord/golden":         {"broker/coord"},
	"broker/group":                {"broker/coord", "broker/group/assign", "broker/metadata", "broker/env/sometimes"},
	"broker/group/assign":         {"broker/metadata"},
	"broker/quota":                {"broker/metadata"},
	"broker/share":                {"broker/metadata", "broker/share/state", "broker/env/sometimes"},
	"broker/share/state":          {"broker/coord", "broker/metadata"},
	"broker/inspect":              {"broker/commitlog", "broker/controller/raftstore", "broker/env", "broker/metadata", "broker/record", "broker/replica"},
	"broker/txn":                  {"broker/coord", "broker/env/sometimes"},
	"broker/txn/courier":          {"broker/env", "broker/metadata", "broker/wire"},
	"broker/txn/enlist":           {"broker/coord", "broker/env", "broker/metadata", "broker/txn", "broker/txn/courier", "broker/wire"},
	"broker/txn/markers":          {"broker/env", "broker/metadata", "broker/txn", "broker/txn/courier", "broker/wire", "broker/env/sometimes"},
	"broker/api":                  {"broker/commitlog", "broker/config", "broker/coord", "broker/group", "broker/group/assign", "broker/metadata", "broker/quota", "broker/record", "broker/replica", "broker/server", "broker/share", "broker/share/state", "broker/txn", "broker/txn/enlist", "broker/wire", "broker/env/sometimes"},
	"broker/api/vectors":          {},
	"broker/brokertest":           {"broker", "broker/config", "broker/env", "broker/env/memenv", "broker/env/osenv", "broker/metadata", "broker/server", "broker/wire"},
	"broker": {
		"broker/api", "broker/commitlog", "broker/commitlog/cleaner", "broker/config", "broker/controller", "broker/coord", "broker/env", "broker/group", "broker/metadata",
		"broker/quota", "broker/record", "broker/replica", "broker/server", "broker/share", "broker/share/state", "broker/txn", "broker/txn/enlist", "broker/txn/markers", "broker/wire",
	},
}

// The harness reaches the broker only over its protocol and as a file: these import nothing of it.
var harness = []string{"chaos", "linearizability", "sim", "bench", "reports"}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest {
			continue
		}
		permitted, known := allowed[s.pkg]
		if within(s.pkg, "broker") && !known {
			t.Errorf("%s: package %s has no place in the table of allowed imports", s.path, s.pkg)
		}
		for _, path := range s.imports() {
			target, ours := strings.CutPrefix(path, "odradek/")
			if !ours {
				continue
			}
			switch {
			case within(s.pkg, "broker"):
				if !contains(permitted, target) {
					t.Errorf("%s: %s may not import %s", s.path, s.pkg, target)
				}
			case within(s.pkg, "sim/app") && within(target, "broker/env"): // it is a guest's, as cmd/guest is
			case within(target, "broker") && isHarness(s.pkg):
				t.Errorf("%s: the harness may not import the broker (%s)", s.path, target)
			}
		}
	}
}

func contains(list []string, item string) bool {
	for _, each := range list {
		if each == item {
			return true
		}
	}
	return false
}

func isHarness(pkg string) bool {
	for _, dir := range harness {
		if within(pkg, dir) {
			return true
		}
	}
	return false
}
