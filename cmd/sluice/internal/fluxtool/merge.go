package fluxtool

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// merged is a file with all that it must hold: as it would be written anew if
// it is not there, and else with what is missing added and what is otherwise
// than Sluice needs it changed, and nothing else.
func (m manifest) merged(old []byte) ([]byte, error) {
	if len(bytes.TrimSpace(old)) == 0 {
		return m.fresh(), nil
	}
	f, err := yamledit.Parse(old)
	if err != nil {
		return nil, err
	}
	var edits []yamledit.Edit
	var insertions []yamledit.Insertion
	var missing []object
	for _, o := range m.objects {
		doc, root, ok := find(f, o)
		if !ok {
			missing = append(missing, o)
			continue
		}
		e, i, err := o.mend(doc, root)
		if err != nil {
			return nil, err
		}
		edits, insertions = append(edits, e...), append(insertions, i...)
	}
	out, err := f.Update(edits, insertions)
	if err != nil {
		return nil, err
	}
	for _, o := range missing {
		if !bytes.HasSuffix(out, []byte("\n")) {
			out = append(out, '\n')
		}
		out = append(out, "---\n"+o.text...)
	}
	return out, nil
}

func (m manifest) fresh() []byte {
	var texts []string
	for _, o := range m.objects {
		texts = append(texts, o.text)
	}
	return []byte(m.head + strings.Join(texts, "---\n"))
}

func find(f *yamledit.File, o object) (doc int, root yamledit.Node, ok bool) {
	for i := range f.Len() {
		root, _ := f.Doc(i)
		kind, _ := root.Get("kind")
		name, _ := root.Get("metadata", "name")
		if kind.Text() == o.kind && name.Text() == o.name {
			return i, root, true
		}
	}
	return 0, yamledit.Node{}, false
}

// mend finds out what an object lacks.
func (o object) mend(doc int, root yamledit.Node) ([]yamledit.Edit, []yamledit.Insertion, error) {
	var edits []yamledit.Edit
	var insertions []yamledit.Insertion
	for _, n := range o.needs {
		if n.item != nil {
			if list, ok := root.Get(n.path...); !ok || !hasLike(list, n.item) {
				insertions = append(insertions, n.addition(doc, ok))
			}
			continue
		}
		here, depth := root, 0
		for depth < len(n.path) {
			next, ok := here.Get(n.path[depth])
			if !ok {
				break
			}
			here, depth = next, depth+1
		}
		path := scaffold.Keys(n.path[:depth]...)
		switch {
		case depth < len(n.path) && here.Kind() != yamledit.Mapping:
			return nil, nil, core.Errorf(core.Invalid, "%d:%d: %s %s: found a %s at %s; write a mapping with %s, or remove it", here.Line(), here.Column(), o.kind, o.name, here.Kind(), strings.Join(n.path[:depth], "."), n.path[depth])
		case depth < len(n.path):
			insertions = append(insertions, yamledit.Insertion{Doc: doc, Path: path, Keys: n.path[depth:], Text: n.text})
		case n.fixed && here.Text() != n.text, here.Text() == "":
			edits = append(edits, yamledit.Edit{Doc: doc, Path: path, Old: here.Text(), New: n.text})
		}
	}
	return edits, insertions, nil
}

// addition puts the item into the list, or makes the list.
func (n need) addition(doc int, there bool) yamledit.Insertion {
	if there {
		return yamledit.Insertion{Doc: doc, Path: scaffold.Keys(n.path...), Item: n.item}
	}
	last := len(n.path) - 1
	return yamledit.Insertion{Doc: doc, Path: scaffold.Keys(n.path[:last]...), Keys: n.path[last:], Item: n.item}
}

// hasLike tells whether a list has an item of the same kind in the same
// namespace, by whatever name: a person may have named some of them alone.
func hasLike(list yamledit.Node, item []yamledit.Field) bool {
	want := map[string]string{"namespace": "flux-system"}
	for _, f := range item {
		want[f.Key] = f.Text
	}
	return slices.ContainsFunc(list.Items(), func(n yamledit.Node) bool {
		kind, _ := n.Get("kind")
		namespace, ok := n.Get("namespace")
		return kind.Text() == want["kind"] && (!ok && want["namespace"] == "flux-system" || namespace.Text() == want["namespace"])
	})
}
