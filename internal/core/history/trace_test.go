package history_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const rules = `version: 1
layout: ["clusters/{cluster}/apps/{app}", "files/{app}/{env}.yaml"]
environments:
  - {name: dev, clusters: [d1, d2]}
  - {name: stg, from: dev, clusters: [s1]}
`

// repo is a default branch in memory.
type repo struct {
	t       testing.TB
	policy  *policy.Policy
	commits []history.Commit // oldest first
	trees   map[core.SHA]map[string]string
	looks   int
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	p, err := policy.Parse(policy.FileName, []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return &repo{t: t, policy: p, trees: map[core.SHA]map[string]string{}}
}

// commit adds a commit that changes some files; "" removes one.
func (r *repo) commit(at time.Time, files map[string]string) core.SHA {
	before := map[string]string{}
	if n := len(r.commits); n > 0 {
		before = r.trees[r.commits[n-1].SHA]
	}
	after := maps.Clone(before)
	maps.Copy(after, files)
	maps.DeleteFunc(after, func(_, content string) bool { return content == "" })
	changed := map[string]bool{}
	for name := range files {
		for p := name; p != "." && before[name] != after[name]; p = path.Dir(p) {
			changed[p] = true
		}
		if before[name] != after[name] {
			changed[path.Dir(name)+"/"] = true
		}
	}
	sha := core.SHA(fmt.Sprintf("%040x", len(r.commits)+1))
	r.trees[sha] = after
	r.commits = append(r.commits, history.Commit{SHA: sha, At: at, By: "Ann", Changed: slices.Collect(maps.Keys(changed))})
	return sha
}

func (r *repo) tree(sha core.SHA) (overlay.Tree, error) {
	r.looks++
	return memtree.Text(r.trees[sha]), nil
}

// newest lists the newest n commits, newest first.
func (r *repo) newest(n int) []history.Commit {
	out := slices.Clone(r.commits[len(r.commits)-n:])
	slices.Reverse(out)
	return out
}

func (r *repo) trace(t *history.Tracer, target core.Target) history.Course {
	r.t.Helper()
	c, err := t.Trace(r.tree, r.policy, r.commits[len(r.commits)-1].SHA, target)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// brute reads every commit as a whole.
func (r *repo) brute(target core.Target) []history.Step {
	r.t.Helper()
	var out []history.Step
	reader := overlay.NewReader()
	for i, c := range r.commits {
		inv, err := reader.Read(memtree.Text(r.trees[c.SHA]), r.policy)
		if err != nil {
			r.t.Fatal(err)
		}
		has := map[history.Slot]string{}
		for _, d := range inv.Of(target) {
			for _, p := range d.Pins {
				if d.Broken == nil {
					has[history.Slot{Cluster: d.Cluster, Key: p.Key}] = p.Version
				}
			}
		}
		if len(out) == 0 || !maps.Equal(out[0].Has, has) {
			out = append([]history.Step{{Commit: c.SHA, At: c.At, By: c.By, Behind: len(r.commits) - 1 - i, Has: has}}, out...)
		}
	}
	return out
}

var day = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

// TestTraceTellsWhatReadingEverythingTells compares the quick way, at every head
// and with or without a memory of the heads before, with the plain one.
func TestTraceTellsWhatReadingEverythingTells(t *testing.T) {
	targets := []core.Target{{Env: "dev", App: "web"}, {Env: "stg", App: "web"}, {Env: "stg", App: "api"}, {Env: "dev", App: "gone"}}
	for seed := range uint64(30) {
		r, rnd := newRepo(t), rand.New(rand.NewPCG(seed, 1))
		var remembering history.Tracer
		for n := range 40 {
			r.commit(day.Add(time.Duration(n)*time.Hour), someChange(rnd))
			if n == 0 || rnd.IntN(15) == 0 {
				remembering.Renew(r.newest(n+1), history.Beginning)
			} else {
				remembering.Extend(r.newest(1))
			}
			for _, target := range targets {
				if rnd.IntN(3) == 0 && n != 39 {
					continue // it is not always asked
				}
				want := settled(r.brute(target))
				var fresh history.Tracer
				fresh.Renew(r.newest(n+1), history.Beginning)
				for name, tracer := range map[string]*history.Tracer{"fresh": &fresh, "remembering": &remembering} {
					got := r.trace(tracer, target)
					if diff := cmp.Diff(want, settled(got.Steps)); diff != "" {
						t.Fatalf("seed %d, commit %d, %s, %s tracer (-want +got):\n%s", seed, n, target, name, diff)
					}
					if got.End != history.Beginning || got.Commits != n+1 || !got.Since.Equal(day) {
						t.Fatalf("seed %d, commit %d, %s: ends with %s after %d commits, %s", seed, n, target, got.End, got.Commits, got.Since)
					}
				}
			}
		}
	}
}

// settled leaves open which commit brought nothing at all, where that is the
// oldest step: the first one, if any.
func settled(steps []history.Step) []history.Step {
	out := slices.Clone(steps)
	if last := len(out) - 1; len(out[last].Has) == 0 {
		out[last] = history.Step{Has: out[last].Has}
	}
	return out
}

func someChange(r *rand.Rand) map[string]string {
	version := fmt.Sprintf("1.%d.0", r.IntN(4))
	app := []string{"web", "api"}[r.IntN(2)]
	file := fmt.Sprintf("clusters/%s/apps/%s/kustomization.yaml", []string{"d1", "d2", "s1"}[r.IntN(3)], app)
	image := "images: [{name: web, newTag: " + version + "}]\n"
	switch r.IntN(10) {
	case 0:
		return map[string]string{"README.md": version}
	case 1:
		return map[string]string{"bases/" + app + "/kustomization.yaml": image}
	case 2:
		return map[string]string{file: "resources: [../../../../bases/" + app + "]\n"}
	case 3:
		return map[string]string{file: ""}
	case 4:
		return map[string]string{file: "images: ["}
	case 6: // Flux sets the image, past the overlay
		return map[string]string{"clusters/d1/flux-system/apps.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n" +
			"spec: {path: ./clusters/d1/apps, images: [{name: web, newTag: " + version + "}]}\n"}
	case 7:
		return map[string]string{"clusters/d1/apps.yaml": "# " + version, "clusters/d1/flux-system/apps.yaml": ""}
	case 5:
		return map[string]string{file: "# no version\n" + image}
	default:
		return map[string]string{file: image}
	}
}

// TestAskingAgainCostsWhatHasChanged counts the looks at trees.
func TestAskingAgainCostsWhatHasChanged(t *testing.T) {
	r := newRepo(t)
	stg := core.Target{Env: "stg", App: "web"}
	for n := range 200 {
		r.commit(day.Add(time.Duration(n)*time.Hour), map[string]string{"clusters/s1/apps/web/kustomization.yaml": image(n / 4), "n": fmt.Sprint(n)})
	}
	var tracer history.Tracer
	tracer.Renew(r.newest(200), history.Beginning)
	r.trace(&tracer, stg)
	for what, change := range map[string]map[string]string{"elsewhere": {"m": "1"}, "in the target": {"clusters/s1/apps/web/kustomization.yaml": image(99)}} {
		r.commit(day.Add(300*time.Hour), change)
		tracer.Extend(r.newest(1))
		r.looks = 0
		if got := len(r.trace(&tracer, stg).Steps); got < 50 || r.looks > 2 {
			t.Errorf("a commit %s: %d looks for %d steps", what, r.looks, got)
		}
		if r.looks = 0; r.trace(&tracer, stg).End != history.Beginning || r.looks > 0 {
			t.Errorf("asking twice at one head: %d looks", r.looks)
		}
	}
}

func image(n int) string { return fmt.Sprintf("images: [{name: web, newTag: 1.%d.0}]\n", n) }

// TestThePastHasItsLimits takes a tracer that remembers more, and one that does
// not, to the same ends.
func TestThePastHasItsLimits(t *testing.T) {
	stg := core.Target{Env: "stg", App: "web"}
	file := "clusters/s1/apps/web/kustomization.yaml"
	for name, tc := range map[string]struct {
		commits  int
		pause    time.Duration
		change   func(n int) map[string]string
		steps    int
		looked   int // commits
		nameless bool
	}{
		"too many commits": {history.MaxCommits + 50, time.Minute, func(n int) map[string]string {
			return map[string]string{file: image(n / 1000), "n": fmt.Sprint(n)}
		}, 6, history.MaxCommits, true},
		"too long ago": {400, 24 * time.Hour, func(n int) map[string]string {
			return map[string]string{file: image(n / 100), "n": fmt.Sprint(n)}
		}, 2, 181, true},
		"too many states": {300, time.Hour, func(n int) map[string]string { return map[string]string{file: image(n)} }, 100, 100, false},
		"too many looks": {1000, time.Minute, func(n int) map[string]string {
			return map[string]string{file: fmt.Sprintf("# %d\n%s", n, image(n/300))}
		}, 3, 400, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			var remembering, fresh history.Tracer
			for n := range tc.commits {
				r.commit(day.Add(time.Duration(n)*tc.pause), tc.change(n))
				if n == tc.commits/2 {
					remembering.Renew(r.newest(n+1), history.Beginning)
					r.trace(&remembering, stg)
				}
				if n > tc.commits/2 {
					remembering.Extend(r.newest(1))
				}
			}
			fresh.Renew(r.newest(min(tc.commits, history.MaxCommits)), history.Limit)
			got := r.trace(&fresh, stg)
			if diff := cmp.Diff(got, r.trace(&remembering, stg)); diff != "" {
				t.Errorf("without a memory (-) and with one (+):\n%s", diff)
			}
			last := got.Steps[len(got.Steps)-1]
			if len(got.Steps) != tc.steps || got.End != history.Limit || (last.Commit == "") != tc.nameless {
				t.Errorf("%d steps, the end is %s, the last commit %q", len(got.Steps), got.End, last.Commit)
			}
			if got.Commits > tc.looked || got.Commits < tc.looked*9/10-50 {
				t.Errorf("%d commits, want about %d", got.Commits, tc.looked)
			}
		})
	}
}

func TestAMissingPastIsNotTheBeginning(t *testing.T) {
	r := newRepo(t)
	for n := range 10 {
		r.commit(day.Add(time.Duration(n)*time.Hour), map[string]string{"clusters/s1/apps/web/kustomization.yaml": image(n / 5)})
	}
	stg := core.Target{Env: "stg", App: "web"}
	var shallow history.Tracer
	shallow.Renew(r.newest(8), history.Missing)
	got := r.trace(&shallow, stg)
	if got.End != history.Missing || got.Commits != 8 || len(got.Steps) != 2 || got.Steps[1].Commit != "" {
		t.Errorf("a shallow clone: %+v", got)
	}
	var partial history.Tracer
	partial.Renew(r.newest(10), history.Beginning)
	got, err := partial.Trace(func(sha core.SHA) (overlay.Tree, error) {
		if sha == r.commits[4].SHA {
			return nil, core.Errorf(core.Internal, "not there")
		}
		return r.tree(sha)
	}, r.policy, r.commits[9].SHA, stg)
	if err != nil || got.End != history.Missing || len(got.Steps) != 1 || got.Steps[0].Commit != "" {
		t.Errorf("a partial clone: %+v, %v", got, err)
	}
	_, err = partial.Trace(func(sha core.SHA) (overlay.Tree, error) {
		if sha == r.commits[4].SHA {
			return nil, core.Errorf(core.Transient, "damaged")
		}
		return r.tree(sha)
	}, r.policy, r.commits[9].SHA, stg)
	if core.KindOf(err) != core.Transient {
		t.Errorf("a damaged mirror: %v", err)
	}
	if _, err := partial.Trace(r.tree, r.policy, "ff", stg); core.KindOf(err) != core.NotFound {
		t.Errorf("a commit elsewhere: %v", err)
	}
}
