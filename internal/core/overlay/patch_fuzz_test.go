package overlay

import (
	"fmt"
	"strings"
	"testing"
)

// dump shows a node with everything that matters of it.
func dump(n *node) string {
	var b strings.Builder
	var write func(n *node)
	write = func(n *node) {
		fmt.Fprintf(&b, "%d@%d:%d", n.kind, n.at.Line, n.at.Column)
		switch {
		case n.fields != nil:
			for _, key := range n.keys {
				fmt.Fprintf(&b, " %q=(", key)
				write(n.fields[key])
				b.WriteString(")")
			}
		case n.items != nil:
			for _, item := range n.items {
				b.WriteString(" [")
				write(item)
				b.WriteString("]")
			}
		default:
			fmt.Fprintf(&b, " %q %v", n.text, n.null)
		}
	}
	write(n)
	return b.String()
}

// sound requires that a node's keys are just those of its fields.
func sound(t *testing.T, n *node) {
	t.Helper()
	seen := map[string]bool{}
	for _, key := range n.keys {
		seen[key] = true
		if n.fields[key] == nil {
			t.Fatalf("the key %q has no field", key)
		}
		sound(t, n.fields[key])
	}
	if len(seen) != len(n.fields) {
		t.Fatalf("%d keys, but %d fields", len(seen), len(n.fields))
	}
	for _, item := range n.items {
		sound(t, item)
	}
}

// FuzzPatch merges and operates. Whatever the patch, what it is applied to
// stays as it was, since other overlays share it, and what comes out is sound.
func FuzzPatch(f *testing.F) {
	f.Add("a: {b: 1, c: [1]}", "a: {b: null, d: {e: null}}")
	f.Add("spec: {containers: [{name: a, image: x}]}", "spec: {containers: [{name: a, $patch: delete}, {name: b}]}")
	f.Add("spec: {containers: [{name: a, image: x}]}", "spec: {containers: [{$patch: replace}, {name: b}]}")
	f.Add("a: &a {b: c}\nd: *a\ne: {<<: *a}", "d: {x: y}\ne: {z: 1}\na: *b")
	f.Add("a: {b: [1, 2]}", "- {op: add, path: /a/b/-, value: 3}\n- {op: move, from: /a/b/0, path: /a/c}\n- {op: copy, from: /a, path: /a/b/0}")
	f.Add("a: {b: [1, 2]}", "- {op: replace, path: /a/b/1, value: {x: 1}}\n- {op: remove, path: /a/b/0}\n- {op: test, path: /a~1b~0, value: 1}")
	f.Fuzz(func(t *testing.T, base, patch string) {
		b, p := parseManifest("base", []byte(base), false), parseManifest("patch", []byte(patch), false)
		if len(b.patches) == 0 {
			return
		}
		root := b.patches[0]
		before := dump(root)
		for _, doc := range p.patches {
			patchBefore := dump(doc)
			w := &work{left: 100_000}
			for _, builtin := range []bool{false, true} {
				sound(t, merge(w, root, doc, builtin))
			}
			if out, err := operate(w, root, doc); err == nil {
				for range 3 {
					images(w, out, func(*node) {})
				}
				if w.spend(0) && len(doc.items) < 20 {
					sound(t, out)
				}
			}
			if got := dump(doc); got != patchBefore {
				t.Errorf("the patch has changed:\n%s\n%s", patchBefore, got)
			}
		}
		if got := dump(root); got != before {
			t.Errorf("the base has changed:\n%s\n%s", before, got)
		}
	})
}
