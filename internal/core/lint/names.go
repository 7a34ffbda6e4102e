package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/fluxlint"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// flux holds the cluster's Flux objects against what keeps Flux from telling the
// truth.
func (l *linter) flux(c *cluster) {
	files := map[string][]byte{}
	for _, name := range l.below(c.dir) {
		if !l.whole() && path.Dir(name) != path.Join(c.dir, systemDir) && path.Dir(name) != c.dir {
			continue
		}
		content := l.read(name).content
		if isYAML(name) && path.Base(name) != "gotk-components.yaml" && (bytes.Contains(content, []byte(fluxGroup)) || bytes.Contains(content, []byte("notification.toolkit.fluxcd.io"))) {
			files[name] = content
		}
	}
	if !l.whole() && !slices.ContainsFunc(l.options.Changed, func(name string) bool { return files[name] != nil }) {
		return
	}
	for _, f := range fluxlint.Lint(files) {
		l.found = append(l.found, Finding{File: f.File, Line: f.Line, Column: f.Column, Rule: f.Rule, Severity: Warning, Reason: f.Reason, Fix: f.Fix})
	}
}

// dependencies finds dependsOn that leads nowhere or round in a circle, among
// Kustomizations and among HelmReleases.
func (l *linter) dependencies(c *cluster) {
	var kustomizations, releases []built
	for _, k := range c.carriers {
		kustomizations = append(kustomizations, k.built)
	}
	for _, a := range c.objects {
		if a.is(helmGroup, "HelmRelease") {
			releases = append(releases, a.built)
		}
	}
	l.graph(kustomizations, true)
	l.graph(releases, l.whole())
}

// graph judges the dependencies among objects of one kind. In a run over changes
// not all of the others may be in sight.
func (l *linter) graph(list []built, complete bool) {
	byID := map[string]built{}
	for _, b := range list {
		byID[spaced(b.namespace(), b.name())] = b
	}
	next := map[string][]string{}
	for _, b := range list {
		id := spaced(b.namespace(), b.name())
		items, _ := b.node.Get("spec", "dependsOn")
		for i, item := range items.Items() {
			name := text(item, "name")
			other := spaced(cmp.Or(text(item, "namespace"), b.namespace()), name)
			at := append(keys("spec", "dependsOn"), yamledit.Index(i))
			switch _, ok := byID[other]; {
			case strings.Contains(other, "${"):
			case ok:
				next[id] = append(next[id], other)
			case complete:
				l.tell(ruleDependsOn, b, at, fmt.Sprintf("%s waits for %s, which is not in this cluster, and so for ever", b.title(), name), "correct the name and its namespace, or remove the entry")
			}
		}
	}
	for _, id := range circles(next) {
		l.tell(ruleDependsOn, byID[id], keys("spec", "dependsOn"), fmt.Sprintf("%s waits for itself: %s", byID[id].title(), strings.Join(way(next, id), " → ")), "remove one of these dependencies")
	}
}

