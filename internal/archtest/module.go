package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the source of a module, without its tests.
type Module struct {
	Path     string // as go.mod has it
	Dir      string
	Packages []*Package // by path
	fset     *token.FileSet
}

// Package is one package of a module.
type Package struct {
	Path  string // below the module's; "." for its root
	Name  string
	files []*file
	info  *types.Info
	scope *types.Scope
}

// file is one parsed file.
type file struct {
	name      string // its path below the module's directory
	lines     int
	generated bool
	syntax    *ast.File
}

// Load reads the module in a directory. Files that do not parse are an error,
// because no rule could be checked in them; files that do not compile are not.
func Load(dir string) (*Module, error) {
	name, err := moduleName(dir)
	if err != nil {
		return nil, err
	}
	m := &Module{Path: name, Dir: dir, fset: token.NewFileSet()}
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if p != dir && outside(p, d.Name()) {
			return fs.SkipDir
		}
		return m.loadPackage(p)
	})
	if err != nil {
		return nil, fmt.Errorf("load module in %s: %w", dir, err)
	}
	slices.SortFunc(m.Packages, func(a, b *Package) int { return strings.Compare(a.Path, b.Path) })
	return m, nil
}

func moduleName(dir string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("read the module's name: %w", err)
	}
	for line := range strings.Lines(string(content)) {
		if name, found := strings.CutPrefix(line, "module "); found {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("read the module's name: %s/go.mod has no module line", dir)
}

// outside tells whether the go command would not look into a directory.
func outside(dir, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (m *Module) loadPackage(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(m.Dir, dir)
	if err != nil {
		return err
	}
	p := &Package{Path: filepath.ToSlash(rel)}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := m.loadFile(name)
		if err != nil {
			return err
		}
		if !neverBuilt(f.syntax) {
			p.files = append(p.files, f)
			p.Name = f.syntax.Name.Name
		}
	}
	if len(p.files) == 0 {
		return nil
	}
	p.resolve(m)
	m.Packages = append(m.Packages, p)
	return nil
}

func (m *Module) loadFile(name string) (*file, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(m.Dir, name)
	if err != nil {
		return nil, err
	}
	rel = filepath.ToSlash(rel)
	syntax, err := parser.ParseFile(m.fset, rel, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		name: rel, syntax: syntax, generated: ast.IsGenerated(syntax),
		lines: bytes.Count(content, []byte("\n")),
	}, nil
}

// neverBuilt tells whether a file has the constraint "ignore", as scripts for
// go run have.
func neverBuilt(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if group.Pos() < f.Package && constraint.IsGoBuild(c.Text) && strings.Contains(c.Text, "ignore") {
				return true
			}
		}
	}
	return false
}

// resolve finds out what each name refers to, as far as that can be known
// without reading other packages: it is what tells a package's name from a
// variable's, and a package's variable from a function's.
func (p *Package) resolve(m *Module) {
	p.info = &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	files := make([]*ast.File, len(p.files))
	for i, f := range p.files {
		files[i] = f.syntax
	}
	config := types.Config{Importer: hollow{}, Error: func(error) {}}
	checked, _ := config.Check(m.Path+"/"+p.Path, m.fset, files, p.info) // names of other packages are missing, of course
	p.scope = checked.Scope()
}

// hollow imports every package as an empty one.
type hollow struct{}

// Import implements types.Importer.
func (hollow) Import(imported string) (*types.Package, error) {
	name := path.Base(imported)
	if _, err := strconv.Atoi(strings.TrimPrefix(name, "v")); err == nil {
		name = path.Base(path.Dir(imported)) // such as math/rand/v2
	}
	p := types.NewPackage(imported, name)
	p.MarkComplete()
	return p, nil
}

// position is "file:line" of a place in the source.
func (m *Module) position(pos token.Pos) string {
	p := m.fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}
