package rules

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest {
			continue
		}
		documented[s.pkg] = documented[s.pkg] || (s.ast.Doc != nil && len(s.ast.Doc.Text()) > 40)
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// TestExportedNamesAreDocumented covers functions, methods of exported types, types, and the variables and constants that
// stand in no group with a comment of its own.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest || s.ast.Name.Name == "main" {
			continue
		}
		for _, declaration := range s.ast.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && !wellKnown(d.Name.Name) {
					t.Errorf("%s: %s has no comment", s.fileSet.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				checkGroup(t, s, d)
			}
		}
	}
}

func checkGroup(t *testing.T, s source, d *ast.GenDecl) {
	if d.Tok == token.IMPORT || d.Doc != nil {
		return
	}
	for _, spec := range d.Specs {
		switch each := spec.(type) {
		case *ast.TypeSpec:
			if each.Name.IsExported() && each.Doc == nil && each.Comment == nil {
				t.Errorf("%s: type %s has no comment", s.fileSet.Position(each.Pos()), each.Name.Name)
			}
		case *ast.ValueSpec:
			if each.Names[0].IsExported() && each.Doc == nil && each.Comment == nil {
				t.Errorf("%s: %s has no comment", s.fileSet.Position(each.Pos()), each.Names[0].Name)
			}
		}
	}
}

// wellKnown methods mean what their interface in the standard library says.
func wellKnown(name string) bool {
	return strings.Contains(" Error String Unwrap Is Len Less Swap Read Write Close MarshalJSON UnmarshalJSON MarshalText UnmarshalText ", " "+name+" ")
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if generic, ok := kind.(*ast.IndexExpr); ok {
		kind = generic.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}
