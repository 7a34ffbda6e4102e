package scaffold

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// style is how the overlays beside look.
type style struct {
	file      string // the kustomization's name
	start     string // what comes before the first key
	header    bool   // it tells apiVersion and kind
	indent    string // before the items of a list
	flow      bool
	crlf      bool
	namespace string // that the kustomization sets, "" if it sets none
	patch     string // the file of a HelmRelease's patch; "" if patches are written inline
}

func usual() style {
	return style{file: "kustomization.yaml", header: true, indent: "  ", patch: "helmrelease-patch.yaml"}
}

// styleOf is the style of the siblings, by the one that is most like what is
// to be written.
func (w *drafting) styleOf(s site, wants []want) style {
	patched := slices.ContainsFunc(wants, func(n want) bool { return n.image == nil && n.variable == nil })
	var nearest *overlay.Deployment
	for _, d := range w.siblings(s) {
		file, ok := w.kustomization(d.Dir)
		if !ok {
			continue
		}
		if nearest == nil {
			nearest = d
		}
		src, _ := w.Read(file)
		if patched == bytes.Contains(src, []byte("patches:")) {
			nearest = d
			break
		}
	}
	if nearest == nil {
		return usual()
	}
	return w.styleLike(nearest, s)
}

func (w *drafting) styleLike(d *overlay.Deployment, s site) style {
	file, _ := w.kustomization(d.Dir)
	src, _ := w.Read(file)
	out := usual()
	out.file = path.Base(file)
	out.header = regexp.MustCompile(`(?m)^kind:`).Match(src)
	out.crlf = bytes.Contains(src, []byte("\r\n"))
	out.flow = regexp.MustCompile(`(?m)^resources:[ \t]*\[`).Match(src)
	if bytes.HasPrefix(src, []byte("---")) {
		out.start = "---\n"
	}
	if regexp.MustCompile(`(?m)^resources:[ \t]*\r?\n- `).Match(src) {
		out.indent = ""
	}
	f, err := yamledit.Parse(src)
	if err != nil {
		return out
	}
	root, _ := f.Doc(0)
	if n, ok := root.Get("namespace"); ok {
		if out.namespace = n.Text(); out.namespace == string(d.App) {
			out.namespace = string(s.app)
		}
	}
	if patches, ok := root.Get("patches"); ok {
		for _, item := range patches.Items() {
			if at, ok := item.Get("path"); ok && strings.Contains(string(w.content(path.Join(d.Dir, at.Text()))), "HelmRelease") {
				out.patch = strings.ReplaceAll(at.Text(), string(d.App), string(s.app))
				return out
			}
		}
		if _, inline := first(patches).Get("patch"); inline {
			out.patch = ""
		}
	}
	return out
}

func (w *drafting) content(file string) []byte {
	src, _ := w.Read(file)
	return src
}

func first(list yamledit.Node) yamledit.Node {
	for _, n := range list.Items() {
		return n
	}
	return yamledit.Node{}
}

// overlay makes a directory with a kustomization, and a patch where one is needed.
func (w *drafting) overlay(s site) error {
	wants, err := w.wants(s)
	if err != nil {
		return err
	}
	look := w.styleOf(s, wants)
	if donor := w.donor(s); donor != nil {
		look.namespace = w.styleLike(donor, s).namespace
		w.tell(s, donor)
	}
	kustomization, insertions := look.head(relative(s.path, w.base)), []yamledit.Insertion(nil)
	var patches []pin.Object
	for _, n := range wants {
		switch {
		case n.variable != nil:
			if err := w.substitute(s, n); err != nil {
				return err
			}
		case n.image != nil:
			insertions = append(insertions, yamledit.Insertion{Keys: []string{"images"}, Item: n.fields()})
		case !slices.Contains(patches, n.object):
			patches = append(patches, n.object)
		}
		if n.from != s.path {
			w.say("%s: %s = %s (%s)", s.path, n.what, n.version, n.from)
		}
	}
	for _, object := range patches {
		text, err := patchOf(object, wants)
		if err != nil {
			return err
		}
		item := yamledit.Field{Key: "patch", Text: string(text)}
		if name := look.patchFile(object, patches); name != "" {
			item = yamledit.Field{Key: "path", Text: name}
			w.create(path.Join(s.path, name), look.ends(text))
		}
		insertions = append(insertions, yamledit.Insertion{Keys: []string{"patches"}, Item: []yamledit.Field{item}})
	}
	text, err := grown(kustomization, insertions)
	if err != nil {
		return err
	}
	w.create(path.Join(s.path, look.file), look.ends(text))
	return nil
}

