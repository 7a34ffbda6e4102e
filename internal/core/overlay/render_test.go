package overlay_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// render builds an overlay with kustomize itself.
func render(t *testing.T, files map[string][]byte, dir string) (string, error) {
	t.Helper()
	fs := filesys.MakeFsInMemory()
	for name, content := range files {
		if err := fs.WriteFile("/"+name, content); err != nil {
			t.Fatal(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	built, err := krusty.MakeKustomizer(options).Run(fs, "/"+dir)
	if err != nil {
		return "", err
	}
	out, err := built.AsYaml()
	return string(out), err
}

// rendered finds the versions in kustomize's output with a reading of its own:
// decoded values, no places, no knowledge of overlays.
func rendered(t *testing.T, text string, fields []policy.Field) []string {
	t.Helper()
	var out []string
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc map[string]any
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			out = append(out, named(doc, f)...)
		}
		out = append(out, versionsOf(doc)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// named takes out of an object what a field of the policy holds.
func named(doc map[string]any, f policy.Field) []string {
	api, _, _ := strings.Cut(text(doc["apiVersion"]), "/")
	if !f.Of(text(doc["kind"]), api) {
		return nil
	}
	var out []string
	var to func(v any, path policy.FieldPath)
	to = func(v any, path policy.FieldPath) {
		list, _ := v.([]any)
		m, _ := v.(map[string]any)
		for k, inner := range m {
			switch {
			case path[0].Each != policy.EachValue && path[0].Key != k:
			case len(path) > 1:
				to(inner, path[1:])
			default:
				version := text(inner)
				if f.Is == policy.ImageField {
					version = versionOfRef(version)
				}
				if version != "" {
					out = append(out, string(pin.Field)+" "+version)
				}
				delete(m, k)
			}
		}
		for _, item := range list {
			to(item, path[1:])
		}
	}
	to(doc, f.Path)
	return out
}

func versionsOf(doc map[string]any) []string {
	spec, _ := doc["spec"].(map[string]any)
	var out []string
	add := func(kind pin.Kind, version string) {
		if version != "" {
			out = append(out, string(kind)+" "+version)
		}
	}
	switch doc["kind"] {
	case "CustomResourceDefinition":
	case "HelmRelease":
		chart, _ := spec["chart"].(map[string]any)
		chartSpec, _ := chart["spec"].(map[string]any)
		add(pin.Chart, text(chartSpec["version"]))
		walk(spec["values"], "", func(key string, v any) {
			switch v := v.(type) {
			case map[string]any:
				image, _ := v["image"].(string)
				if v["repository"] != nil || v["registry"] != nil || v["hub"] != nil || isImage(key) || image != "" && versionOfRef(image) == "" {
					add(pin.Value, joined(text(v["tag"]), text(v["digest"])))
				}
			case string:
				if isImage(key) {
					add(pin.Value, versionOfRef(v))
				}
			}
		})
	case "HelmChart":
		add(pin.Chart, text(spec["version"]))
	case "OCIRepository":
		ref, _ := spec["ref"].(map[string]any)
		if ref["semver"] != nil && ref["digest"] == nil {
			add(pin.Source, text(ref["semver"]))
			break
		}
		add(pin.Source, joined(text(ref["tag"]), text(ref["digest"])))
	case "GitRepository":
		ref, _ := spec["ref"].(map[string]any)
		add(pin.Source, cmp.Or(text(ref["commit"]), text(ref["name"]), text(ref["semver"]), text(ref["tag"])))
	default:
		walk(doc, "", func(key string, v any) {
			if volume, ok := v.(map[string]any); ok && key == "image" {
				v = volume["reference"]
			}
			if key == "image" {
				add(pin.Image, versionOfRef(text(v)))
			}
		})
	}
	return out
}

func isImage(key string) bool { return key == "image" || strings.HasSuffix(key, "Image") }

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func joined(tag, digest string) string {
	if digest != "" {
		return tag + "@" + digest
	}
	return tag
}

func versionOfRef(ref string) string {
	rest := ref[strings.LastIndexByte(strings.SplitN(ref, "@", 2)[0], '/')+1:]
	name, digest, _ := strings.Cut(rest, "@")
	_, tag, _ := strings.Cut(name, ":")
	return joined(tag, digest)
}

func walk(v any, key string, see func(string, any)) {
	see(key, v)
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			walk(inner, k, see)
		}
	case []any:
		for _, inner := range v {
			walk(inner, "", see)
		}
	}
}

// found is what the inventory says of an overlay, in the same words.
func found(d *overlay.Deployment) []string {
	var out []string
	for _, p := range d.Pins {
		out = append(out, string(p.Kind)+" "+p.Version)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// agree compares every overlay of a monorepo with kustomize's output, then
// gives each of its pins a new version and compares again.
func agree(t *testing.T, files map[string][]byte, p *policy.Policy) (overlays, refused, writes int) {
	t.Helper()
	return agreeWith(t, render, files, p, func(list []pin.Pin) []pin.Pin { return list })
}

// renderer builds an overlay as a cluster would have it.
type renderer func(t *testing.T, files map[string][]byte, dir string) (string, error)

func agreeWith(t *testing.T, render renderer, files map[string][]byte, p *policy.Policy, some func([]pin.Pin) []pin.Pin) (overlays, refused, writes int) {
	t.Helper()
	inv, err := overlay.NewReader().Read(memtree.New(files), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range inv.All() {
		for _, d := range list {
			overlays++
			if d.Broken != nil {
				refused++
				continue
			}
			out, err := render(t, files, d.Dir)
			if err != nil {
				t.Errorf("%s: kustomize refuses what was understood: %v", d.Dir, err)
				continue
			}
			if diff := gocmp.Diff(rendered(t, out, p.Fields), visible(d, rendered(t, out, p.Fields), files)); diff != "" {
				t.Errorf("%s: rendered (-) and found (+) versions differ:\n%s\n%s", d.Dir, diff, show(files, d))
				continue
			}
			writes += rewriteEach(t, render, files, d, some(d.Pins), out, p.Fields)
		}
	}
	return overlays, refused, writes
}

// rewriteEach sets one pin after the other and requires that in the rendered
// output nothing but that version has changed.
func rewriteEach(t *testing.T, render renderer, files map[string][]byte, d *overlay.Deployment, pins []pin.Pin, before string, fields []policy.Field) int {
	t.Helper()
	writes := 0
	for i, p := range pins {
		if p.Override == nil && (p.Shared() != nil || p.Fixed() != nil) || uncertain(p, files, rendered(t, before, fields)) {
			continue
		}
		writes++
		next := fmt.Sprintf("77.%d.0", i)
		if _, digest, ok := strings.Cut(p.Version, "@"); ok {
			next = joined(next, digest[:len(digest)-4]+"beef")
		}
		next, err := p.Fit(next)
		if err != nil {
			t.Fatal(err)
		}
		after, err := render(t, rewritten(t, files, d, p, next), d.Dir)
		if err != nil {
			t.Errorf("%s: %s set to %s no longer builds: %v", d.Dir, p.Key, next, err)
			continue
		}
		want := strings.NewReplacer(p.Version, next).Replace
		for line := range diffLines(before, after) {
			if old, new, _ := strings.Cut(line, " => "); !strings.Contains(strings.NewReplacer(`"`, "", "'", "").Replace(new), "77.") && !strings.Contains(new, "beef") || old == new {
				t.Errorf("%s: %s set to %s changes %s\n(want %s)", d.Dir, p.Key, next, line, want(old))
			}
		}
		if got := rendered(t, after, fields); !slices.Contains(got, string(p.Kind)+" "+next) {
			t.Errorf("%s: %s set to %s, but rendered are %v", d.Dir, p.Key, next, got)
		}
	}
	return writes
}

// diffLines goes over the lines that differ, "old => new". A version never
// changes how many lines there are.
func diffLines(before, after string) map[string]bool {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	out := map[string]bool{}
	if len(a) != len(b) {
		return map[string]bool{fmt.Sprintf("%d lines => %d lines", len(a), len(b)): true}
	}
	for i := range a {
		if a[i] != b[i] {
			out[a[i]+" => "+b[i]] = true
		}
	}
	return out
}

// rewritten gives a pin a version where it stands or, if that is a base, by an
// entry of the overlay's own.
func rewritten(t *testing.T, files map[string][]byte, d *overlay.Deployment, p pin.Pin, next string) map[string][]byte {
	t.Helper()
	if p.Override == nil {
		return edited(t, files, p.Set(next))
	}
	set := pin.Given{Override: p.Override, Version: next}
	out := edited(t, files, set.Changes()) // in other places than those that are to come
	name := p.Override.At.File
	if !strings.HasPrefix(name, d.Dir+"/") {
		t.Fatalf("%s: %s would be overridden outside of the overlay, in %s", d.Dir, p.Key, name)
	}
	f, err := yamledit.Parse(out[name])
	if err != nil {
		t.Fatal(err)
	}
	insertions, err := pin.Insertions([]pin.Given{set})
	if err != nil {
		t.Fatal(err)
	}
	if out[name], err = f.Update(nil, insertions); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, files[name])
	}
	return out
}

func edited(t *testing.T, files map[string][]byte, changes []pin.Change) map[string][]byte {
	t.Helper()
	out := maps.Clone(files)
	edits := map[string][]yamledit.Edit{}
	for _, c := range changes {
		edits[c.At.File] = append(edits[c.At.File], yamledit.Edit{Doc: c.At.Doc, Path: c.At.Path, Inner: c.At.Inner, Old: c.Old, New: c.New, Keep: c.Keep})
	}
	for name, list := range edits {
		f, err := yamledit.Parse(files[name])
		if err != nil {
			t.Fatal(err)
		}
		if out[name], err = f.Set(list...); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, files[name])
		}
	}
	return out
}

func show(files map[string][]byte, d *overlay.Deployment) string {
	var b bytes.Buffer
	for _, in := range d.Inputs {
		fmt.Fprintf(&b, "-- %s --\n%s", in.Path, files[in.Path])
	}
	return b.String()
}

func TestEffectiveVersionsAreThoseThatKustomizeRenders(t *testing.T) {
	for apps := range 3 {
		files, err := seed.Monorepo(seed.Options{Apps: 1 + 9*apps, Seed: int64(apps)})
		if err != nil {
			t.Fatal(err)
		}
		all := func(list []pin.Pin) []pin.Pin { return list }
		overlays, refused, writes := agreeWith(t, substituted, files, parsePolicy(t, string(files["sluice.yaml"])), all)
		if refused > 0 || overlays < 9 || writes < overlays {
			t.Errorf("%d overlays, %d refused, %d versions written", overlays, refused, writes)
		}
	}
}

// substituted also puts in the variables of the cluster's Flux Kustomizations.
func substituted(t *testing.T, files map[string][]byte, dir string) (string, error) {
	out, err := render(t, files, dir)
	cluster, _, _ := strings.Cut(strings.TrimPrefix(dir, "flux-config/clusters/"), "/")
	kustomizations := string(files["flux-config/clusters/"+cluster+"/flux-system/kustomizations.yaml"])
	for _, m := range regexp.MustCompile(`(?m)^      ([a-z_]+_tag): "?([^"\s]+)`).FindAllStringSubmatch(kustomizations, -1) {
		out = strings.ReplaceAll(out, "${"+m[1]+"}", m[2])
	}
	return out, err
}
