package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

const (
	whyExportedVar = "any package could change it: make it a function, a constant, or an error made by errors.New"
	whyMutable     = "a package's variable that changes makes tests depend on their order and callers on each other: keep it in a value that somebody owns"
)

// checkState finds variables of a package that can change. What is filled once
// where it is declared and never written again is as good as a constant.
func (c *checker) checkState(p *Package) {
	written := p.written()
	p.declarations(func(d ast.Decl) {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			return
		}
		for _, spec := range g.Specs {
			s := spec.(*ast.ValueSpec)
			if !embeds(g.Doc) && !embeds(s.Doc) {
				c.checkExported(p, s)
			}
			c.checkWritten(p, s, written)
		}
	})
}

// embeds tells whether a comment has a go:embed directive, which fills a
// variable that nothing else could.
func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") })
}

func (c *checker) checkExported(p *Package, s *ast.ValueSpec) {
	for i, name := range s.Names {
		if name.IsExported() && (i >= len(s.Values) || !p.isSentinel(s.Values[i])) {
			c.at(name.Pos(), whyExportedVar, "the exported variable %s", name.Name)
		}
	}
}

func (c *checker) checkWritten(p *Package, s *ast.ValueSpec, written map[types.Object]token.Pos) {
	what := p.mutable(s)
	for _, name := range s.Names {
		if name.Name == "_" {
			continue
		}
		if what != "" {
			c.at(name.Pos(), whyMutable, "the package's variable %s holds a %s", name.Name, what)
		}
		if pos, found := written[p.info.Defs[name]]; found {
			c.at(pos, whyMutable, "the package's variable %s is written, or its address taken", name.Name)
		}
	}
}

// isSentinel tells whether an expression makes an error.
func (p *Package) isSentinel(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	name := p.qualified(call.Fun)
	return name == "errors.New" || name == "fmt.Errorf" || strings.HasSuffix(name, "/internal/core.Errorf") ||
		p.Path == "internal/core" && isIdent(call.Fun, "Errorf")
}

// mutable names what a declaration holds that exists to be changed. A value
// that sync.OnceValue computes is not: it is the same whenever it is asked for.
func (p *Package) mutable(s *ast.ValueSpec) (what string) {
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			what = "channel"
		case *ast.SelectorExpr:
			name := p.qualified(n)
			if strings.HasPrefix(name, "sync.") && !strings.HasPrefix(name, "sync.Once") || name == "sync.Once" || strings.HasPrefix(name, "sync/atomic.") ||
				strings.HasPrefix(name, "github.com/prometheus/client_golang/") {
				what = name
			}
		}
		return true
	}
	if s.Type != nil {
		ast.Inspect(s.Type, look)
	}
	for _, v := range s.Values {
		ast.Inspect(v, look)
	}
	return what
}

// written maps each of the package's variables that is assigned to, or whose
// address is taken, to the first place where that happens.
func (p *Package) written() map[types.Object]token.Pos {
	places := map[types.Object]token.Pos{}
	mark := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			v, ok := p.info.Uses[root(e)].(*types.Var)
			if _, seen := places[v]; ok && !seen && v.Parent() == p.scope {
				places[v] = e.Pos()
			}
		}
	}
	p.inspect(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				mark(n.Lhs...)
			}
		case *ast.IncDecStmt:
			mark(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				mark(n.Key, n.Value)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				mark(n.X)
			}
		case *ast.CallExpr:
			if len(n.Args) > 0 && (p.isBuiltin(n.Fun, "delete") || p.isBuiltin(n.Fun, "clear") || p.isBuiltin(n.Fun, "copy")) {
				mark(n.Args[0])
			}
		}
	})
	return places
}

// root is the name at the left end of an expression such as x.f[i]; nil if it
// has none.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func (p *Package) isBuiltin(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && p.isUniverse(id, name)
}

// isUniverse tells whether a name is the language's own and not one that the
// package gave to something else.
func (p *Package) isUniverse(id *ast.Ident, name string) bool {
	return id.Name == name && p.info.Uses[id] == types.Universe.Lookup(name)
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
