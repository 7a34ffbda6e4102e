package scaffold

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// apply gives the app a Flux Kustomization of its own, where its siblings have
// one each.
func (w *drafting) apply(s site) error {
	if s.file || s.root == "" {
		return nil
	}
	for _, d := range w.siblings(s) {
		if !strings.HasPrefix(d.Dir, s.root+"/") {
			continue
		}
		for _, file := range sortedKeys(w.All()) {
			if !strings.HasPrefix(file, s.root+"/") || !bytes.Contains(w.content(file), []byte("kustomize.toolkit.fluxcd.io/")) {
				continue
			}
			if doc, ok := applies(documents(file, w.content(file)), d.Dir); ok && !w.applied(s) {
				return w.applyLike(s, d, doc)
			}
		}
	}
	return nil
}

// applies finds the Flux Kustomization that has exactly this directory as its path.
func applies(all []document, dir string) (document, bool) {
	i := slices.IndexFunc(all, func(d document) bool {
		at, _ := d.spec.Get("path")
		return isFlux(d.root) && strings.TrimPrefix(path.Clean("/"+at.Text()), "/") == dir
	})
	if i < 0 {
		return document{}, false
	}
	return all[i], true
}

// applied tells whether the app has a Flux Kustomization already.
func (w *drafting) applied(s site) bool {
	for file, src := range w.All() {
		if strings.HasPrefix(file, s.root+"/") && bytes.Contains(src, []byte(path.Base(s.path))) {
			if _, ok := applies(documents(file, src), s.path); ok {
				return true
			}
		}
	}
	return false
}

