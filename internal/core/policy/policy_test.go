package policy_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

var update = flag.Bool("update", false, "rewrite the want section of the test data")

// Each archive holds a policy and what comes of it: the policy rendered with
// all its defaults, or the exact lines of the error.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(archive.Files); i += 2 {
				src, want := archive.Files[i], &archive.Files[i+1]
				got := outcome(src.Data)
				if *update {
					want.Data = []byte(got)
				}
				if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", want.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func outcome(src []byte) string {
	p, err := policy.Parse(policy.FileName, src)
	if err != nil {
		return err.Error() + "\n"
	}
	return render(p)
}

func render(p *policy.Policy) string {
	var b strings.Builder
	for _, l := range p.Layout {
		fmt.Fprintf(&b, "layout %s\n", l)
	}
	for _, e := range p.Environments {
		fmt.Fprintf(&b, "environment %s from %v clusters %v merge %s", e.Name, e.From, e.Clusters, e.Merge)
		g := e.Gates
		fmt.Fprintf(&b, " healthy %t soak %s approvals %d from %v author %s bumper %s\n", g.Healthy, g.Soak, g.Approvals.Count, g.Approvals.From, g.Approvals.Author, g.Approvals.Bumper)
		if g.Pipeline {
			b.WriteString("  pipeline\n")
		}
		for _, e := range g.Expressions {
			fmt.Fprintf(&b, "  expression %s\n", e)
		}
		for _, w := range g.Windows {
			fmt.Fprintf(&b, "  window %s\n", w)
		}
		for _, f := range g.Freezes {
			fmt.Fprintf(&b, "  freeze %s to %s, %s, %q\n", f.Start.UTC().Format("2006-01-02 15:04"), f.End.UTC().Format("2006-01-02 15:04"), f.Zone, f.Reason)
		}
	}
	for _, f := range p.Fields {
		fmt.Fprintf(&b, "field %s of %q: %s is %s, line %d\n", f.Kind, f.Group, f.Path, f.Is, f.At.Line)
	}
	for _, a := range p.Apps {
		fmt.Fprintf(&b, "app %s versions %q promote %s%s\n", a.Match, a.Versions, a.Promote, renderRest(a))
	}
	fmt.Fprintf(&b, "order %v\n", p.Order())
	for _, e := range p.Environments {
		if e.Candidate != policy.Newest {
			fmt.Fprintf(&b, "candidate %s for %s\n", e.Candidate, e.Name)
		}
	}
	fmt.Fprintf(&b, "guard %s open %d hourly %d\n", p.Guard, p.Limits.Open, p.Limits.Hourly)
	return b.String()
}

// renderRest is what a rule says about how versions are understood.
func renderRest(a policy.AppRule) string {
	out := fmt.Sprintf(" prereleases %s mutable %s automation %s", a.Prereleases, a.Tags.Mutable, a.Automation)
	if out == " prereleases deny mutable deny automation respect" {
		out = ""
	}
	if a.Tags.Scheme != version.Opaque {
		out += fmt.Sprintf(" scheme %v", a.Tags.Scheme)
	}
	if len(a.Couple) > 0 {
		out += fmt.Sprintf(" couple %v", a.Couple)
	}
	if len(a.Tags.Deny) > 0 {
		out += fmt.Sprintf(" deny %q", a.Tags.Deny)
	}
	if len(a.After) > 0 {
		out += fmt.Sprintf(" after %v", a.After)
	}
	if a.Group != "" {
		out += " group " + string(a.Group)
	}
	return out
}

func TestParseErrorIsInvalidAndStructured(t *testing.T) {
	_, err := policy.Parse("sluice.yaml", []byte("version: 2\nlayout: []\n"))
	if kind := core.KindOf(err); kind != core.Invalid {
		t.Errorf("kind = %v, want invalid", kind)
	}
	var problems policy.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("no Problems inside %v", err)
	}
	want := []string{"environments is missing", "version 2", "empty list"}
	if len(problems) != len(want) {
		t.Fatalf("got %d problems, want %d: %v", len(problems), len(want), err)
	}
	for i, p := range problems {
		if p.Line == 0 || p.Column == 0 || !strings.Contains(p.Message, want[i]) {
			t.Errorf("problem %d = %+v, want a place and %q", i, p, want[i])
		}
	}
}

func TestParseLimits(t *testing.T) {
	const head = "version: 1\nlayout: ['c/{cluster}/{app}']\nenvironments: [{name: dev, clusters: [a]}]\n"
	for name, tc := range map[string]struct{ src, want string }{
		"file size":  {head + strings.Repeat("#", 1<<18), "a policy may have at most 262144"},
		"nesting":    {head + "apps: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "levels deep"},
		"apps":       {head + "apps:\n" + strings.Repeat("- {match: a, promote: never}\n", 501), "found 501 items; at most 500"},
		"constraint": {head + "apps: [{match: a, versions: '>=1" + strings.Repeat(" ", 300) + "'}]", "at most 200"},
		"problems":   {head + "apps:\n" + strings.Repeat("- {}\n", 80), "30 more problems like these"},
		"encoding":   {head + "# gr\xfcn\n", "sluice.yaml:4:5: found a byte that is not UTF-8"},
		"foreign":    {head + strings.Repeat("x", 900) + ": 1\n", `unknown key "` + strings.Repeat("x", 60) + `"…`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := outcome([]byte(tc.src)); !strings.Contains(got, tc.want) || len(got) > 20_000 {
				t.Errorf("got %.2000s\nwant it to say %q", got, tc.want)
			}
		})
	}
}

