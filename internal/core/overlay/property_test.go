package overlay_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

var (
	seeds = flag.Int("seeds", 20, "how many random monorepos are made")
	first = flag.Int("seed", 0, "the seed of the first of them")
)

// eachRandom goes over random monorepos until one of them fails.
func eachRandom(t *testing.T, check func(files map[string][]byte, p *policy.Policy)) {
	t.Helper()
	p := parsePolicy(t, randomPolicy)
	for seed := range *seeds {
		if seed > 0 && seed%100 == 0 {
			t.Logf("%d random monorepos are done", seed)
		}
		files := map[string][]byte{}
		for name, content := range randomEnvironments(uint64(*first + seed)) {
			files[name] = []byte(content)
		}
		if check(files, p); t.Failed() {
			t.Fatalf("seed %d; go test -run %s -seed %d -seeds 1 repeats it", *first+seed, t.Name(), *first+seed)
		}
	}
}

// TestEffectiveVersionsOfRandomOverlays compares what was found with what is
// rendered, gives some pins another version, one after the other, and requires
// that nothing else changes in what is rendered then.
func TestEffectiveVersionsOfRandomOverlays(t *testing.T) {
	total, refused, writes := 0, 0, 0
	eachRandom(t, func(files map[string][]byte, p *policy.Policy) {
		rnd := rand.New(rand.NewPCG(uint64(len(files)), uint64(len(files["bases/app/objects.yaml"]))))
		a, b, c := agreeWith(t, renderDeployed, files, p, func(list []pin.Pin) []pin.Pin {
			list = slices.Clone(list)
			rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			return list[:min(len(list), 5)]
		})
		total, refused, writes = total+a, refused+b, writes+c
	})
	t.Logf("%d overlays, %d refused, %d versions written", total, refused, writes)
	if refused*5 > total || writes < total {
		t.Errorf("of %d overlays %d are refused, and only %d versions could be written", total, refused, writes)
	}
}

// TestPromotionsOfRandomOverlays makes every promotion that is due, all at once,
// and requires that exactly the promoted versions change in what is rendered, in
// the target and nowhere else.
func TestPromotionsOfRandomOverlays(t *testing.T) {
	targets, made, pins := 0, 0, 0
	eachRandom(t, func(files map[string][]byte, p *policy.Policy) {
		before := inventory(t, files, p)
		var due []plan.Candidate
		for _, c := range candidates(t, p, before) {
			// What one scalar holds for two pins can not become two versions: a plan
			// says so, and does not propose it.
			if _, err := plan.Edit(memtree.New(files).Read, c); core.KindOf(err) != core.Invalid {
				due = append(due, c)
				pins += len(c.Changes)
			}
		}
		targets, made = targets+2, made+len(due)
		after := maps.Clone(files)
		edited, err := plan.Edit(memtree.New(files).Read, due...)
		if err != nil {
			t.Errorf("the promotions cannot be written: %v", err)
			return
		}
		for _, f := range edited {
			after[f.Path] = f.Content
		}
		for target, list := range before.All() {
			for _, d := range list {
				i := slices.IndexFunc(due, func(c plan.Candidate) bool { return c.Target == target })
				if d.Broken == nil && i < 0 {
					unchanged(t, files, after, d)
				} else if i >= 0 {
					promoted(t, files, after, d, due[i])
				}
			}
		}
		for _, c := range candidates(t, p, inventory(t, after, p)) {
			if slices.ContainsFunc(due, func(made plan.Candidate) bool { return made.Target == c.Target }) {
				t.Errorf("%s is promoted and due again: %v", c.Target, c.Changes)
			}
		}
	})
	t.Logf("of %d targets %d are promoted, with %d versions", targets, made, pins)
	if made*4 < targets {
		t.Errorf("of %d targets only %d could be promoted", targets, made)
	}
}

