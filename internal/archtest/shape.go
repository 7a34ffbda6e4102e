package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

const (
	whyNames    = "a name that fits everything collects everything: name the package or file after what it does"
	whyInit     = "an init function runs before main can choose, log or fail in words"
	whyLong     = "split it where a part has a name of its own"
	whyMethods  = "an interface is declared by its consumer and holds what that one needs"
	whyPanic    = "bad input and a failing world are errors; a panic is left for what cannot be, and then a comment \"unreachable\" beside it says why"
	unreachable = "unreachable"
)

// vagueNames say nothing about what is in a package or file.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}

func (c *checker) checkNames(p *Package) {
	for segment := range strings.SplitSeq(p.Path, "/") {
		if slices.Contains(vagueNames, segment) {
			c.in(p.Path, whyNames, "a package named %s", segment)
		}
	}
	for _, f := range p.files {
		if name := strings.TrimSuffix(path.Base(f.name), ".go"); slices.Contains(vagueNames, name) {
			c.in(f.name, whyNames, "a file named %s", name)
		}
	}
}

func (c *checker) checkShape(p *Package) {
	for _, f := range p.files {
		if f.lines > maxFileLines && !f.generated {
			c.in(f.name, whyLong, "%d lines, and a file has at most %d", f.lines, maxFileLines)
		}
	}
	p.declarations(func(d ast.Decl) {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			return
		}
		if f.Recv == nil && f.Name.Name == "init" {
			c.at(f.Pos(), whyInit, "an init function")
		}
		if n := c.module.span(f); n > maxFuncLines {
			c.at(f.Pos(), whyLong, "function %s has %d lines, and a function has at most %d", f.Name.Name, n, maxFuncLines)
		}
	})
	p.inspect(func(n ast.Node) {
		if i, ok := n.(*ast.InterfaceType); ok && methods(i) > maxMethods {
			c.at(i.Pos(), whyMethods, "an interface with %d methods, and one has at most %d", methods(i), maxMethods)
		}
	})
}

// span is a node's number of lines.
func (m *Module) span(n ast.Node) int {
	return m.fset.Position(n.End()).Line - m.fset.Position(n.Pos()).Line + 1
}

func methods(i *ast.InterfaceType) int {
	n := 0
	for _, field := range i.Methods.List {
		n += len(field.Names)
	}
	return n
}

// checkPanics finds calls of panic that nobody excused on their line or the
// one above. Panicking with http.ErrAbortHandler is how net/http wants to be
// told to cut a connection.
func (c *checker) checkPanics(p *Package) {
	if forTests(p.Path) {
		return
	}
	excused := map[string]bool{}
	for _, f := range p.files {
		for _, group := range f.syntax.Comments {
			if strings.Contains(group.Text(), unreachable) {
				end := c.module.fset.Position(group.End())
				excused[c.module.position(group.End())] = true
				excused[c.module.position(c.module.lineStart(group, end.Line+1))] = true
			}
		}
	}
	p.inspect(func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !p.isBuiltin(call.Fun, "panic") || excused[c.module.position(call.Pos())] {
			return
		}
		if len(call.Args) != 1 || p.qualified(call.Args[0]) != "net/http.ErrAbortHandler" {
			c.at(call.Pos(), whyPanic, "a panic")
		}
	})
}

// lineStart is the first place of a line in the file of a node; the last place
// of the file if it has no such line.
func (m *Module) lineStart(n ast.Node, line int) token.Pos {
	f := m.fset.File(n.Pos())
	if line > f.LineCount() {
		return f.Pos(f.Size())
	}
	return f.LineStart(line)
}

// Size counts what a module's code looks like, for people to watch.
type Size struct {
	Files, LongFiles int // all, and those above 400 lines
	Funcs, LongFuncs int // all, and those above 40 lines
	MedianFunc       int // lines
}

// Measure counts a module's files and functions, tests excluded.
func Measure(m *Module) Size {
	var s Size
	var spans []int
	for _, p := range m.Packages {
		for _, f := range p.files {
			s.Files++
			if f.lines > softFileLines {
				s.LongFiles++
			}
		}
		p.declarations(func(d ast.Decl) {
			if f, ok := d.(*ast.FuncDecl); ok {
				spans = append(spans, m.span(f))
			}
		})
	}
	slices.Sort(spans)
	for _, n := range spans {
		if n > softFuncLines {
			s.LongFuncs++
		}
	}
	if s.Funcs = len(spans); s.Funcs > 0 {
		s.MedianFunc = spans[s.Funcs/2]
	}
	return s
}
