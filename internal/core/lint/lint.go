package lint

import (
	"bytes"
	"path"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Object is one object of a build.
type Object struct {
	Text   []byte // as YAML
	Origin string // the file in which it began, before patches; "" if it is not known
}

// Violation is one thing in an object that its API does not take.
type Violation struct {
	Path        yamledit.Path // to the deepest node that is there
	Removed     bool          // the API itself is gone
	Reason, Fix string
}

// Checker knows what the APIs take. What it does not know has no violations.
type Checker interface {
	// Check looks at one object. A scalar that holds a variable of Flux may hold
	// anything.
	Check(object yamledit.Node) []Violation
	// Learn makes the API of a CustomResourceDefinition known.
	Learn(crd yamledit.Node)
}

// Options say what to look at, and with what.
type Options struct {
	// Build builds the kustomization of a directory of the tree. The error is of
	// kind core.Invalid if it does not build, and core.Transient if there is no more
	// time for it, which ends everything.
	Build   func(dir string) ([]Object, error)
	Checker Checker // nil: no object is held against its API
	// Changed are the files to look at, and at what is built from them, those that
	// are gone included. What can only be told of the whole is left out. Nil:
	// everything.
	Changed []string
}

// Lint finds what is wrong in a tree, ordered by place. An error means that the
// tree could not be read, or not be built in time.
func Lint(t overlay.Tree, o Options) ([]Finding, error) {
	l := &linter{tree: t, options: o, files: map[string]*file{}, kustomizations: map[string]*kustomization{}, built: map[string]*build{}, reached: map[string]bool{}, strange: map[string]bool{}}
	if err := l.survey(); err != nil {
		return nil, err
	}
	l.rules()
	l.widen()
	l.references()
	l.affect()
	l.secrets()
	for _, c := range l.clusters() {
		l.cluster(c)
	}
	l.leftovers()
	l.versions()
	if l.failed != nil {
		return nil, l.failed
	}
	return tidy(l.relevant()), nil
}

// linter collects what is found.
type linter struct {
	tree           overlay.Tree
	options        Options
	policy         *policy.Policy // nil if there is none that can be read
	paths          []string       // of all files, sorted
	files          map[string]*file
	kustomizations map[string]*kustomization // by directory
	affected       map[string]bool           // directories of kustomizations; nil: all
	built          map[string]*build
	reached        map[string]bool // directories that a cluster's builds hold
	strange        map[string]bool // directories of clusters that the policy does not name
	found          []Finding
	failed         error
}

// widen looks at everything where something has changed that other objects
// depend on by its name: they are wrong then, and have not changed themselves.
func (l *linter) widen() {
	for _, name := range l.options.Changed {
		content := l.read(name).content
		gone := content == nil && isYAML(name)
		if gone || name == policy.FileName || declares(content) || bytes.Contains(content, []byte(fluxGroup)) || bytes.Contains(content, []byte("kind: ConfigMap")) {
			l.options.Changed = nil
			return
		}
	}
}

// relevant are the findings without those of files that had to be read on the
// way, and whose builds have not changed.
func (l *linter) relevant() []Finding {
	if l.whole() {
		return l.found
	}
	return slices.DeleteFunc(l.found, func(f Finding) bool {
		return (f.Rule == rulePath || f.Rule == ruleYAML) && !l.concerns(f.File) && !l.affected[path.Dir(f.File)]
	})
}

func (l *linter) whole() bool { return l.options.Changed == nil }

// concerns tells whether a file is one of those to look at.
func (l *linter) concerns(name string) bool {
	return l.whole() || slices.Contains(l.options.Changed, name)
}

func (l *linter) report(rule, file string, line, column int, reason, fix string) {
	l.found = append(l.found, Finding{File: file, Line: line, Column: column, Rule: rule, Severity: severityOf(rule), Reason: reason, Fix: fix})
}

func (l *linter) at(rule, file string, n yamledit.Node, reason, fix string) {
	l.report(rule, file, n.Line(), n.Column(), reason, fix)
}
