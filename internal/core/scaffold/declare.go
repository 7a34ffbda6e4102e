package scaffold

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// object names an object that something needs.
type object struct{ kind, namespace, name string }

// needs are the namespaces and sources that the base's objects name and that it
// does not bring along.
func (w *drafting) needs(s site) []object {
	var out []object
	add := func(o object) {
		brought := slices.ContainsFunc(w.objects, func(d document) bool { return d.kind == o.kind && d.name == o.name })
		if o.name != "" && !strings.Contains(o.name, "$") && !brought && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	space := w.namespaceOf(s)
	for _, d := range w.objects {
		namespace := d.namespace
		if space != "" {
			namespace = space
		}
		if !slices.Contains([]string{"", "default", "kube-system", "kube-public"}, namespace) {
			add(object{kind: "Namespace", name: namespace})
		}
		if d.kind != "HelmRelease" {
			continue
		}
		for _, way := range [][]string{{"chart", "spec", "sourceRef"}, {"chartRef"}} {
			ref, _ := d.spec.Get(way...)
			get := func(key string) string { n, _ := ref.Get(key); return n.Text() }
			from := get("namespace")
			if from == "" {
				from = namespace
			}
			add(object{get("kind"), from, get("name")})
		}
		target, _ := d.spec.Get("targetNamespace")
		creates, _ := d.spec.Get("install", "createNamespace")
		if target.Text() != "" && creates.Text() != "true" {
			add(object{kind: "Namespace", name: target.Text()})
		}
	}
	return out
}

// namespaceOf is what the overlay's kustomization sets for all objects.
func (w *drafting) namespaceOf(s site) string {
	file, _ := w.kustomization(s.path)
	f, err := yamledit.Parse(w.content(file))
	if err != nil {
		return ""
	}
	root, _ := f.Doc(0)
	n, _ := root.Get("namespace")
	return n.Text()
}

// declare makes the cluster have what the app needs, like another cluster that
// has it.
func (w *drafting) declare(s site) error {
	for _, o := range w.needs(s) {
		if err := w.declareOne(s, o); err != nil {
			return err
		}
	}
	return nil
}

func (w *drafting) declareOne(s site, o object) error {
	var donors, others []document
	for _, file := range sortedKeys(w.All()) {
		src := w.content(file)
		if ext := path.Ext(file); ext != ".yaml" && ext != ".yml" || !bytes.Contains(src, []byte(o.kind)) {
			continue
		}
		_, root := w.clusterOf(file)
		for _, d := range documents(file, src) {
			is := d.kind == o.kind && d.name == o.name && (o.kind == "Namespace" || d.namespace == o.namespace || d.namespace == "")
			switch {
			case is && (root == "" && !w.inBases(file) || root == s.root):
				return nil // all clusters have it, or this one
			case is && root != "":
				donors = append(donors, d)
			case d.kind == o.kind && root == s.root && o.kind == "Namespace" && path.Base(file) != components:
				others = append(others, d)
			}
		}
	}
	switch {
	case s.root == "":
		w.note(s.path, 0, "needs the %s %s; see that the cluster has it", o.kind, o.name)
		return nil
	case len(donors) > 0:
		return w.copyObject(s, o, donors[0])
	case len(others) > 0:
		return w.nameObject(s, o, others[0])
	}
	w.note(s.path, 0, "needs the %s %s, which no cluster declares; declare it", o.kind, o.name)
	return nil
}

// inBases tells whether a file is a part of a base, which is in a cluster only
// if an overlay has it there.
func (w *drafting) inBases(file string) bool {
	return w.base != "" && strings.HasPrefix(file, w.base+"/") || slices.ContainsFunc(w.bases(), func(dir string) bool { return strings.HasPrefix(file, dir+"/") })
}

// clusterOf is the cluster in whose directory a file lies.
func (w *drafting) clusterOf(file string) (core.Cluster, string) {
	for _, env := range w.policy.Environments {
		for _, c := range env.Clusters {
			for _, p := range w.policy.Layout {
				if root, ok := overlay.RootOf(p, env.Name, c); ok && strings.HasPrefix(file, root+"/") {
					return c, root
				}
			}
		}
	}
	return "", ""
}

// copyObject writes an object as another cluster has it, at the same place.
func (w *drafting) copyObject(s site, o object, from document) error {
	cluster, root := w.clusterOf(from.file)
	old, _ := w.policy.EnvironmentOf(cluster)
	n := naming{oldCluster: string(cluster), newCluster: string(s.cluster), oldEnv: string(old.Name), newEnv: string(s.env), roots: map[string]string{root: s.root}}
	if n.newCluster == "" {
		n.newCluster = n.oldCluster
	}
	_, n.shy = w.policy.Environment(core.Env(n.oldCluster))
	text := n.relabelled([]byte(n.text(string(from.text))))
	w.say("%s: %s %s is declared as in %s", s.path, o.kind, o.name, from.file)
	file := s.root + strings.TrimPrefix(from.file, root)
	if from.alone {
		if _, there := w.Read(file); !there {
			text = n.relabelled([]byte(n.text(string(w.content(from.file)))))
		}
	}
	if err := w.place(file, text); err != nil {
		return err
	}
	for _, note := range w.doubts(n, file) {
		w.note(note.File, note.Line, "%s", note.Text)
	}
	return nil
}

func (w *drafting) doubts(n naming, file string) []Note {
	if _, there := w.old[file]; there {
		return nil
	}
	d := newDraft(nil)
	n.look(d, file, w.content(file))
	return d.Notes
}

// nameObject writes a namespace that looks like one beside it.
func (w *drafting) nameObject(s site, o object, like document) error {
	f, err := yamledit.Parse(like.text)
	if err != nil {
		return err
	}
	edits := []yamledit.Edit{{Path: Keys("metadata", "name"), Old: like.name, New: o.name}}
	for _, sc := range scalars(like.text) {
		if sc.node.Text() == like.name && sc.path.String() != "metadata.name" {
			edits = append(edits, yamledit.Edit{Path: sc.path, Old: like.name, New: o.name})
		}
	}
	text, err := f.Set(edits...)
	if err != nil {
		return core.Errorf(core.KindOf(err), "%s:%w", like.file, err)
	}
	w.say("%s: %s %s is declared like %s in %s", s.path, o.kind, o.name, like.name, like.file)
	file := like.file
	if like.alone {
		file = path.Join(path.Dir(like.file), strings.ReplaceAll(path.Base(like.file), like.name, o.name))
	}
	return w.place(file, text)
}

// place puts an object into a file of its own, or behind what is in it.
func (w *drafting) place(file string, text []byte) error {
	if _, there := w.Read(file); !there {
		w.create(file, text)
		return w.listIn(path.Dir(file), path.Base(file))
	}
	return w.extend(file, func(old []byte) ([]byte, error) { return behind(old, text), nil })
}

// behind adds a document at the end of a text, with the text's line ends.
func behind(old, text []byte) []byte {
	end := "\n"
	if bytes.Contains(old, []byte("\r\n")) {
		end = "\r\n"
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	out := slices.Clone(old)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, end...)
	}
	out = append(append(out, "---"+end...), text...)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, end...)
	}
	return out
}
