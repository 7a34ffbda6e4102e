package overlay_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// editedPolicies are policies between which a monorepo may move. The third and
// those after it read the same paths as something else.
func editedPolicies(t *testing.T) []*policy.Policy {
	var out []*policy.Policy
	for _, layout := range []string{
		"[\"clusters/{cluster}/apps/{app}\", \"envs/{env}/{app}\"]",
		"[\"clusters/{cluster}/apps/{app}\", \"places/{cluster}/{env}/{app}\"]",
		"[\"envs/{env}/{app}.yaml\"]",
		"[\"envs/{app}/{env}.yaml\", \"clusters/{cluster}/apps/{app}.yaml\"]",
		"[\"envs/{env}/{app}\"]",
		"[\"envs/{app}/{env}\", \"clusters/{cluster}/{app}\"]",
	} {
		for _, clusters := range []string{"[s1, s2]", "[s2]"} {
			out = append(out, parsePolicy(t, "version: 1\nlayout: "+layout+"\nenvironments:\n  - {name: dev, clusters: [d1]}\n  - {name: stg, from: dev, clusters: "+clusters+"}\n"))
		}
	}
	return out
}

// editor changes a monorepo at random: names are few, so that edits meet.
type editor struct {
	*generator
	t *testing.T
}

func (e *editor) dir() string {
	cluster := e.pick("d1", "s1", "s2", "x9")
	app := e.pick("a", "b", "dev", "stg")
	switch e.form.IntN(8) {
	case 0:
		return "bases/" + app
	case 1:
		return "components/" + app
	case 2:
		return "envs/" + e.pick("dev", "stg", "qa") + "/" + app
	case 3:
		return "places/" + cluster + "/" + e.pick("dev", "stg", "qa") + "/" + app
	case 4:
		return "clusters/" + cluster + "/flux-system"
	default:
		return "clusters/" + cluster + "/apps/" + app
	}
}

// up leads from a directory to another one.
func up(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")+1) + to
}

func (e *editor) kustomization(dir string) string {
	var b strings.Builder
	b.WriteString("resources:\n")
	for range e.form.IntN(3) {
		b.WriteString("- " + e.pick("objects.yaml", "other.yaml", up(dir, "bases/"+e.pick("a", "b", "c")), up(dir, e.dir()+"/objects.yaml"), up(dir, "bases")) + "\n")
	}
	if e.chance(0.3) {
		b.WriteString("components:\n- " + up(dir, "components/"+e.pick("a", "b")) + "\n")
	}
	if e.chance(0.3) {
		b.WriteString("patches:\n- path: " + e.pick("patch.yaml", up(dir, "bases/a/patch.yaml")) + "\n")
	}
	if e.chance(0.2) {
		return b.String() + "images:\n- {name: img0, newTag: \"${V}\"}\n"
	}
	return b.String() + e.images(0.5)
}

func (e *editor) flux() string {
	return fmt.Sprintf("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x}\nspec:\n  path: ./%s\n  %s  postBuild: {substitute: {V: %s}}\n",
		path.Dir(e.dir()), strings.ReplaceAll(e.images(0.5), "\n", "\n  "), e.version())
}

// step makes one edit.
func (e *editor) step() {
	dir := e.dir()
	switch e.form.IntN(14) {
	case 0: // a directory goes
		maps.DeleteFunc(e.files, func(name, _ string) bool { return strings.HasPrefix(name, dir+"/") })
	case 1: // a file becomes a directory, or a directory a file
		maps.DeleteFunc(e.files, func(name, _ string) bool { return strings.HasPrefix(name, dir+"/") })
		e.put(dir, "not: a directory\n")
	case 2:
		all := slices.Sorted(maps.Keys(e.files))
		if len(all) > 0 {
			delete(e.files, all[e.form.IntN(len(all))])
		}
	case 3, 4:
		e.put(dir+"/"+e.pick("objects.yaml", "other.yaml"), e.deployment(e.pick("web", "worker"), 2)+e.pick("", "", "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {v: \"${V}\"}\n"))
	case 5:
		e.put(dir+"/patch.yaml", e.merge())
	case 6:
		e.put(dir+".yaml", e.deployment("web", 1)+"---\n"+e.flux())
	case 7:
		e.put("clusters/"+e.pick("d1", "s1")+"/configs.yaml", e.flux())
	case 8:
		e.put("clusters/"+e.pick("d1", "s1")+"/flux-system/apps.yaml", e.flux())
	default:
		e.put(dir+"/"+e.pick("kustomization.yaml", "kustomization.yaml", "kustomization.yml"), e.kustomization(dir))
	}
}

