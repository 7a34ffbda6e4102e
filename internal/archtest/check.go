package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// Violation is one place where a module breaks a rule.
type Violation struct {
	Where string // "file:line", or a package's path
	What  string // what is there
	Why   string // the rule's reason
	place token.Position
}

// String is the violation on one line.
func (v Violation) String() string { return v.Where + ": " + v.What + "\n\t" + v.Why }

// Check returns every violation in a module, in the order of the source. An
// error means that the module could not be checked.
func Check(m *Module, r Rules) ([]Violation, error) {
	c := &checker{module: m, rules: r}
	for _, p := range m.Packages {
		if !matchesAny(r.Ignored, p.Path) {
			c.checkPackage(p)
		}
	}
	c.checkRot()
	if err := c.checkClosures(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.place.Filename, b.place.Filename), cmp.Compare(a.place.Offset, b.place.Offset), cmp.Compare(a.What, b.What))
	})
	return c.found, nil
}

// checker collects violations.
type checker struct {
	module *Module
	rules  Rules
	found  []Violation
}

func (c *checker) checkPackage(p *Package) {
	c.checkLayer(p)
	c.checkImports(p)
	c.checkUses(p)
	c.checkNames(p)
	c.checkDocs(p)
	c.checkShape(p)
	c.checkSignatures(p)
	c.checkState(p)
	c.checkPanics(p)
}

// at reports a violation at a place in the source.
func (c *checker) at(pos token.Pos, why, format string, args ...any) {
	c.found = append(c.found, Violation{
		Where: c.module.position(pos), What: fmt.Sprintf(format, args...), Why: why, place: c.module.fset.Position(pos),
	})
}

// in reports a violation of a file, a package or a rule.
func (c *checker) in(where, why, format string, args ...any) {
	c.found = append(c.found, Violation{
		Where: where, What: fmt.Sprintf(format, args...), Why: why, place: token.Position{Filename: where},
	})
}

// declarations calls f with every declaration that a person wrote.
func (p *Package) declarations(f func(ast.Decl)) {
	for _, file := range p.files {
		if file.generated {
			continue
		}
		for _, d := range file.syntax.Decls {
			f(d)
		}
	}
}

// inspect calls f with every node that a person wrote.
func (p *Package) inspect(f func(ast.Node)) {
	p.declarations(func(d ast.Decl) {
		ast.Inspect(d, func(n ast.Node) bool {
			if n != nil {
				f(n)
			}
			return true
		})
	})
}
