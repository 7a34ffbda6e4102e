package overlay_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// TestCorpus reads each monorepo of testdata and compares what was found with
// the archive's file "inventory". Lines of the archive's comment may ask for
// more:
//
//	set CLUSTER VERSION   give every writable pin of the cluster's overlays the
//	                      version; the files "set CLUSTER VERSION: PATH" are the result
//	override CLUSTER VERSION   give every version that a base has to the cluster's
//	                      overlays as their own, and ask kustomize what that changes;
//	                      the files are as for set, and one of them says why not
//	crlf PATH, bom PATH   the file has these, which an archive cannot show
//	no-kustomize: WHY     do not compare with what kustomize renders
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := newCase(a)
			got := c.run(t)
			if *update {
				c.rewrite(t, file, got)
				return
			}
			if diff := cmp.Diff(c.golden, got); diff != "" {
				t.Error(diff)
			}
			if !c.alone {
				agree(t, c.tree, policyOf(t, c.tree))
			}
		})
	}
}

// corpusCase is one archive, taken apart.
type corpusCase struct {
	archive *txtar.Archive
	tree    map[string][]byte
	golden  map[string]string
	sets    []string        // the directives, as written
	crlf    map[string]bool // the files with such line ends
	bom     map[string]bool
	alone   bool
}

func newCase(a *txtar.Archive) *corpusCase {
	c := &corpusCase{archive: a, tree: map[string][]byte{}, golden: map[string]string{}, crlf: map[string]bool{}, bom: map[string]bool{}}
	for line := range strings.Lines(string(a.Comment)) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "set", "override":
			c.sets = append(c.sets, verb+" "+rest)
		case "crlf":
			c.crlf[rest] = true
		case "bom":
			c.bom[rest] = true
		case "no-kustomize:":
			c.alone = true
		}
	}
	for _, f := range a.Files {
		if isGolden(f.Name) {
			c.golden[f.Name] = string(f.Data)
			continue
		}
		c.tree[f.Name] = c.bytesOf(f.Name, f.Data)
	}
	return c
}

func isGolden(name string) bool {
	return name == "inventory" || strings.HasPrefix(name, "set ") || strings.HasPrefix(name, "override ")
}

const byteOrderMark = "\uFEFF"

func (c *corpusCase) bytesOf(name string, shown []byte) []byte {
	if c.crlf[name] {
		shown = bytes.ReplaceAll(shown, []byte("\n"), []byte("\r\n"))
	}
	if c.bom[name] {
		shown = append([]byte(byteOrderMark), shown...)
	}
	return shown
}

// shown is the inverse of bytesOf; a byte that should be there and is not
// shows.
func (c *corpusCase) shown(name string, src []byte) string {
	text := string(src)
	if c.bom[name] {
		var ok bool
		if text, ok = strings.CutPrefix(text, byteOrderMark); !ok {
			text = "(the byte order mark is gone)\n" + text
		}
	}
	if c.crlf[name] {
		if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			text = "(not every line ends as before)\n" + text
		}
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

func (c *corpusCase) run(t *testing.T) map[string]string {
	t.Helper()
	inv := read(t, c.tree)
	got := map[string]string{"inventory": inventoryText(inv)}
	for _, directive := range c.sets {
		if strings.HasPrefix(directive, "override ") {
			c.override(t, inv, directive, got)
			continue
		}
		cluster, version, _ := strings.Cut(strings.TrimPrefix(directive, "set "), " ")
		changes, refused := setAll(inv, core.Cluster(cluster), version)
		if refused != "" {
			got[directive] = refused
		}
		after := edited(t, c.tree, changes)
		for name, content := range after {
			if !bytes.Equal(content, c.tree[name]) {
				got[directive+": "+name] = c.shown(name, content)
			}
		}
		again, _ := setAll(read(t, after), core.Cluster(cluster), version)
		if len(again) > 0 {
			t.Errorf("%s: a second time it changes %v", directive, again)
		}
	}
	return got
}

// override gives the overlays of a cluster all that they can have of their own,
// in one go.
func (c *corpusCase) override(t *testing.T, inv *overlay.Inventory, directive string, got map[string]string) {
	t.Helper()
	cluster, version, _ := strings.Cut(strings.TrimPrefix(directive, "override "), " ")
	for _, list := range inv.All() {
		for _, d := range list {
			if string(d.Cluster) != cluster || d.Broken != nil {
				continue
			}
			var chosen []pin.Pin
			for _, p := range d.Pins {
				switch fit, err := p.Fit(version); {
				case p.Shared() == nil:
				case p.Override == nil:
					got[directive] += fmt.Sprintf("%s: %s has no entry of its own, since %s\n", d.App, p.Key, p.Bound)
				case err != nil || fit == p.Version:
					t.Errorf("%s does not take %s: %v", p.Key, version, err)
				default:
					chosen = append(chosen, p)
				}
			}
			after := overridden(t, c.tree, chosen, version)
			for name, content := range after {
				if !bytes.Equal(content, c.tree[name]) {
					got[directive+": "+name] = c.shown(name, content)
				}
			}
			c.checkOverridden(t, d, chosen, after, version)
		}
	}
}

// overridden makes the overrides of some pins at once.
func overridden(t *testing.T, files map[string][]byte, pins []pin.Pin, version string) map[string][]byte {
	t.Helper()
	var changes []pin.Change
	settings := map[string][]pin.Given{}
	for _, p := range pins {
		fit, _ := p.Fit(version)
		set := pin.Given{Override: p.Override, Version: fit}
		settings[set.At.File] = append(settings[set.At.File], set)
		changes = append(changes, set.Changes()...)
	}
	out := edited(t, files, changes)
	for name, list := range settings {
		insertions, err := pin.Insertions(list)
		if err != nil {
			t.Fatal(err)
		}
		f, err := yamledit.Parse(out[name])
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = f.Update(nil, insertions); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, files[name])
		}
	}
	return out
}

