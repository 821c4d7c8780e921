package host_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// exempt files may look at the wall clock and start goroutines: the watchdog, see its comment, and the campaign, which runs
// universes beside each other and decides nothing within one.
var exempt = []string{"watchdog.go", "campaign.go"}

// wallMark ends a line that may look at the wall clock, since it only says how long a run took.
const wallMark = "//wall"

// TestHostDecidesNothingByChance holds what a seed's hash stands on: in the packages that make a universe, nothing depends
// on a map's order, on the wall clock, on threads, on the process's own entropy, or on how a machine rounds. Package sim may
// round: it turns a plan's shares and factors into whole numbers, one multiplication each, and reckons once the universe is over.
func TestHostDecidesNothingByChance(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}, "odradek/sim/clock", "odradek/sim/trace", "odradek/sim/netsim", "odradek/sim/disksim", "odradek/sim/host",
		"odradek/sim", "odradek/sim/guest")
	if err != nil {
		t.Fatal(err)
	}
	if packages.PrintErrors(loaded) > 0 {
		t.Fatal("the packages don't compile")
	}
	files := 0
	for _, pkg := range loaded {
		for _, file := range pkg.Syntax {
			name := pkg.Fset.Position(file.Pos()).Filename
			if slices.Contains(exempt, filepath.Base(name)) {
				continue
			}
			files++
			marked := wallLines(pkg.Fset, file)
			for _, found := range chances(pkg.TypesInfo, file) {
				if marked[pkg.Fset.Position(found.at.Pos()).Line] || found.what == floats && pkg.PkgPath == "odradek/sim" {
					continue
				}
				t.Errorf("%s: %s", pkg.Fset.Position(found.at.Pos()), found.what)
			}
		}
	}
	if files < 35 {
		t.Errorf("only %d files were looked at", files)
	}
}

// wallLines are the lines that end with wallMark.
func wallLines(fileSet *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, wallMark) {
				lines[fileSet.Position(comment.Pos()).Line] = true
			}
		}
	}
	return lines
}

// chance is a place where something other than the seed could decide.
type chance struct {
	at   ast.Node
	what string
}

// floats is what is wrong with floating point.
const floats = "floating point is not the same on every machine"

func chances(info *types.Info, file *ast.File) (found []chance) {
	add := func(at ast.Node, format string, args ...any) {
		found = append(found, chance{at, fmt.Sprintf(format, args...)})
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.RangeStmt:
			if isMap(info.TypeOf(n.X)) {
				add(n, "a map's order is not the seed's")
			}
		case *ast.GoStmt:
			add(n, "a goroutine runs when it likes")
		case *ast.SelectStmt:
			add(n, "a select chooses as it likes")
		case *ast.Ident:
			if function, ok := info.Uses[n].(*types.Func); ok && function.Pkg() != nil {
				if why := forbidden(function); why != "" {
					add(n, "%s.%s: %s", function.Pkg().Path(), function.Name(), why)
				}
			}
		case ast.Expr:
			if b, ok := info.TypeOf(n).(*types.Basic); ok && b.Info()&types.IsFloat != 0 {
				add(n, floats)
			}
		}
		return true
	})
	return found
}

func isMap(t types.Type) bool {
	_, is := t.Underlying().(*types.Map)
	return is
}

// forbidden says why a function of the standard library may not be used, or nothing.
func forbidden(f *types.Func) string {
	method := f.Signature().Recv() != nil
	switch path := f.Pkg().Path(); {
	case path == "maps" && !method && f.Name() != "Clone" && f.Name() != "Equal":
		return "a map's order is not the seed's"
	case path == "time" && !method && strings.Contains(" Now Since Until After AfterFunc Sleep Tick NewTimer NewTicker ", " "+f.Name()+" "):
		return "the wall clock is not the universe's"
	case strings.HasPrefix(path, "math/rand") && !method && !strings.HasPrefix(f.Name(), "New"):
		return "the process's generator is not the seed's"
	case path == "crypto/rand", path == "hash/maphash":
		return "the process's entropy is not the seed's"
	}
	return ""
}

// The rule itself finds what it is for.
func TestChancesAreFound(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedFiles,
		Dir:  "testdata/chances",
	}, ".")
	if err != nil || len(loaded) != 1 || packages.PrintErrors(loaded) > 0 {
		t.Fatalf("%v, %d packages", err, len(loaded))
	}
	var got []string
	for _, found := range chances(loaded[0].TypesInfo, loaded[0].Syntax[0]) {
		got = append(got, found.what)
	}
	for _, want := range []string{"a map's order", "a goroutine", "a select", "floating point", "time.Now", "math/rand/v2.IntN", "maps.Keys", "crypto/rand.Read"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q wasn't found in %q", want, got)
		}
	}
}