func parse(t *testing.T, src string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("sluice.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const diamond = `
version: 1
layout: ["clusters/{cluster}/{app}"]
environments:
  - {name: prd, from: [stg-b, stg-a], clusters: [p1, p2], gates: {approvals: {count: 1, from: ["group:x/y", "user:jo", "group:a"]}}}
  - {name: stg-b, from: dev, clusters: [sb], gates: {approvals: {count: 1, from: "group:x/y"}}}
  - {name: stg-a, from: dev, clusters: [sa]}
  - {name: dev, clusters: [d]}
apps:
  - {match: "inference-*", versions: ">=1.2 <2"}
  - {match: "*-batch", promote: never}
`

func TestOrderAndDownstream(t *testing.T) {
	p := parse(t, diamond)
	if diff := cmp.Diff([]core.Env{"dev", "stg-b", "stg-a", "prd"}, p.Order()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for env, want := range map[core.Env][]core.Env{
		"dev": {"stg-b", "stg-a"}, "stg-a": {"prd"}, "prd": nil, "other": nil,
	} {
		if diff := cmp.Diff(want, p.Downstream(env)); diff != "" {
			t.Errorf("downstream of %s (-want +got):\n%s", env, diff)
		}
	}
}

func TestLookups(t *testing.T) {
	p := parse(t, diamond)
	if e, ok := p.Environment("stg-a"); !ok || e.Clusters[0] != "sa" || e.Root() {
		t.Errorf("Environment(stg-a) = %+v, %v", e, ok)
	}
	if e, ok := p.EnvironmentOf("p2"); !ok || e.Name != "prd" {
		t.Errorf("EnvironmentOf(p2) = %+v, %v", e, ok)
	}
	if _, ok := p.EnvironmentOf("unknown"); ok {
		t.Error("an unknown cluster has an environment")
	}
	if diff := cmp.Diff([]string{"a", "x/y"}, p.Groups()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestRule(t *testing.T) {
	p := parse(t, diamond)
	for app, want := range map[core.App]string{
		"inference-llm":   ">=1.2 <2 always",
		"inference-batch": ">=1.2 <2 always", // the first match wins
		"nightly-batch":   " never",
		"ai-gateway":      " always",
		"a/inference-x":   " always",
	} {
		r := p.Rule(app)
		if got := r.Versions + " " + string(r.Promote); got != want {
			t.Errorf("Rule(%s) = %q, want %q", app, got, want)
		}
	}
}

func TestRuleAllows(t *testing.T) {
	p := parse(t, diamond)
	for app, allowed := range map[core.App]map[string]bool{
		"inference-llm": {"1.2.0": true, "1.9.9": true, "2.0.0": false, "1.1.9": false, "1.5.0-rc.1": false, "latest": false, "": false},
		"ai-gateway":    {"2.0.0": true, "latest": true},
	} {
		for v, want := range allowed {
			ok, reason := p.Rule(app).Allows(version.Parse(v))
			if ok != want || ok == (reason != "") {
				t.Errorf("%s %q: allowed %v because %q, want %v", app, v, ok, reason, want)
			}
		}
	}
}

func TestRuleForbids(t *testing.T) {
	const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	p := parse(t, `
version: 1
layout: ["clusters/{cluster}/{app}"]
environments: [{name: dev, clusters: [a]}]
apps:
  - {match: open, prereleases: allow, tags: {mutable: allow}}
  - {match: narrow, versions: ">=1.0.0-0"}
  - {match: narrower, versions: ">=1.0.0-0", prereleases: deny}
  - {match: picky, tags: {deny: ["*-debug", "main-*"]}}
  - {match: strict, tags: {scheme: semver}}
`)
	for _, tt := range []struct {
		app     core.App
		version string
		chart   bool
		want    string // "" if it may be promoted
	}{
		{"other", "1.2.3", false, ""},
		{"other", "1.2.3-alpine", false, ""},
		{"other", "1.2.3-rc.1", false, "prereleases: allow"},
		{"other", "1.2.3-rc.1", true, "prereleases: allow"},
		{"other", "latest", false, "latest can mean something else tomorrow"},
		{"other", "stable", false, "mutable: allow"},
		{"other", "", false, "no tag can mean"},
		{"other", "latest" + digest, false, ""},
		{"other", digest, false, ""},
		{"other", "1.2.3-rc.1" + digest, false, "prereleases: allow"},
		{"open", "1.2.3-rc.1", false, ""},
		{"open", "latest", false, ""},
		{"narrow", "1.2.3-rc.1", false, ""},
		{"narrow", "latest", false, "mutable: allow"},
		{"narrower", "1.2.3-rc.1", false, "prereleases: allow"},
		{"picky", "1.2.3-debug", false, "1.2.3-debug fits *-debug, which the policy denies"},
		{"picky", "1.2.3-debug" + digest, false, "denies"},
		{"picky", "main-57", false, "fits main-*"},
		{"picky", "1.2.3", false, ""},
		{"picky", "1.2.3-debug", true, ""},
		{"strict", "1.2.3-alpine", false, "is a pre-release"},
	} {
		rule := p.Rule(tt.app)
		got := rule.Forbids(rule.Read(tt.version, tt.chart), tt.chart)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s %q, chart %v: %q, want %q in it", tt.app, tt.version, tt.chart, got, tt.want)
		}
	}
}

// TestFieldPathsPrintAsTheyAreRead reads what was printed again.
func TestFieldPathsPrintAsTheyAreRead(t *testing.T) {
	const head = "version: 1\nlayout: ['c/{cluster}/{app}']\nenvironments: [{name: dev, clusters: [a]}]\nfields: [{kind: M, path: '"
	for path, want := range map[string]string{
		"spec.image": "", "spec.a[].b": "", "a[][]": "", "*.x": "", `a."b.c".d`: "", `"plain"."*"`: `plain."*"`, `a."[]"[]`: "", "a-b_c/d": "",
	} {
		if want == "" {
			want = path
		}
		first := parse(t, head+path+"'}]").Fields[0].Path
		if again := parse(t, head+first.String()+"'}]").Fields[0].Path; first.String() != want || again.String() != want {
			t.Errorf("%s is printed as %s, and read again as %s; want %s", path, first, again, want)
		}
	}
}

func TestPatternMatch(t *testing.T) {
	p, err := policy.ParsePattern("envs/{env}/{cluster}/apps/{app}")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]*policy.Vars{
		"envs/dev/d1/apps/gateway":     {Env: "dev", Cluster: "d1", App: "gateway"},
		"envs/dev/d1/apps":             nil,
		"envs/dev/d1/apps/gateway/sub": nil,
		"envs/dev/d1/infra/gateway":    nil,
		"envs/dev/../apps/gateway":     nil,
		"envs/dev//apps/gateway":       nil,
		"/envs/dev/d1/apps/gateway":    nil,
		"envs/dev/d1/apps/gateway/":    nil,
		"":                             nil,
	} {
		got, ok := p.Match(path)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("Match(%q) = %+v, %v; want %+v", path, got, ok, want)
		}
	}
}

func TestPatternMatchesFiles(t *testing.T) {
	p, err := policy.ParsePattern("apps/{app}/{env}.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]*policy.Vars{
		"apps/web/dev.yaml":   {Env: "dev", App: "web"},
		"apps/web/a.b.yaml":   {Env: "a.b", App: "web"},
		"apps/web/dev.yml":    nil,
		"apps/web/dev":        nil,
		"apps/web/.yaml":      nil,
		"apps/web/...yaml":    nil,
		"apps/web/dev.yaml/x": nil,
	} {
		got, ok := p.Match(path)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("Match(%q) = %+v, %v; want %+v", path, got, ok, want)
		}
	}
}

func TestPatternSegmentsSpellThePattern(t *testing.T) {
	const text = "flux-config/clusters/{cluster}/apps/{app}"
	p, err := policy.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, s := range p.Segments() {
		parts = append(parts, s.String())
	}
	if got := strings.Join(parts, "/"); got != text || p.String() != text {
		t.Errorf("segments spell %q, the pattern %q; want %q", got, p, text)
	}
	p.Segments()[0].Literal = "changed"
	if p.String() != text {
		t.Error("changing the returned segments changed the pattern")
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			f.Add(archive.Files[i].Data)
		}
	}
	f.Add([]byte(diamond))
	f.Add([]byte("&a [*a]"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Add([]byte("<<: {version: 1}"))
	line := regexp.MustCompile(`^sluice\.yaml:[1-9]\d*:[1-9]\d*: .*; |^sluice\.yaml: \d+ more`)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := policy.Parse("sluice.yaml", src)
		if err != nil {
			for l := range strings.SplitSeq(err.Error(), "\n") {
				if !line.MatchString(l) {
					t.Errorf("no place or no advice: %q", l)
				}
			}
			return
		}
		checkSound(t, p)
	})
}

// checkSound is what everyone may rely on who holds a Policy.
func checkSound(t *testing.T, p *policy.Policy) {
	t.Helper()
	if len(p.Layout) == 0 || len(p.Environments) == 0 || len(p.Order()) != len(p.Environments) {
		t.Errorf("layout %v, order %v of %d environments", p.Layout, p.Order(), len(p.Environments))
	}
	for _, e := range p.Environments {
		a := e.Gates.Approvals
		if len(e.Clusters) == 0 || a.Count > 0 && len(a.From) == 0 || e.Root() && e.Gates.Healthy {
			t.Errorf("environment %+v is not sound", e)
		}
		for _, c := range e.Clusters {
			if of, ok := p.EnvironmentOf(c); !ok || of.Name != e.Name {
				t.Errorf("cluster %s is in %s and %s", c, e.Name, of.Name)
			}
		}
	}
}