// circles names one member of each circle: the first by name.
func circles(next map[string][]string) []string {
	var out []string
	for id := range next {
		way := way(next, id)
		if len(way) > 0 && slices.Min(way) == id {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// way is the shortest way from a node back to itself; nil if there is none.
func way(next map[string][]string, id string) []string {
	from := map[string]string{}
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		for _, other := range next[queue[0]] {
			if other == id {
				out := []string{id}
				for at := queue[0]; at != id; at = from[at] {
					out = append(out, at)
				}
				out = append(out, id)
				slices.Reverse(out)
				return out
			}
			if _, ok := from[other]; !ok {
				from[other], queue = queue[0], append(queue, other)
			}
		}
	}
	return nil
}

// declarations are the names that a cluster's objects declare.
type declarations struct {
	namespaces, sources map[string]bool
}

// named finds objects in namespaces that nobody declares, and sources that
// nobody declares.
func (l *linter) named(c *cluster) {
	if l.incomplete(c) {
		return
	}
	d := l.declarations(c)
	for _, a := range c.objects {
		if ns := a.space(); ns != "" && !d.namespaces[ns] && !strings.Contains(ns, "${") {
			l.tell(ruleNamespace, a.built, keys("metadata", "namespace"), fmt.Sprintf("%s lies in namespace %s, which nothing in cluster %s declares", a.title(), ns, c.name),
				"declare it among the cluster's namespaces, or correct the name")
		}
		if a.is(helmGroup, "HelmRelease") {
			l.source(d, c, a.built, a.space(), "spec", "chart", "spec", "sourceRef")
			l.source(d, c, a.built, a.space(), "spec", "chartRef")
		}
	}
	for _, k := range c.carriers {
		l.source(d, c, k.built, cmp.Or(k.namespace(), systemDir), "spec", "sourceRef")
	}
}

// incomplete tells whether a part of the cluster could not be built: what it
// declares is not known then, and its own findings come first.
func (l *linter) incomplete(c *cluster) bool {
	return slices.ContainsFunc(l.found, func(f Finding) bool {
		elsewhere := strings.HasPrefix(f.File, path.Dir(c.dir)+"/") && !strings.HasPrefix(f.File, c.dir+"/")
		return slices.Contains([]string{ruleYAML, rulePath, ruleBuild, ruleFluxPath}, f.Rule) && !elsewhere
	})
}

func (l *linter) source(d declarations, c *cluster, b built, space string, at ...string) {
	ref, ok := b.node.Get(at...)
	if !ok {
		return
	}
	kind, name := text(ref, "kind"), text(ref, "name")
	id := kind + " " + spaced(cmp.Or(text(ref, "namespace"), space), name)
	if kind == "" || name == "" || d.sources[id] || strings.Contains(id, "${") {
		return
	}
	l.tell(ruleSource, b, keys(at...), fmt.Sprintf("%s takes from %s, which nothing in cluster %s declares", b.title(), id, c.name), "declare it in the cluster, or correct kind, name and namespace")
}

// declarations collects what is declared by objects in sight and, in a run over
// changes, by any file of the cluster and by the bases.
func (l *linter) declarations(c *cluster) declarations {
	d := declarations{namespaces: map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true, systemDir: true}, sources: map[string]bool{"GitRepository " + systemDir + "/" + systemDir: true}} // which bootstrap makes
	for _, a := range c.objects {
		d.add(a.built, a.space())
	}
	if l.whole() {
		return d
	}
	for _, name := range l.paths {
		outside := strings.HasPrefix(name, path.Dir(c.dir)+"/") && !strings.HasPrefix(name, c.dir+"/")
		if !isYAML(name) || outside || isKustomization(name) || path.Base(name) == "gotk-components.yaml" || !declares(l.read(name).content) {
			continue
		}
		for _, root := range l.documents(name) {
			b := built{node: root, origin: name, dir: path.Dir(name)}
			d.add(b, b.namespace())
		}
	}
	return d
}

func (d declarations) add(b built, space string) {
	switch {
	case b.is("", "Namespace"):
		d.namespaces[b.name()] = true
	case b.group() == "source.toolkit.fluxcd.io", b.group() == "source.extensions.fluxcd.io":
		d.sources[b.kind()+" "+spaced(space, b.name())] = true
	case b.is(helmGroup, "HelmRelease") && text(b.node, "spec", "install", "createNamespace") == "true":
		d.namespaces[text(b.node, "spec", "targetNamespace")] = true
	}
}

// duplicates finds objects that two builds of a cluster hold.
func (l *linter) duplicates(c *cluster) {
	first := map[string]applied{}
	for _, a := range c.objects {
		if a.name() == "" || strings.Contains(a.name()+a.space(), "${") {
			continue
		}
		id := a.group() + " " + a.kind() + " " + a.space() + "/" + a.name()
		other, ok := first[id]
		if !ok {
			first[id] = a
			continue
		}
		if a.by == other.by && a.dir == other.dir && a.origin == other.origin && bytes.Equal(a.text, other.text) {
			continue
		}
		file, n := l.place(other.built, keys("metadata", "name"))
		l.tell(ruleDuplicate, a.built, keys("metadata", "name"), fmt.Sprintf("%s is in cluster %s twice: %s, and %s at %s:%d", a.title(), c.name, a.owner(), other.owner(), file, n.Line()),
			"keep one of them")
	}
}

func (a applied) owner() string {
	if a.by == nil {
		return "by the build of " + a.dir
	}
	return "by Kustomization " + a.by.name()
}

// variable finds ${name} and what Flux's substitution lets follow the name.
// $${name} stands for itself.
func variable() *regexp.Regexp { return regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\}`) }

// variables finds those without a value, as strict substitution does.
func (l *linter) variables(c *cluster) {
	maps := map[string]yamledit.Node{}
	for _, a := range c.objects {
		if a.is("", "ConfigMap") {
			maps[spaced(a.space(), a.name())] = a.node
		}
	}
	for _, a := range c.objects {
		if a.by == nil || text(a.node, "metadata", "annotations", fluxGroup+"/substitute") == "disabled" {
			continue
		}
		post, ok := a.by.node.Get("spec", "postBuild")
		if !ok || post.IsNull() {
			continue
		}
		values, complete := l.values(a.by, post, maps)
		l.scalars(a.node, nil, func(at yamledit.Path, n yamledit.Node) {
			for _, m := range variable().FindAllStringSubmatch(n.Text(), -1) {
				if strings.HasPrefix(m[0], "$$") || values[m[1]] || m[2] != "" || !complete {
					continue
				}
				l.tell(ruleVariable, a.built, at, fmt.Sprintf("%s takes in ${%s}, for which Kustomization %s has no value", a.title(), m[1], a.by.name()),
					fmt.Sprintf("add %s to its postBuild.substitute, give a default (${%s:=…}), or write $${%s} for the text itself", m[1], m[1], m[1]))
			}
		})
	}
}

// values are the names that have a value; complete is false if some may come from
// what is not in sight.
func (l *linter) values(k *carrier, post yamledit.Node, maps map[string]yamledit.Node) (map[string]bool, bool) {
	out, complete := map[string]bool{}, true
	substitute, _ := post.Get("substitute")
	for pair := range substitute.Pairs() {
		out[pair.Key] = true
	}
	from, _ := post.Get("substituteFrom")
	for _, item := range from.Items() {
		source, ok := maps[spaced(k.namespace(), text(item, "name"))]
		if text(item, "kind") != "ConfigMap" || !ok {
			complete = false
			continue
		}
		data, _ := source.Get("data")
		for pair := range data.Pairs() {
			out[pair.Key] = true
		}
	}
	return out, complete
}

// scalars goes over all scalars of an object.
func (l *linter) scalars(n yamledit.Node, at yamledit.Path, do func(yamledit.Path, yamledit.Node)) {
	switch n.Kind() {
	case yamledit.Scalar:
		do(slices.Clone(at), n)
	case yamledit.Sequence:
		for i, item := range n.Items() {
			l.scalars(item, append(at, yamledit.Index(i)), do)
		}
	case yamledit.Mapping:
		for pair := range n.Pairs() {
			l.scalars(pair.Value, append(at, yamledit.Key(pair.Key)), do)
		}
	}
}

// declares tells whether a file may declare a namespace or a source.
func declares(content []byte) bool {
	return bytes.Contains(content, []byte("kind: Namespace")) || bytes.Contains(content, []byte("source.toolkit.fluxcd.io")) || bytes.Contains(content, []byte("createNamespace"))
}
