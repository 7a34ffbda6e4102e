package archtest

import (
	"go/ast"
	"go/token"
	"strings"
)

const (
	whyPackageDoc = "a package opens with a paragraph: what it is for, what it refuses to do"
	whyDoc        = "an exported name has a comment that is a contract or a reason"
	whyAny        = "any tells the caller nothing and the compiler less: name a type, or a type parameter"
)

// checkDocs finds packages and exported names without a comment.
func (c *checker) checkDocs(p *Package) {
	doc := ""
	for _, f := range p.files {
		doc += f.syntax.Doc.Text()
	}
	switch {
	case doc == "":
		c.in(p.Path, whyPackageDoc, "package %s has no comment", p.Path)
	case p.Name != "main" && !strings.HasPrefix(doc, "Package "+p.Name+" "):
		c.in(p.Path, whyPackageDoc, "the comment of package %s does not begin with %q", p.Path, "Package "+p.Name)
	case len(doc) < minPackageDoc:
		c.in(p.Path, whyPackageDoc, "the comment of package %s has %d characters: it cannot say both", p.Path, len(doc))
	}
	p.declarations(func(d ast.Decl) {
		switch d := d.(type) {
		case *ast.FuncDecl:
			c.checkFuncDoc(d)
		case *ast.GenDecl:
			c.checkSpecDocs(d)
		}
	})
}

func (c *checker) checkFuncDoc(f *ast.FuncDecl) {
	if exportedFunc(f) && f.Doc.Text() == "" {
		c.at(f.Pos(), whyDoc, "%s has no comment", funcName(f))
	}
}

// checkSpecDocs takes the comment of a group for all its constants or
// variables, and wants one for each type.
func (c *checker) checkSpecDocs(d *ast.GenDecl) {
	grouped := d.Doc.Text() != ""
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc.Text() == "" && (!grouped || d.Lparen != token.NoPos) {
				c.at(s.Pos(), whyDoc, "type %s has no comment", s.Name.Name)
			}
		case *ast.ValueSpec:
			if !grouped && s.Doc.Text() == "" && s.Comment.Text() == "" {
				c.checkValueDoc(s)
			}
		}
	}
}

func (c *checker) checkValueDoc(s *ast.ValueSpec) {
	for _, name := range s.Names {
		if name.IsExported() {
			c.at(name.Pos(), whyDoc, "%s has no comment", name.Name)
		}
	}
}

// exportedFunc tells whether other packages can call a function or method.
func exportedFunc(f *ast.FuncDecl) bool {
	return f.Name.IsExported() && (f.Recv == nil || ast.IsExported(receiver(f)))
}

func funcName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return receiver(f) + "." + f.Name.Name
}

// receiver is the name of a method's type; "" for functions.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	t := f.Recv.List[0].Type
	for {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// checkSignatures finds any in what other packages can call. The arguments of
// a format are the one place where nothing else will do.
func (c *checker) checkSignatures(p *Package) {
	if p.Name == "main" || forTests(p.Path) {
		return
	}
	p.declarations(func(d ast.Decl) {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if exportedFunc(d) {
				c.checkSignature(p, funcName(d), d.Type)
			}
		case *ast.GenDecl:
			c.checkInterfaces(p, d)
		}
	})
}

func (c *checker) checkInterfaces(p *Package, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok || !t.Name.IsExported() {
			continue
		}
		i, ok := t.Type.(*ast.InterfaceType)
		if !ok {
			continue
		}
		for _, field := range i.Methods.List {
			if f, ok := field.Type.(*ast.FuncType); ok && len(field.Names) > 0 {
				c.checkSignature(p, t.Name.Name+"."+field.Names[0].Name, f)
			}
		}
	}
}

func (c *checker) checkSignature(p *Package, name string, f *ast.FuncType) {
	fields := f.Params.List
	if n := len(fields); n > 0 && strings.HasSuffix(name, "f") {
		if _, variadic := fields[n-1].Type.(*ast.Ellipsis); variadic {
			fields = fields[:n-1]
		}
	}
	if f.Results != nil {
		fields = append(fields[:len(fields):len(fields)], f.Results.List...)
	}
	for _, field := range fields {
		if p.mentionsAny(field.Type) {
			c.at(field.Pos(), whyAny, "the signature of %s has any", name)
		}
	}
}

func (p *Package) mentionsAny(t ast.Expr) (found bool) {
	ast.Inspect(t, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			found = found || p.isUniverse(n, "any")
		case *ast.InterfaceType:
			found = found || len(n.Methods.List) == 0
		}
		return !found
	})
	return found
}
