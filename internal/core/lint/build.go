package lint

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// built is one object as Flux would apply it, but for variables.
type built struct {
	node   yamledit.Node
	origin string // the file in which it began; "" if it is not known
	dir    string // the directory whose build it is part of
	text   []byte
}

func (b built) kind() string      { return text(b.node, "kind") }
func (b built) name() string      { return text(b.node, "metadata", "name") }
func (b built) namespace() string { return text(b.node, "metadata", "namespace") }

func (b built) group() string {
	group, _, ok := strings.Cut(text(b.node, "apiVersion"), "/")
	if !ok {
		return ""
	}
	return group
}

func (b built) is(group, kind string) bool { return b.kind() == kind && b.group() == group }

// title names the object in messages.
func (b built) title() string { return b.kind() + " " + b.name() }

// build is what a directory gives.
type build struct{ objects []built }

// objects builds a directory, or one file. What cannot have changed gives
// nothing.
func (l *linter) objects(at string) []built {
	if b, ok := l.built[at]; ok {
		return b.objects
	}
	b := &build{}
	l.built[at] = b // a build that holds itself ends here
	l.reach(at)
	k := l.load(at)
	isFile, _ := l.exists(at)
	switch {
	case isFile:
		b.objects = l.raw(at)
	case !l.touched(at) || l.failed != nil:
	case k == nil:
		for _, part := range l.parts(at) {
			b.objects = append(b.objects, l.objects(part)...)
		}
	case k.grouping:
		for _, r := range k.refs {
			b.objects = append(b.objects, l.objects(r.path)...)
		}
	default:
		b.objects = l.render(k)
	}
	return b.objects
}

// raw are the objects of a file.
func (l *linter) raw(name string) []built {
	if l.affected != nil && !l.concerns(name) && !l.affected[name] {
		return nil
	}
	return l.written(name)
}

// written are the objects of a file as they stand in it.
func (l *linter) written(name string) []built {
	var out []built
	roots := l.documents(name)
	lines := bytes.SplitAfter(l.read(name).content, []byte("\n"))
	for i, root := range roots {
		from, to := root.Line()-1, len(lines)
		if i+1 < len(roots) {
			to = roots[i+1].Line() - 1
		}
		own := bytes.TrimRight(bytes.Join(lines[from:to], nil), "-\n")
		for _, object := range listed(root) {
			out = append(out, built{node: object, origin: name, dir: path.Dir(name), text: own})
		}
	}
	return out
}

// listed are the objects of a List, which API servers take apart.
func listed(root yamledit.Node) []yamledit.Node {
	if text(root, "kind") != "List" {
		return []yamledit.Node{root}
	}
	items, _ := root.Get("items")
	return items.Items()
}

