package linting_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sluice "github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/linting"
	"github.com/sluice-gitops/sluice/internal/core/lint"
)

var update = flag.Bool("update", false, "write the generated part of docs/lint.md")

// clone is the reference monorepo, committed once.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, sluice.Monorepo()); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "-b", "main")
	commit(t, dir)
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func commit(t *testing.T, dir string) string {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "change")
	return git(t, dir, "rev-parse", "HEAD")
}

func run(t *testing.T, environ []string, args ...string) (int, string, string) {
	t.Helper()
	var out, problems bytes.Buffer
	env := process.Env{Args: args, Environ: environ, Stdout: &out, Stderr: &problems}
	return process.Execute(t.Context(), env, linting.Command(env)), out.String(), problems.String()
}

func change(t *testing.T, dir, file, old, new string) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(file))
	content, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(content), old) {
		t.Fatalf("%s: nothing to change: %v", file, err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(content), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	registry = "flux-config/clusters/platform-core-stg-aks/apps/model-registry/kustomization.yaml"
	base     = "flux-config/bases/model-registry/deployment.yaml"
)

func TestACleanMonorepo(t *testing.T) {
	dir := clone(t)
	for _, args := range [][]string{{dir}, {filepath.Join(dir, "flux-config")}, {dir, "--since", "HEAD"}, {dir, "--fail-on", "note"}} {
		if code, out, problems := run(t, nil, args...); code != process.OK || out != "nothing is wrong\n" || problems != "" {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, problems)
		}
	}
}

// What is not committed counts, and only what has changed is told.
func TestSinceACommit(t *testing.T) {
	dir := clone(t)
	change(t, dir, base, "replicas: 1", "replica: 1")
	first := commit(t, dir)
	change(t, dir, registry, "newTag: v2.20.0", "newTag: v2.20.0\n    newTga: v2")
	code, out, problems := run(t, nil, dir, "--since", first)
	if code != process.Failed || !strings.Contains(out, registry) || strings.Contains(out, "clusters/platform-core-dev-aks") {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
	git(t, dir, "checkout", "-q", registry)
	if code, out, _ = run(t, nil, dir); code != process.Failed || !strings.Contains(out, base+`:9:12: error: Deployment: spec has no field "replica" [schema]`+"\n  fix: did you mean replicas?\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	change(t, dir, base, "replica: 1", "replica: 1 # sluice:ignore schema it is tried here\n  # ")
	if code, out, problems = run(t, nil, dir); code != process.OK {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
}

func TestHowFarAMergeRequestReaches(t *testing.T) {
	dir := clone(t)
	before := git(t, dir, "rev-parse", "HEAD")
	environ := []string{"CI_MERGE_REQUEST_DIFF_BASE_SHA=" + before}
	change(t, dir, registry, "newTag: v2.20.0", "newTag: v2.21.0")
	code, out, problems := run(t, environ, dir, "--mr")
	want := "| environment | cluster | build | changed | added | removed |\n| --- | --- | --- | --- | --- | --- |\n" +
		"| `stg` | `platform-core-stg-aks` | `flux-config/clusters/platform-core-stg-aks/apps/model-registry` | `Deployment ai-platform/model-registry` |  |  |\nnothing is wrong\n"
	if code != process.OK || out != want {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", code, out, problems, want)
	}
	change(t, dir, base, "--port=5000", "--port=5001")
	code, out, _ = run(t, environ, dir, "--mr")
	if code != process.Failed || !strings.Contains(out, base+":31: error: the change reaches platform-core-prd-aks, platform-core-stg-aks together with the environment before") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if code, _, problems = run(t, nil, dir, "--mr"); code != linting.Unable || !strings.Contains(problems, "CI_MERGE_REQUEST_DIFF_BASE_SHA") {
		t.Errorf("exit code %d\n%s", code, problems)
	}
}

func TestWhatCannotBeLinted(t *testing.T) {
	dir := clone(t)
	for want, args := range map[string][]string{
		"--format is":   {dir, "--format", "xml"},
		"--fail-on is":  {dir, "--fail-on", "never"},
		"GIT_DEPTH":     {dir, "--since", "nowhere"},
		"unknown flag":  {dir, "--nope"},
		"at most one":   {dir, dir},
		"read the mono": {filepath.Join(dir, "missing")},
	} {
		if code, _, problems := run(t, nil, args...); code != linting.Unable || !strings.Contains(problems, want) && want != "read the mono" {
			t.Errorf("%v: exit code %d, %s", args, code, problems)
		}
	}
}

// Each format is what its readers take, and shows the same.
func TestFormats(t *testing.T) {
	dir := clone(t)
	change(t, dir, base, "replicas: 1", "replica: 1")
	var document struct {
		Version  int
		Findings []struct {
			File, Rule, Severity, Reason, Fix string
			Line, Column                      int
		}
	}
	code, out, _ := run(t, nil, dir, "--format", "json")
	if err := json.Unmarshal([]byte(out), &document); err != nil || code != process.Failed || document.Version != 1 || len(document.Findings) != 1 || document.Findings[0].Line != 9 {
		t.Errorf("json: %v, exit code %d\n%s", err, code, out)
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Tool    struct{ Driver struct{ Name string } }
			Results []struct {
				RuleID, Level string
				Locations     []struct {
					PhysicalLocation struct{ Region struct{ StartLine int } }
				}
			}
		}
	}
	_, out, _ = run(t, nil, dir, "--format", "sarif")
	if err := json.Unmarshal([]byte(out), &sarif); err != nil || sarif.Version != "2.1.0" || len(sarif.Runs) != 1 || len(sarif.Runs[0].Results) != 1 || sarif.Runs[0].Results[0].Locations[0].PhysicalLocation.Region.StartLine != 9 {
		t.Errorf("sarif: %v\n%s", err, out)
	}
	fingerprint := func() string {
		var report []struct {
			Description, Fingerprint, Severity string
			Check                              string `json:"check_name"`
			Location                           struct {
				Path  string
				Lines struct{ Begin int }
			}
		}
		_, out, _ := run(t, nil, dir, "--format", "gitlab")
		if err := json.Unmarshal([]byte(out), &report); err != nil || len(report) != 1 || report[0].Location.Path != base || report[0].Severity != "critical" || report[0].Check != "schema" {
			t.Fatalf("gitlab: %v\n%s", err, out)
		}
		return report[0].Fingerprint
	}
	first := fingerprint()
	change(t, dir, base, "apiVersion: apps/v1", "# a line more\napiVersion: apps/v1")
	if second := fingerprint(); second != first || first == "" {
		t.Errorf("the fingerprint %s became %s when lines moved", first, second)
	}
}

// The table of rules is generated, so that none is forgotten.
func TestDocumentationIsUpToDate(t *testing.T) {
	var b strings.Builder
	b.WriteString("| rule | severity | what is so | what follows |\n| --- | --- | --- | --- |\n")
	for _, r := range lint.Rules() {
		b.WriteString("| `" + r.ID + "` | " + string(r.Severity) + " | " + r.Summary + " | " + r.Why + " |\n")
	}
	const name = "../../../../docs/lint.md"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	part := regexp.MustCompile(`(?s)(<!-- rules -->\n).*?(<!-- end of rules -->)`)
	want := part.ReplaceAllString(string(page), "${1}"+b.String()+"${2}")
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" || !part.Match(page) {
		t.Errorf("run make docs:\n%s", diff)
	}
}
