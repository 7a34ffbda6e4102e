package lint

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// kustomization is one kustomization.yaml and what it names.
type kustomization struct {
	dir, file string
	loaded    bool
	root      yamledit.Node
	refs      []reference
	// grouping is set if it lists resources and changes nothing about them, so that
	// its build is that of its parts.
	grouping bool
	odd      bool // it could not be read, or names what is not there: that has been told
	remote   bool // it builds on something outside of the tree
}

// reference is a path that a kustomization names.
type reference struct {
	path     string // from the tree's root
	resource bool   // one of resources, bases and components
	patch    bool
	node     yamledit.Node
}

func isKustomization(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(name))
}

// references finds the kustomizations and, in a run over everything, what they name.
func (l *linter) references() {
	for _, name := range l.paths {
		if isKustomization(name) {
			dir := path.Dir(name)
			l.kustomizations[dir] = &kustomization{dir: dir, file: name}
		}
	}
	if l.whole() {
		for _, dir := range slices.Sorted(maps.Keys(l.kustomizations)) {
			l.load(dir)
		}
	}
}

// load reads the kustomization of a directory; nil if it has none.
func (l *linter) load(dir string) *kustomization {
	k := l.kustomizations[dir]
	if k == nil || k.loaded {
		return k
	}
	k.loaded = true
	docs := l.documents(k.file)
	if len(docs) == 0 {
		k.odd = true
		return k
	}
	k.root, k.grouping = docs[0], len(docs) == 1
	for pair := range k.root.Pairs() {
		l.name(k, pair.Key, pair.Value)
	}
	return k
}

// name notes what stands under one key of a kustomization.
func (l *linter) name(k *kustomization, key string, value yamledit.Node) {
	switch key {
	case "resources":
		l.refer(k, value.Items(), true, false)
		return
	case "apiVersion", "kind", "metadata":
		return
	}
	k.grouping = false
	switch key {
	case "bases", "components":
		l.refer(k, value.Items(), true, false)
	case "crds", "configurations", "transformers", "generators", "validators":
		l.refer(k, value.Items(), false, false)
	case "patchesStrategicMerge":
		l.refer(k, value.Items(), false, true)
	case "patches", "patchesJson6902", "replacements":
		l.refer(k, under(value.Items(), "path"), false, key != "replacements")
	case "openapi":
		l.refer(k, under([]yamledit.Node{value}, "path"), false, false)
	case "configMapGenerator", "secretGenerator":
		for _, item := range value.Items() {
			files, _ := item.Get("files")
			envs, _ := item.Get("envs")
			l.refer(k, slices.Concat(files.Items(), envs.Items(), under([]yamledit.Node{item}, "env")), false, false)
		}
	}
}

func under(items []yamledit.Node, key string) []yamledit.Node {
	var out []yamledit.Node
	for _, item := range items {
		if n, ok := item.Get(key); ok {
			out = append(out, n)
		}
	}
	return out
}

// refer notes paths, and tells of those that lead nowhere.
func (l *linter) refer(k *kustomization, nodes []yamledit.Node, resource, patch bool) {
	for _, n := range nodes {
		written := n.Text()
		if _, after, ok := strings.Cut(written, "="); ok && !resource {
			written = after
		}
		switch {
		case written == "" || strings.ContainsAny(written, "\n{"):
			continue
		case remote(written):
			k.remote = true
			continue
		}
		target := path.Join(k.dir, written)
		k.refs = append(k.refs, reference{path: target, resource: resource, patch: patch, node: n})
		isFile, isDir := l.exists(target)
		switch _, holds := l.kustomizations[target]; {
		case !isFile && !isDir:
			l.missing(k, n, target)
		case isDir && resource && !holds:
			k.odd = true
			l.at(rulePath, k.file, n, target+" has no kustomization.yaml, and kustomize builds no directory without one", "add one that lists its files, or name the files here")
		}
	}
}

func (l *linter) missing(k *kustomization, n yamledit.Node, target string) {
	k.odd = true
	fix := "add it, or remove the entry"
	if near := l.similar(target); near != "" {
		fix = "did you mean " + relative(k.dir, near) + "?"
	}
	if strings.HasPrefix(target, "../") || target == ".." {
		fix = "name something inside of the repository"
	}
	l.at(rulePath, k.file, n, target+" is not there, so kustomize builds nothing of "+k.dir, fix)
}

// similar finds a file or directory of almost the same name beside the one that
// is missing.
func (l *linter) similar(target string) string {
	dir, want := path.Split(target)
	seen := map[string]bool{}
	for _, name := range l.below(path.Clean(dir)) {
		first, _, _ := strings.Cut(strings.TrimPrefix(name, dir), "/")
		seen[first] = true
	}
	best, distance := "", 3
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if d := editDistance(want, name); d < distance {
			best, distance = path.Join(dir, name), d
		}
	}
	return best
}

func relative(from, to string) string {
	up := ""
	for from != "." && from != "" && !strings.HasPrefix(to, from+"/") {
		from, up = path.Dir(from), up+"../"
	}
	return up + strings.TrimPrefix(to, from+"/")
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// remote tells a URL, as kustomize takes them, from a path.
func remote(text string) bool {
	return strings.Contains(text, "://") || strings.Contains(text, "?ref=") || strings.HasPrefix(text, "git@") || strings.HasPrefix(text, "github.com/") || strings.Contains(text, ".git//")
}

// affect finds the directories whose build may differ, in a run over changes.
// Only those kustomizations are parsed in which the name of something that has
// changed occurs.
func (l *linter) affect() {
	if l.whole() {
		return
	}
	l.affected = map[string]bool{}
	for _, name := range l.options.Changed {
		if isKustomization(name) {
			l.include(path.Dir(name))
		}
	}
	queue := slices.Concat(l.options.Changed, slices.Sorted(maps.Keys(l.affected)))
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for dir, k := range l.kustomizations {
			if !l.affected[dir] && (k.file == name || l.mentions(k, name)) {
				l.affected[dir] = true
				queue = append(queue, dir)
			}
		}
	}
}

// include counts all that a changed kustomization names as changed: it may be new
// there.
func (l *linter) include(dir string) {
	k := l.load(dir)
	if k == nil {
		return
	}
	for _, r := range k.refs {
		if r.resource && !l.affected[r.path] {
			l.affected[r.path] = true
			l.include(r.path)
		}
	}
}

func (l *linter) mentions(k *kustomization, name string) bool {
	content := string(l.read(k.file).content)
	if !strings.Contains(content, path.Base(name)) && !strings.Contains(content, "..\n") && !strings.Contains(content, "../\n") {
		return false
	}
	l.load(k.dir)
	return slices.ContainsFunc(k.refs, func(r reference) bool { return r.path == name })
}

// touched tells whether what is built from a directory may differ.
func (l *linter) touched(dir string) bool {
	if l.affected == nil || l.affected[dir] {
		return true
	}
	return l.kustomizations[dir] == nil && slices.ContainsFunc(l.options.Changed, func(name string) bool { return strings.HasPrefix(name, dir+"/") })
}
