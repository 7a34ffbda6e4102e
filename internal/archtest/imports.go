package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

const (
	whyCovered   = "a package that no rule covers may import anything: add a layer for it in internal/archtest/rules.go, with its reason"
	whyTestOnly  = "packages whose name ends in \"test\" serve tests and must not be linked into a program"
	whyNoDot     = "with a dot import nobody can tell where a name comes from"
	whyRot       = "a rule for nothing protects nothing: correct the rule, or strike it out"
	maxChainText = 12 // packages of a chain that are shown
)

func (c *checker) layerOf(pkg string) (layer Layer, unit string, ok bool) {
	for _, l := range c.rules.Layers {
		if unit, fits := matches(l.Packages, pkg); fits {
			return l, unit, true
		}
	}
	return Layer{}, "", false
}

// checkLayer holds a package's imports against the direction of imports.
func (c *checker) checkLayer(p *Package) {
	layer, unit, ok := c.layerOf(p.Path)
	if !ok {
		c.in(p.Path, whyCovered, "no rule covers package %s", p.Path)
		return
	}
	if forTests(p.Path) {
		return
	}
	p.imports(func(spec *ast.ImportSpec, imported string) {
		if why := c.refusal(layer, unit, imported); why != "" {
			c.at(spec.Pos(), why, "package %s imports %s", p.Path, imported)
		}
	})
}

// refusal says why a layer's packages may not have an import; "" if they may.
func (c *checker) refusal(layer Layer, unit, imported string) string {
	pkg, own := c.module.own(imported)
	switch {
	case own && forTests(pkg):
		return whyTestOnly
	case own && !within([]string{unit}, pkg) && !matchesAny(layer.May, pkg),
		!own && isStd(imported) && layer.Std != nil && !slices.Contains(layer.Std, imported),
		!own && !isStd(imported) && layer.Modules != nil && !within(layer.Modules, imported):
		return layer.Why
	default:
		return ""
	}
}

// own is the path below the module's of a package that belongs to it.
func (m *Module) own(imported string) (pkg string, ok bool) {
	if imported == m.Path {
		return ".", true
	}
	return strings.CutPrefix(imported, m.Path+"/")
}

func (p *Package) imports(f func(spec *ast.ImportSpec, imported string)) {
	for _, file := range p.files {
		for _, spec := range file.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err == nil {
				f(spec, imported)
			}
		}
	}
}

// checkImports holds a package's imports against the bans.
func (c *checker) checkImports(p *Package) {
	p.imports(func(spec *ast.ImportSpec, imported string) {
		if spec.Name != nil && spec.Name.Name == "." {
			c.at(spec.Pos(), whyNoDot, "dot import of %s", imported)
		}
		for _, ban := range c.rules.Imports {
			if !forTests(p.Path) && applies(ban.In, ban.Except, p.Path) && within(ban.Banned, imported) {
				c.at(spec.Pos(), ban.Why, "package %s imports %s", p.Path, imported)
			}
		}
	})
}

func applies(in, except []string, pkg string) bool {
	return matchesAny(in, pkg) && !matchesAny(except, pkg)
}

// checkUses holds the names that a package uses of others against the bans.
func (c *checker) checkUses(p *Package) {
	if forTests(p.Path) {
		return
	}
	p.inspect(func(n ast.Node) {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return
		}
		name := p.qualified(selector)
		for _, ban := range c.rules.Uses {
			if applies(ban.In, ban.Except, p.Path) && slices.Contains(ban.Names, name) {
				c.at(selector.Pos(), ban.Why, "package %s uses %s", p.Path, name)
			}
		}
	})
}

// qualified is "import/path.Name" if the expression is a name of another
// package, else "".
func (p *Package) qualified(e ast.Expr) string {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	id, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	pkg, ok := p.info.Uses[id].(*types.PkgName)
	if !ok {
		return ""
	}
	return pkg.Imported().Path() + "." + selector.Sel.Name
}

// checkRot finds rules that name packages which do not exist.
func (c *checker) checkRot() {
	var named []string
	for _, l := range c.rules.Layers {
		named = append(append(named, l.Packages), l.May...)
	}
	for _, ban := range c.rules.Imports {
		named = append(append(named, ban.In...), ban.Except...)
	}
	for _, ban := range c.rules.Uses {
		named = append(append(named, ban.In...), ban.Except...)
	}
	for _, closure := range c.rules.Closures {
		named = append(named, closure.Roots...)
	}
	slices.Sort(named)
	for _, pattern := range slices.Compact(named) {
		if !c.module.has(pattern) && !c.pending(pattern) {
			c.in("internal/archtest/rules.go", whyRot, "a rule names %s, but no such package exists", pattern)
		}
	}
}

// pending tells whether a pattern, or all it could match, is expected.
func (c *checker) pending(pattern string) bool {
	base := strings.TrimSuffix(pattern, "/...")
	return slices.ContainsFunc(c.rules.Pending, func(p string) bool {
		p = strings.TrimSuffix(p, "/...")
		_, fits := matches(base+"/...", p)
		return fits
	})
}

func (m *Module) has(pattern string) bool {
	return slices.ContainsFunc(m.Packages, func(p *Package) bool { _, ok := matches(pattern, p.Path); return ok })
}

// Arrived returns the patterns among the pending ones that packages exist for:
// they are to be struck out.
func Arrived(m *Module, r Rules) []string {
	return slices.DeleteFunc(slices.Clone(r.Pending), func(pattern string) bool { return !m.has(pattern) })
}

// checkClosures asks the go command what the roots link.
func (c *checker) checkClosures() error {
	for _, closure := range c.rules.Closures {
		var roots []string
		for _, p := range c.module.Packages {
			if matchesAny(closure.Roots, p.Path) {
				roots = append(roots, c.module.Path+"/"+p.Path)
			}
		}
		if len(roots) == 0 {
			continue // checkRot has an eye on that
		}
		imports, err := c.module.closure(roots)
		if err != nil {
			return err
		}
		c.checkClosure(closure, roots, imports)
	}
	return nil
}

// closure maps every package that the roots link to what it imports.
func (m *Module) closure(roots []string) (map[string][]string, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`}, roots...)...)
	cmd.Dir = m.Dir
	out, err := cmd.Output()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return nil, fmt.Errorf("list what %s link: %w: %s", strings.Join(roots, " and "), err, e.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("list what %s link: %w", strings.Join(roots, " and "), err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		imports[fields[0]] = fields[1:]
	}
	return imports, nil
}

// checkClosure reports the shortest way from a root to each banned package
// that is reached from one that is not banned.
func (c *checker) checkClosure(closure Closure, roots []string, imports map[string][]string) {
	from := map[string]string{}
	for _, root := range roots {
		from[root] = ""
	}
	for queue := slices.Clone(roots); len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, seen := from[next]; seen {
				continue
			}
			from[next] = queue[0]
			if within(closure.Banned, next) {
				chain := chainTo(next, from)
				c.in(chain[0], closure.Why, "links %s: %s", next, strings.Join(chain, " imports "))
				continue
			}
			queue = append(queue, next)
		}
	}
}

func chainTo(pkg string, from map[string]string) []string {
	var chain []string
	for ; pkg != "" && len(chain) < maxChainText; pkg = from[pkg] {
		chain = append(chain, pkg)
	}
	slices.Reverse(chain)
	return chain
}
