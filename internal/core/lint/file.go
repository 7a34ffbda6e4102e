package lint

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// maxFiles bounds the files of a tree, and maxDepth its directories: both are far
// above the largest monorepos, and keep a wrong DIR from being read whole.
const (
	maxFiles = 400_000
	maxDepth = 64
)

// file is a file that has been read, once.
type file struct {
	content []byte
	yaml    *yamledit.File // nil if it is none
}

// survey lists all files. Directories whose name begins with a dot hold nothing
// that Flux applies.
func (l *linter) survey() error {
	return l.list("", 0)
}

func (l *linter) list(dir string, depth int) error {
	entries, err := l.tree.List(dir)
	if err != nil {
		return core.Errorf(core.KindOf(err), "list %s: %w", dir, err)
	}
	if depth > maxDepth || len(l.paths)+len(entries) > maxFiles {
		return core.Errorf(core.Invalid, "%s: more than %d files, or %d directories in one another; name a directory that holds the monorepo alone", dir, maxFiles, maxDepth)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch {
		case e.Type == overlay.Regular:
			l.paths = append(l.paths, name)
		case e.Type == overlay.Directory && !strings.HasPrefix(e.Name, "."):
			if err := l.list(name, depth+1); err != nil {
				return err
			}
		}
	}
	if depth == 0 {
		slices.Sort(l.paths)
	}
	return nil
}

// exists tells whether a path names a file, or a directory with files.
func (l *linter) exists(name string) (isFile, isDir bool) {
	if name == "" || name == "." {
		return false, true
	}
	if _, ok := slices.BinarySearch(l.paths, name); ok {
		return true, false
	}
	return false, len(l.below(name)) > 0
}

// below are the files in a directory and in those below it.
func (l *linter) below(dir string) []string {
	if dir == "" || dir == "." {
		return l.paths
	}
	from, _ := slices.BinarySearch(l.paths, dir+"/")
	to, _ := slices.BinarySearch(l.paths, dir+"0") // "0" comes right behind "/"
	return l.paths[from:to]
}

// read gives a file, whose content is nil if it cannot be read.
func (l *linter) read(name string) *file {
	if f, ok := l.files[name]; ok {
		return f
	}
	f := &file{}
	l.files[name] = f
	content, err := l.tree.Read(name)
	switch kind := core.KindOf(err); {
	case err == nil:
		f.content = content
	case kind != core.NotFound && kind != core.Invalid && l.failed == nil:
		l.failed = core.Errorf(kind, "read %s: %w", name, err)
	}
	return f
}

// parse gives a file's documents; it tells once of one that is no YAML.
func (l *linter) parse(name string) *yamledit.File {
	f := l.read(name)
	if f.yaml != nil || f.content == nil {
		return f.yaml
	}
	parsed, err := yamledit.Parse(f.content)
	if err != nil {
		f.content = nil
		line, column, reason := placeOf(err)
		l.report(ruleYAML, name, line, column, "it is no YAML: "+reason, "correct it")
		return nil
	}
	f.yaml = parsed
	return parsed
}

// placeOf splits an error of yamledit into its place and the reason.
func placeOf(err error) (line, column int, reason string) {
	var e *yamledit.Error
	if errors.As(err, &e) {
		return e.Line, e.Column, e.Reason
	}
	return 0, 0, err.Error()
}

// documents are the roots of a file that are mappings.
func (l *linter) documents(name string) []yamledit.Node {
	var out []yamledit.Node
	f := l.parse(name)
	if f == nil {
		return nil
	}
	for i := range f.Len() {
		if root, _ := f.Doc(i); root.Kind() == yamledit.Mapping {
			out = append(out, root)
		}
	}
	return out
}

// rules reads the policy and tells what is wrong with it.
func (l *linter) rules() {
	if isFile, _ := l.exists(policy.FileName); !isFile {
		return
	}
	p, err := policy.Parse(policy.FileName, l.read(policy.FileName).content)
	var problems policy.Problems
	switch {
	case err == nil:
		l.policy = p
	case errors.As(err, &problems):
		for _, one := range problems {
			l.report(rulePolicy, policy.FileName, one.Line, one.Column, one.Message, "correct it; Sluice reads the policy from the default branch alone")
		}
	default:
		l.report(rulePolicy, policy.FileName, 0, 0, err.Error(), "correct it")
	}
}

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// text is a scalar below a node, "" if there is none.
func text(n yamledit.Node, keys ...string) string {
	found, _ := n.Get(keys...)
	return found.Text()
}