// parts are what Flux takes from a directory without a kustomization: its files,
// and the directories below, of which those with a kustomization count as one.
func (l *linter) parts(dir string) []string {
	var out []string
	for _, name := range l.below(dir) {
		at := path.Dir(name)
		for at != dir && l.kustomizations[at] == nil {
			at = path.Dir(at)
		}
		switch {
		case at != dir:
			out = append(out, l.outermost(dir, at))
		case isYAML(name):
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// outermost is the first directory with a kustomization on the way from a
// directory to one below it.
func (l *linter) outermost(dir, at string) string {
	for up := path.Dir(at); up != dir; up = path.Dir(up) {
		if l.kustomizations[up] != nil {
			at = up
		}
	}
	return at
}

// render builds what is more than a list.
func (l *linter) render(k *kustomization) []built {
	if k.odd || k.remote || text(k.root, "kind") == "Component" || l.oddBelow(k, map[string]bool{}) {
		return nil
	}
	objects, err := l.options.Build(k.dir)
	switch kind := core.KindOf(err); {
	case err != nil && kind != core.Invalid && kind != core.NotFound && kind != core.Internal:
		l.failed = core.Errorf(kind, "build %s: %w", k.dir, err)
		return nil
	case err != nil:
		l.report(ruleBuild, k.file, 0, 0, err.Error(), "correct it; kustomize build "+k.dir+" shows the whole error")
		return nil
	}
	var out []built
	for _, o := range objects {
		f, err := yamledit.Parse(o.Text)
		if err != nil {
			continue // of kustomize's own making, which no one can correct
		}
		if root, ok := f.Doc(0); ok && root.Kind() == yamledit.Mapping {
			out = append(out, built{node: root, origin: o.Origin, dir: k.dir, text: o.Text})
		}
	}
	return out
}

// oddBelow tells whether something that a kustomization builds on has been told
// of already, or lies elsewhere.
func (l *linter) oddBelow(k *kustomization, seen map[string]bool) bool {
	for _, r := range k.refs {
		if seen[r.path] {
			continue
		}
		seen[r.path] = true
		if next := l.load(r.path); next != nil && (next.odd || next.remote || l.oddBelow(next, seen)) {
			return true
		}
		if isFile, _ := l.exists(r.path); isFile && isYAML(r.path) && l.parse(r.path) == nil {
			return true
		}
	}
	return false
}

// reach notes that a cluster's builds hold a directory, and all that it names.
func (l *linter) reach(at string) {
	if l.reached[at] {
		return
	}
	l.reached[at] = true
	if !l.whole() {
		return
	}
	if k := l.kustomizations[at]; k != nil {
		for _, r := range k.refs {
			l.reach(r.path)
		}
	}
}

// place finds where in the files something of a built object was written: in
// the file in which it began, or in what changed it on the way.
func (l *linter) place(b built, at yamledit.Path) (string, yamledit.Node) {
	want, _ := b.node.At(at)
	best, bestFile, depth := yamledit.Node{}, "", -1
	for _, file := range l.sources(b) {
		for _, root := range l.members(file) {
			if text(root, "kind") != b.kind() || !strings.Contains(b.name(), text(root, "metadata", "name")) {
				continue
			}
			n, d := deepest(root, at)
			if d == len(at) && n.Kind() == want.Kind() && n.Text() == want.Text() {
				return file, n
			}
			if d > depth {
				best, bestFile, depth = n, file, d
			}
		}
	}
	if n, ok := l.transformed(b, at, want); ok {
		return l.kustomizations[b.dir].file, n
	}
	if k := l.kustomizations[b.dir]; depth < 0 && k != nil {
		return k.file, k.root
	}
	return bestFile, best
}

// sources are the files that can hold a part of an object: the one in which it
// began, and the patches of the build.
func (l *linter) sources(b built) []string {
	var out []string
	if b.origin != "" {
		out = append(out, b.origin)
	}
	if k := l.load(b.dir); k != nil {
		for _, r := range k.refs {
			if isFile, _ := l.exists(r.path); isFile && isYAML(r.path) && r.path != b.origin {
				out = append(out, r.path)
			}
		}
	}
	return out
}

// transformed finds what kustomize itself wrote: an image's tag, the namespace.
func (l *linter) transformed(b built, at yamledit.Path, want yamledit.Node) (yamledit.Node, bool) {
	k := l.load(b.dir)
	if k == nil || len(at) == 0 {
		return yamledit.Node{}, false
	}
	switch at[len(at)-1].Key {
	case "namespace":
		return k.root.Get("namespace")
	case "image":
		images, _ := k.root.Get("images")
		for _, item := range images.Items() {
			if name := text(item, "name"); name != "" && strings.Contains(want.Text(), name) {
				if tag, ok := item.Get("newTag"); ok {
					return tag, true
				}
				return item, true
			}
		}
	}
	return yamledit.Node{}, false
}

// members are the objects of a file, those of Lists included.
func (l *linter) members(name string) []yamledit.Node {
	var out []yamledit.Node
	for _, root := range l.documents(name) {
		out = append(out, listed(root)...)
	}
	return out
}

// deepest follows a path as far as it leads.
func deepest(n yamledit.Node, at yamledit.Path) (yamledit.Node, int) {
	for i := range at {
		next, err := n.At(at[i : i+1])
		if err != nil {
			return n, i
		}
		n = next
	}
	return n, len(at)
}

func keys(names ...string) yamledit.Path {
	var out yamledit.Path
	for _, name := range names {
		out = append(out, yamledit.Key(name))
	}
	return out
}

// tell reports something of a built object.
func (l *linter) tell(rule string, b built, at yamledit.Path, reason, fix string) {
	file, n := l.place(b, at)
	if file == "" {
		file = b.dir
	}
	l.at(rule, file, n, reason, fix)
}
