package overlay

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Footprint is everything in a tree that may decide what Flux applies to one
// cluster: the cluster's own directories, and what their files name outside of
// them, such as bases, components and shared sources of variables, and what
// these name in turn.
type Footprint struct {
	parts []Input // ordered by path, none below another
}

// Differs names a place, of a file or a directory, at which two footprints are
// not the same; ok is false if there is none.
func (f Footprint) Differs(o Footprint) (place string, ok bool) {
	for i, j := 0, 0; i < len(f.parts) || j < len(o.parts); {
		switch {
		case j == len(o.parts) || i < len(f.parts) && f.parts[i].Path < o.parts[j].Path:
			return f.parts[i].Path, true
		case i == len(f.parts) || f.parts[i].Path > o.parts[j].Path:
			return o.parts[j].Path, true
		case f.parts[i].SHA != o.parts[j].SHA:
			return f.parts[i].Path, true
		}
		i, j = i+1, j+1
	}
	return "", false
}

// Surveyor finds footprints and remembers what the directories name, by the
// names of Git's objects, so that a footprint costs what has changed since an
// earlier one. It must not be used by two goroutines at once.
//
// It does not understand manifests. Any word in a file of YAML that leads from
// there, or from the monorepo's root, to something that exists counts as named:
// a call to Flux that was not needed costs less than one that was not made.
type Surveyor struct {
	named map[place][]string
	size  int // of all lists
}

// place is a directory or file with its content, in a tree of which the root has
// certain names: by these a word is known to lead somewhere.
type place struct {
	path  string
	sha   core.SHA
	roots string
}

// NewSurveyor makes a surveyor that remembers nothing yet.
func NewSurveyor() *Surveyor { return &Surveyor{named: map[place][]string{}} }

// Footprint finds what a cluster of an environment is made from. What the
// layout gives no directory of its own is not part of it: there, the inputs of
// the overlays are all that is known.
func (s *Surveyor) Footprint(t Tree, p *policy.Policy, env core.Env, cluster core.Cluster) (Footprint, error) {
	v := &visit{surveyor: s, tree: newLookup(t), found: map[string]core.SHA{}}
	entries, err := v.tree.list("")
	if err != nil {
		return Footprint{}, err
	}
	for _, e := range entries {
		v.roots += e.Name + "/"
	}
	for _, pattern := range p.Layout {
		if root, ok := RootOf(pattern, env, cluster); ok {
			if err := v.take(root); err != nil {
				return Footprint{}, err
			}
		}
	}
	return v.footprint(), nil
}

// RootOf is the directory of a cluster in a pattern: up to its placeholder or that
// of its environment, whichever comes last, unless that of the app comes before.
func RootOf(p policy.Pattern, env core.Env, cluster core.Cluster) (string, bool) {
	var parts []string
	root := ""
	for _, s := range p.Segments() {
		switch s.Placeholder {
		case policy.AppPlaceholder:
			return root, root != ""
		case policy.EnvPlaceholder:
			parts = append(parts, string(env)+s.Extension)
			root = strings.Join(parts, "/")
		case policy.ClusterPlaceholder:
			parts = append(parts, string(cluster)+s.Extension)
			root = strings.Join(parts, "/")
		default:
			parts = append(parts, s.Literal)
		}
	}
	return root, root != ""
}

// visit is one search for a footprint.
type visit struct {
	surveyor *Surveyor
	tree     *lookup
	roots    string // the names in the root
	found    map[string]core.SHA
}

// take adds what stands at a path, if anything does, and what that names.
func (v *visit) take(p string) error {
	if _, done := v.found[p]; done {
		return nil
	}
	e, ok, err := v.tree.entry(p)
	if err != nil || !ok {
		return err
	}
	v.found[p] = e.identity()
	names, err := v.names(p, e)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !within(name, p) {
			if err := v.take(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// footprint leaves out what stands below something else that is in it.
func (v *visit) footprint() Footprint {
	var f Footprint
	for p, sha := range v.found {
		if !below(p, v.found) {
			f.parts = append(f.parts, Input{Path: p, SHA: sha})
		}
	}
	slices.SortFunc(f.parts, func(a, b Input) int { return strings.Compare(a.Path, b.Path) })
	return f
}

// names lists the paths that a file, or any file below a directory, names and
// that may lie elsewhere.
func (v *visit) names(p string, e Entry) ([]string, error) {
	s, key := v.surveyor, place{p, e.SHA, v.roots}
	if list, ok := s.named[key]; ok {
		return list, nil
	}
	var list []string
	var err error
	switch {
	case e.Type == Directory:
		list, err = v.namesBelow(p)
	case e.Type == Regular && isYAML(path.Base(p)):
		list, err = namesIn(v.tree, p)
	}
	if err != nil {
		return nil, err
	}
	if s.size += len(list) + 1; s.size > maxNamed {
		s.named, s.size = map[place][]string{}, len(list)+1
	}
	s.named[key] = list
	return list, nil
}

func (v *visit) namesBelow(dir string) ([]string, error) {
	entries, err := v.tree.list(dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		names, err := v.names(under(dir, e.Name), e)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !within(name, dir) {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return slices.Clip(slices.Compact(list)), nil
}

// namesIn finds the words of one file that can be paths. What is too large for
// a manifest names nothing.
func namesIn(t *lookup, file string) ([]string, error) {
	src, err := t.Read(file)
	if core.KindOf(err) == core.Invalid && err != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	roots, err := t.list("")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, word := range words(src) {
		if p, ok := leads(word, path.Dir(file), roots); ok {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return slices.Clip(slices.Compact(list)), nil
}

// words are the runs of characters that paths are made of, as far as they hold
// a slash.
func words(src []byte) []string {
	var out []string
	for _, f := range bytes.FieldsFunc(src, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`,;[]{}()<>|&*!=#", r) }) {
		if len(f) <= maxWord && bytes.IndexByte(f, '/') >= 0 && !bytes.Contains(f, []byte("://")) {
			out = append(out, string(f))
		}
	}
	return out
}

// leads resolves a word: from the file's directory if it begins with "..", or
// from the root if it begins, with "./" or without, with something that is there.
func leads(word, dir string, roots []Entry) (string, bool) {
	if strings.HasPrefix(word, "../") {
		p := path.Join(dir, word)
		return p, p != "." && p != ".." && !strings.HasPrefix(p, "../")
	}
	p := path.Clean(strings.TrimPrefix(word, "/"))
	first, _, _ := strings.Cut(p, "/")
	_, ok := named(roots, first)
	return p, ok && p != "."
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// ChangedFiles lists the files in which two trees differ, sorted; complete is
// false, and the list nil, if there are more than limit.
func ChangedFiles(was, is Tree, limit int) (files []string, complete bool, err error) {
	changed, err := diff(was, is)
	if err != nil {
		return nil, false, err
	}
	for p, c := range changed {
		if c.was.isFile() || c.is.isFile() {
			files = append(files, p)
		}
	}
	if len(files) > limit {
		return nil, false, nil
	}
	slices.Sort(files)
	return files, true, nil
}

func (e Entry) isFile() bool { return e.Name != "" && e.Type != Directory }