// applyLike writes a sibling's Flux Kustomization for the app: with its name in
// the place of the sibling's, and without what the sibling alone has substituted.
func (w *drafting) applyLike(s site, d *overlay.Deployment, like document) error {
	n := naming{oldCluster: string(d.App), newCluster: string(s.app), roots: map[string]string{d.Dir: s.path}}
	text := []byte(n.text(string(like.text)))
	if substitutes, ok := like.spec.Get("postBuild"); ok {
		w.note(like.file, substitutes.Line(), "%s has variables of its own, and the Flux Kustomization of %s was made like it: see which it wants", d.App, s.app)
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	w.say("%s: applied by a Flux Kustomization like that of %s in %s", s.path, d.App, like.file)
	file := like.file
	if like.alone && strings.Contains(path.Base(file), string(d.App)) {
		file = path.Join(path.Dir(file), strings.ReplaceAll(path.Base(file), string(d.App), string(s.app)))
		if bytes.HasPrefix(w.content(like.file), []byte("---")) {
			text = append([]byte("---\n"), text...)
		}
	}
	return w.place(file, text)
}

// single makes an overlay that is one file: like that of the base's other
// deployment, else a Flux Kustomization like the siblings', else the base's own
// objects.
func (w *drafting) single(s site) error {
	if _, ok := w.Read(s.path); ok {
		w.holds(s)
		return nil
	}
	if donor := w.donor(s); donor != nil && donor.App == s.app {
		return w.singleLike(s, donor)
	}
	for _, d := range w.siblings(s) {
		docs := documents(d.Dir, w.content(d.Dir))
		if i := slices.IndexFunc(docs, func(d document) bool { return isFlux(d.root) }); i >= 0 {
			return w.singleFlux(s, docs[i])
		}
	}
	return core.Errorf(core.Invalid, "an overlay that is one file holds the objects themselves, and no other cluster has one of %s to go by; write it by hand, then add it elsewhere", s.app)
}

// holds finds a conflict in a file that is there and has other versions than a
// person wants.
func (w *drafting) holds(s site) {
	conflict := false
	if own := w.donor(s); own != nil && own.Dir == s.path {
		for _, p := range own.Pins {
			one := want{names: namesOf(p), chart: p.Kind == pin.Chart, version: p.Version}
			w.choose(&one)
			conflict = conflict || one.version != p.Version
		}
	}
	all := scalars(w.content(s.path))
	for _, name := range w.variables() {
		version, asked := w.Versions[name]
		at := slices.IndexFunc(all, func(sc scalar) bool { return sc.below("substitute") && sc.path[len(sc.path)-1].Key == name })
		w.used[name] = w.used[name] || asked
		conflict = conflict || asked && (at < 0 || all[at].node.Text() != version)
	}
	if conflict {
		w.conflicts = append(w.conflicts, s.path)
	}
}

// singleLike copies the app's file of another cluster, with the versions that a
// person wants.
func (w *drafting) singleLike(s site, donor *overlay.Deployment) error {
	old, _ := w.policy.EnvironmentOf(donor.Cluster)
	v, _ := s.pattern.Match(donor.Dir)
	n := naming{oldCluster: string(v.Cluster), newCluster: string(s.cluster), oldEnv: string(v.Env), newEnv: string(s.env), roots: map[string]string{donor.Dir: s.path}}
	if n.oldEnv == "" {
		n.oldEnv = string(old.Name)
	}
	_, n.shy = w.policy.Environment(core.Env(n.oldCluster))
	f, err := yamledit.Parse(w.content(donor.Dir))
	if err != nil {
		return core.Errorf(core.Invalid, "%s:%w", donor.Dir, err)
	}
	var edits []yamledit.Edit
	for _, p := range donor.Pins {
		one := want{names: namesOf(p), chart: p.Kind == pin.Chart, version: p.Version, from: donor.Dir}
		w.choose(&one)
		w.say("%s: %s = %s (%s)", s.path, p, one.version, one.from)
		if one.version == p.Version {
			continue
		}
		for _, change := range p.Set(one.version) {
			if change.At.File == donor.Dir {
				edits = append(edits, yamledit.Edit{Doc: change.At.Doc, Path: change.At.Path, Inner: change.At.Inner, Old: change.Old, New: change.New})
			}
		}
	}
	text, err := f.Set(edits...)
	if err != nil {
		return core.Errorf(core.KindOf(err), "%s:%w", donor.Dir, err)
	}
	w.create(s.path, n.relabelled([]byte(n.text(string(text)))))
	for _, note := range w.doubts(n, s.path) {
		w.note(note.File, note.Line, "%s", note.Text)
	}
	return nil
}

// singleFlux writes a Flux Kustomization that applies the base, with the
// variables that the base wants.
func (w *drafting) singleFlux(s site, like document) error {
	text := fmt.Sprintf("apiVersion: %s\nkind: Kustomization\nmetadata:\n  name: %s\n", like.api, s.app)
	if like.namespace != "" {
		text += "  namespace: " + like.namespace + "\n"
	}
	text += "spec:\n"
	for pair := range like.spec.Pairs() {
		switch pair.Key {
		case "path":
			way := w.base
			if strings.HasPrefix(pair.Value.Text(), "./") {
				way = "./" + way
			}
			text += "  path: " + way + "\n"
		case "interval", "retryInterval", "timeout", "prune", "wait", "force", "sourceRef":
			text += "  " + pair.Key + ":" + block(pair.Value, 4)
		}
	}
	var insertions []yamledit.Insertion
	for _, name := range w.variables() {
		version, ok := w.Versions[name]
		if !ok {
			return core.Errorf(core.Invalid, "no version is known of the variable %s of the base; give it with --version %s=VERSION", name, name)
		}
		w.used[name] = true
		w.say("%s: %s = %s (as you say)", s.path, name, version)
		insertions = append(insertions, yamledit.Insertion{Path: Keys("spec"), Keys: []string{"postBuild", "substitute", name}, Text: version})
	}
	out, err := grown([]byte(text), insertions)
	if err != nil {
		return err
	}
	w.create(s.path, out)
	return nil
}

// block writes a scalar, or a mapping of scalars, behind its key.
func block(n yamledit.Node, indent int) string {
	if n.Kind() == yamledit.Scalar {
		return " " + n.Text() + "\n"
	}
	out := "\n"
	for pair := range n.Pairs() {
		out += strings.Repeat(" ", indent) + pair.Key + ":" + block(pair.Value, indent+2)
	}
	return out
}