// candidates are what is due in a monorepo of one commit.
func candidates(t *testing.T, p *policy.Policy, inv *overlay.Inventory) []plan.Candidate {
	t.Helper()
	s := &plan.State{Inventory: inv}
	err := new(plan.Planner).Recall(p, s, func(core.Target) (history.Course, bool, error) {
		return history.Course{Steps: []history.Step{{}}, End: history.Beginning, Commits: 1}, true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(plan.Candidates(p, s), func(c plan.Candidate) bool { return len(c.Changes) == 0 })
}

func inventory(t *testing.T, files map[string][]byte, p *policy.Policy) *overlay.Inventory {
	t.Helper()
	inv, err := overlay.NewReader().Read(memtree.New(files), p)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func unchanged(t *testing.T, before, after map[string][]byte, d *overlay.Deployment) {
	t.Helper()
	was, _ := renderDeployed(t, before, d.Dir)
	is, _ := renderDeployed(t, after, d.Dir)
	for line := range diffLines(was, is) {
		t.Errorf("%s is no target of a promotion, and yet %s", d.Dir, line)
	}
}

// promoted requires that each line that differs is what it was with one of the
// promoted versions in place of the old one.
func promoted(t *testing.T, before, after map[string][]byte, d *overlay.Deployment, c plan.Candidate) {
	t.Helper()
	was, err := renderDeployed(t, before, d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	is, err := renderDeployed(t, after, d.Dir)
	if err != nil {
		t.Errorf("%s no longer builds: %v", d.Dir, err)
		return
	}
	changes := slices.DeleteFunc(slices.Clone(c.Changes), func(ch plan.Change) bool { return ch.Cluster != d.Cluster })
	for line := range diffLines(was, is) {
		old, new, _ := strings.Cut(line, " => ")
		if !slices.ContainsFunc(changes, func(ch plan.Change) bool { return explains(ch, old, new) }) {
			t.Errorf("%s: no promotion explains %s\n%s", d.Dir, line, show(before, d))
		}
	}
	now := rendered(t, is, nil)
	for _, ch := range changes {
		if !uncertain(ch.Pin, before, rendered(t, was, nil)) && !slices.Contains(now, string(ch.Pin.Kind)+" "+ch.New) {
			t.Errorf("%s: %s is promoted to %s, but rendered are %v", d.Dir, ch.Pin.Key, ch.New, now)
		}
	}
}

var unquoted = strings.NewReplacer(`"`, "", "'", "")

// explains tells whether a change makes one line of another. A tag and its
// digest may stand on two lines.
func explains(ch plan.Change, old, new string) bool {
	old, new = unquoted.Replace(old), unquoted.Replace(new)
	oldTag, oldDigest, _ := strings.Cut(ch.Pin.Version, "@")
	newTag, newDigest, _ := strings.Cut(ch.New, "@")
	for _, v := range [][2]string{{ch.Pin.Version, ch.New}, {oldTag, newTag}, {oldDigest, newDigest}} {
		if v[0] != "" && strings.Replace(old, v[0], v[1], 1) == new {
			return true
		}
	}
	return false
}

// visible is what was found, without what is in no rendered output.
func visible(d *overlay.Deployment, rendered []string, files map[string][]byte) []string {
	out := *d
	if strings.Contains(string(files[d.Dir+"/kustomization.yaml"]), fetchBegin) {
		out.Pins = slices.DeleteFunc(slices.Clone(d.Pins), func(p pin.Pin) bool {
			entry := strings.Contains(p.At.Path.String(), "images[") // for what is fetched, as far as is known
			return unseen(p, files, rendered) && (entry || p.Kind == pin.Chart || p.Kind == pin.Remote)
		})
	}
	return found(&out)
}

// uncertain tells that a pin may be in no rendered output, although a version
// like its own is: it may be for what is fetched.
func uncertain(p pin.Pin, files map[string][]byte, rendered []string) bool {
	entry := strings.HasPrefix(p.At.Path.String(), "images[") && strings.Contains(string(files[p.At.File]), fetchBegin)
	return entry || unseen(p, files, rendered)
}

// unseen tells that a pin is not in the rendered output, since it stands in
// what is fetched or is for an image that may be in that.
func unseen(p pin.Pin, files map[string][]byte, rendered []string) bool {
	lines := strings.SplitAfter(string(files[p.At.File]), "\n")
	above := strings.Join(lines[:min(len(lines), p.At.Line)], "")
	return strings.Count(above, fetchBegin) > strings.Count(above, fetchEnd) || !slices.Contains(rendered, string(p.Kind)+" "+p.Version)
}

// renderDeployed builds an overlay as its cluster would have it, with what its
// Flux Kustomization adds.
func renderDeployed(t *testing.T, files map[string][]byte, dir string) (string, error) {
	t.Helper()
	files = maps.Clone(files)
	for name, content := range files {
		files[name] = fetched.ReplaceAll(content, nil)
	}
	if strings.HasSuffix(dir, ".yaml") {
		files["rendered/kustomization.yaml"] = []byte("resources: [../" + dir + "]\n")
		return render(t, files, "rendered")
	}
	flux, ok := files[path.Join(dir, "../../flux-system/apps.yaml")]
	if !ok {
		return render(t, files, dir)
	}
	var object struct {
		Spec struct {
			Path       string
			NamePrefix string `yaml:"namePrefix"`
			Images     []any
			Patches    []any
			Components []string
			PostBuild  struct{ Substitute map[string]string } `yaml:"postBuild"`
		}
	}
	var versions struct{ Data map[string]string }
	if err := yaml.Unmarshal(flux, &object); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(files[path.Join(dir, "../../flux-system/versions.yaml")], &versions); err != nil {
		t.Fatal(err)
	}
	above, err := yaml.Marshal(map[string]any{
		"resources": []string{path.Base(dir)}, "images": object.Spec.Images, "patches": object.Spec.Patches,
		"components": object.Spec.Components, "namePrefix": object.Spec.NamePrefix,
	})
	if err != nil {
		t.Fatal(err)
	}
	files[path.Join(object.Spec.Path, "kustomization.yaml")] = above
	out, err := render(t, files, path.Clean(object.Spec.Path))
	if err != nil {
		return "", err
	}
	vars := versions.Data
	maps.Copy(vars, object.Spec.PostBuild.Substitute)
	return variables.ReplaceAllStringFunc(out, func(use string) string {
		name := variables.FindStringSubmatch(use)[1]
		if vars[name] == "" {
			t.Fatal(fmt.Errorf("%s has no value", name))
		}
		return vars[name]
	}), err
}

var (
	fetched   = regexp.MustCompile("(?s)" + fetchBegin + ".*?" + fetchEnd)
	variables = regexp.MustCompile(`\$\{([A-Z_]+)(?::=[0-9.]+)?\}`)
)