// tell names where an overlay of the same base can be looked at.
func (w *drafting) tell(s site, donor *overlay.Deployment) {
	if donor.Dir == s.path {
		return
	}
	for file := range w.old {
		if name, ok := strings.CutPrefix(file, donor.Dir+"/"); ok && !strings.Contains(name, "/") {
			w.note(s.path, 0, "has the versions of %s alone; see whether it wants more of what that one sets", donor.Dir)
			return
		}
	}
}

// fields are an entry under images.
func (n want) fields() []yamledit.Field {
	fields := slices.Clone(n.image)
	tag, digest, _ := strings.Cut(n.version, "@")
	if n.tag {
		fields = append(fields, yamledit.Field{Key: "newTag", Text: tag})
	}
	if n.digest {
		fields = append(fields, yamledit.Field{Key: "digest", Text: digest})
	}
	return fields
}

// head is a kustomization with nothing but its base.
func (y style) head(base string) []byte {
	text := y.start
	if y.header {
		text += "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
	}
	if y.namespace != "" {
		text += "namespace: " + y.namespace + "\n"
	}
	if y.flow {
		return []byte(text + "resources: [" + base + "]\n")
	}
	return []byte(text + "resources:\n" + y.indent + "- " + base + "\n")
}

// patchFile names the file of a patch; "" if it is to be written inline.
func (y style) patchFile(o pin.Object, all []pin.Object) string {
	same := 0
	for _, other := range all {
		if other.Kind == o.Kind {
			same++
		}
	}
	switch {
	case y.patch == "":
		return ""
	case same > 1:
		return strings.ToLower(o.Kind) + "-" + o.Name + "-patch.yaml"
	case o.Kind == "HelmRelease":
		return y.patch
	}
	return strings.ToLower(o.Kind) + "-patch.yaml"
}

// ends gives a text the line ends of the siblings.
func (y style) ends(text []byte) []byte {
	if y.crlf {
		return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	return text
}

// patchOf is the patch that gives an object the versions that are for it.
func patchOf(o pin.Object, wants []want) ([]byte, error) {
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", o.APIVersion, o.Kind, o.Name)
	if o.Namespace != "" {
		text += "  namespace: " + o.Namespace + "\n"
	}
	var insertions []yamledit.Insertion
	for _, n := range wants {
		if n.image != nil || n.variable != nil || n.object != o {
			continue
		}
		for _, part := range n.parts {
			insertions = append(insertions, yamledit.Insertion{Keys: part.keys, Text: part.of(n.version)})
		}
	}
	return grown([]byte(text), insertions)
}

func grown(text []byte, insertions []yamledit.Insertion) ([]byte, error) {
	f, err := yamledit.Parse(text)
	if err != nil {
		return nil, err
	}
	return f.Update(nil, insertions)
}

// substitute gives the cluster the variable that has the version elsewhere.
func (w *drafting) substitute(s site, n want) error {
	at := *n.variable
	root, _, err := w.within(at)
	if err != nil {
		return err
	}
	owner, variable := at.Path[:len(at.Path)-1], at.Path[len(at.Path)-1].Key
	kind, _ := root.Get("kind")
	name, _ := root.Get("metadata", "name")
	for _, file := range sortedKeys(w.All()) {
		if s.root == "" || !strings.HasPrefix(file, s.root+"/") || path.Base(file) != path.Base(at.File) {
			continue
		}
		f, err := yamledit.Parse(w.content(file))
		if err != nil {
			continue
		}
		for i := range f.Len() {
			doc, _ := f.Doc(i)
			k, _ := doc.Get("kind")
			m, _ := doc.Get("metadata", "name")
			into, err := doc.At(owner)
			if k.Text() != kind.Text() || m.Text() != name.Text() || err != nil {
				continue
			}
			if _, there := into.Get(variable); there {
				return nil
			}
			return w.extend(file, func([]byte) ([]byte, error) {
				return f.Update(nil, []yamledit.Insertion{{Doc: i, Path: owner, Keys: []string{variable}, Text: n.version}})
			})
		}
	}
	return core.Errorf(core.Invalid, "%s is the variable %s of %s %s at %s:%d, and the cluster has no such object; make it first", n.what, variable, kind.Text(), name.Text(), at.File, at.Line)
}