// put writes a file, in place of whatever was there or above it.
func (e *editor) put(name, content string) {
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		delete(e.files, above)
	}
	e.files[name] = content
}

// TestFollowingEqualsReadingAnew edits monorepos at random, goes back to
// earlier ones now and then and changes the policy under them. A reader that
// remembers must always find what a new one finds.
func TestFollowingEqualsReadingAnew(t *testing.T) {
	policies := editedPolicies(t)
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		e := &editor{generator: &generator{form: rnd, values: rnd, major: 1, api: "helm.toolkit.fluxcd.io/v2", files: map[string]string{}}, t: t}
		r, p := overlay.NewReader(), policies[0]
		var past []map[string]string
		var last *overlay.Inventory
		for range 60 {
			for range 1 + rnd.IntN(3) {
				e.step()
			}
			if len(past) > 0 && e.chance(0.1) {
				e.files = maps.Clone(past[rnd.IntN(len(past))])
			}
			if e.chance(0.1) {
				p = policies[rnd.IntN(len(policies))]
			}
			past = append(past, maps.Clone(e.files))
			last = agreesWithNew(t, r, memtree.Text(maps.Clone(e.files)), p, last)
			if t.Failed() {
				t.Fatalf("seed %d, after %d edits", seed, len(past))
			}
		}
	}
}

// agreesWithNew reads with a reader that remembers, and compares with one that
// does not, and with what the former found before.
func agreesWithNew(t *testing.T, r *overlay.Reader, tree overlay.Tree, p *policy.Policy, before *overlay.Inventory) *overlay.Inventory {
	t.Helper()
	got, err := r.Read(tree, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := overlay.NewReader().Read(tree, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inventoryText(want), inventoryText(got)); diff != "" {
		t.Error(diff)
	}
	for target, list := range got.All() {
		for _, d := range list {
			if d.App != target.App {
				t.Errorf("%s lists an overlay of %s", target, d.App)
			}
		}
	}
	if before == nil {
		return got
	}
	for _, env := range []core.Env{"dev", "stg"} {
		said := got.Changed(env, before)
		for _, app := range slices.Concat(got.Apps(env), before.Apps(env)) {
			target := core.Target{Env: env, App: app}
			if !cmp.Equal(got.Of(target), before.Of(target)) && !slices.Contains(said, app) {
				t.Errorf("%s has changed, and Changed lists only %s", target, said)
			}
		}
	}
	return got
}

// flaky is a tree that can no longer be read after some time.
type flaky struct {
	overlay.Tree
	gone bool
}

func (f *flaky) List(dir string) ([]overlay.Entry, error) {
	if f.gone {
		return nil, core.Errorf(core.Transient, "the tree is gone")
	}
	return f.Tree.List(dir)
}

// TestTheTreeBeforeMayBeGone makes the tree that was read last unreadable: it
// is only a help.
func TestTheTreeBeforeMayBeGone(t *testing.T) {
	p, r := parsePolicy(t, testPolicy), overlay.NewReader()
	first := &flaky{Tree: memtree.Text(small)}
	agreesWithNew(t, r, first, p, nil)
	first.gone = true
	files := maps.Clone(small)
	delete(files, "clusters/s1/apps/web/kustomization.yaml")
	agreesWithNew(t, r, memtree.Text(files), p, nil)
}

// TestAfterAnErrorNothingWrongIsRemembered reads a tree of which a part cannot
// be read, and then one that can.
func TestAfterAnErrorNothingWrongIsRemembered(t *testing.T) {
	p, r := parsePolicy(t, testPolicy), overlay.NewReader()
	agreesWithNew(t, r, memtree.Text(small), p, nil)
	files := maps.Clone(small)
	files["bases/web/kustomization.yaml"] = "resources: [deployment.yaml]\nimages: [{name: web, newTag: 2.0.0}]\n"
	if _, err := r.Read(&unreadable{memtree.Text(files)}, p); err == nil {
		t.Fatal("no error")
	}
	agreesWithNew(t, r, memtree.Text(files), p, nil)
	agreesWithNew(t, r, memtree.Text(small), p, nil)
}

// unreadable is a tree whose files cannot be read.
type unreadable struct{ overlay.Tree }

func (u *unreadable) Read(string) ([]byte, error) {
	return nil, core.Errorf(core.Transient, "the disk is away")
}