// checkOverridden requires that the overlay's versions are just those that were
// set, that they are its own, and that kustomize agrees line by line.
func (c *corpusCase) checkOverridden(t *testing.T, d *overlay.Deployment, pins []pin.Pin, after map[string][]byte, version string) {
	t.Helper()
	chosen, want := map[pin.Key]bool{}, map[string]bool{}
	for _, p := range pins {
		fit, _ := p.Fit(version)
		chosen[p.Key], want[string(p.Kind)+" "+fit] = true, true
	}
	for _, p := range d.Pins {
		if !chosen[p.Key] {
			want[string(p.Kind)+" "+p.Version] = true
		}
	}
	for _, list := range read(t, after).All() {
		for _, now := range list {
			if now.Dir != d.Dir {
				continue
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), found(now)); diff != "" {
				t.Errorf("%s: wanted (-) and set (+) versions differ:\n%s", d.Dir, diff)
			}
			for _, p := range now.Pins {
				if fit, _ := p.Fit(version); p.Version == fit && p.Shared() != nil {
					t.Errorf("%s: %s comes from %s still", d.Dir, p.Key, p.At.File)
				}
			}
		}
	}
	if c.alone {
		return
	}
	before, err := render(t, c.tree, d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	built, err := render(t, after, d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	tag, digest, _ := strings.Cut(version, "@")
	for line := range diffLines(before, built) {
		if _, now, _ := strings.Cut(line, " => "); !strings.Contains(now, tag) && (digest == "" || !strings.Contains(now, digest)) {
			t.Errorf("%s: the overrides change %s", d.Dir, line)
		}
	}
}

func read(t *testing.T, files map[string][]byte) *overlay.Inventory {
	t.Helper()
	inv, err := overlay.NewReader().Read(memtree.New(files), policyOf(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// policyOf is the archive's own policy, or the usual one.
func policyOf(t *testing.T, files map[string][]byte) *policy.Policy {
	t.Helper()
	if own, ok := files[policy.FileName]; ok {
		return parsePolicy(t, string(own))
	}
	return parsePolicy(t, testPolicy)
}

// setAll lists the changes that give every pin of a cluster the version, and
// says which pins do not take it.
func setAll(inv *overlay.Inventory, cluster core.Cluster, version string) (changes []pin.Change, refused string) {
	for _, list := range inv.All() {
		for _, d := range list {
			if d.Cluster != cluster || d.Broken != nil {
				continue
			}
			for _, p := range d.Pins {
				fit, err := p.Fit(version)
				switch {
				case p.Shared() != nil:
				case p.Owned() != nil:
					refused += fmt.Sprintf("%s: %s belongs to %s\n", d.App, p.Key, p.Owned().Owner)
				case p.Fixed() != nil:
					refused += fmt.Sprintf("%s: %s cannot be edited\n", d.App, p.Key)
				case err != nil:
					refused += fmt.Sprintf("%s: %v\n", d.App, err)
				default:
					changes = append(changes, p.Set(fit)...)
				}
			}
		}
	}
	return changes, refused
}

func (c *corpusCase) rewrite(t *testing.T, file string, got map[string]string) {
	t.Helper()
	a := &txtar.Archive{Comment: c.archive.Comment}
	for _, f := range c.archive.Files {
		if !isGolden(f.Name) {
			a.Files = append(a.Files, f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(got[name])})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

func inventoryText(inv *overlay.Inventory) string {
	var b strings.Builder
	for target, list := range inv.All() {
		for _, d := range list {
			fmt.Fprintf(&b, "%s, cluster %s, %s\n", target, d.Cluster, d.Dir)
			for _, p := range d.Pins {
				fmt.Fprintf(&b, "  %s = %s\n", p.Key, p.Version)
				for _, part := range p.Parts {
					fmt.Fprintf(&b, "    %s\n", partText(part))
				}
			}
			for _, in := range d.Inputs {
				own := ""
				if in.Content != nil {
					own = " with content"
				}
				fmt.Fprintf(&b, "  reads %s%s\n", in.Path, own)
			}
			for _, n := range d.Notices {
				fmt.Fprintf(&b, "  %s %s:%d:%d: %s\n", n.Severity, n.File, n.Line, n.Column, n.Message)
			}
			if d.Broken != nil {
				fmt.Fprintf(&b, "  broken\n")
			}
		}
		for _, u := range inv.Shared(target) {
			fmt.Fprintf(&b, "  shares %s:%d:%d among %v\n", u.File, u.Line, u.Column, u.By)
		}
	}
	for _, p := range inv.Problems {
		fmt.Fprintf(&b, "%s:%d:%d: %s\n", p.File, p.Line, p.Column, p.Message)
	}
	return b.String()
}

func partText(p pin.Part) string {
	path := p.At.Path.String()
	switch {
	case p.At.Path == nil:
		path = "(cannot be edited)"
	case p.At.Inner != nil:
		path += " » " + p.At.Inner.String()
	}
	if p.At.Owner != "" {
		path += ", of " + p.At.Owner
	}
	return fmt.Sprintf("%s in %s %s:%d:%d %s", p.Form, p.At.Layer, p.At.File, p.At.Line, p.At.Column, path)
}
