package rules

import (
	"go/ast"
	"strings"
	"testing"
)

// forbidden are the names of the standard library that reach the machine. On wasip1 net.Listen even succeeds, as an
// in-process fake, so that a slip would look like a broker that nobody can reach.
var forbidden = map[string]func(name string) bool{
	"net": func(name string) bool {
		return strings.HasPrefix(name, "Listen") && name != "Listener" || strings.HasPrefix(name, "Dial")
	},
	"os": func(name string) bool {
		switch name {
		case "Open", "OpenFile", "Create", "CreateTemp", "ReadFile", "WriteFile", "Rename", "Remove", "RemoveAll", "Mkdir",
			"MkdirAll", "MkdirTemp", "ReadDir", "Stat", "Lstat", "Truncate", "Chmod", "Link", "Symlink", "Hostname", "Getpid":
			return true
		}
		return false
	},
}

// TestNothingReachesTheMachineButThroughEnv looks at everything that runs inside a guest, outside broker/env.
func TestNothingReachesTheMachineButThroughEnv(t *testing.T) {
	for _, s := range sources(t) {
		inGuest := within(s.pkg, "broker") || within(s.pkg, "cmd/guest") || within(s.pkg, "chaos/workload")
		if s.isTest || !inGuest || within(s.pkg, "broker/env") {
			continue
		}
		ast.Inspect(s.ast, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			if bad := forbidden[pkg.Name]; bad != nil && bad(selector.Sel.Name) {
				t.Errorf("%s: %s.%s reaches the machine; use broker/env", s.fileSet.Position(node.Pos()), pkg.Name, selector.Sel.Name)
			}
			return true
		})
	}
}
