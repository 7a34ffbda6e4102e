package fluxtool_test

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	sluice "github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/fluxtool"
)

var update = flag.Bool("update", false, "write the golden files anew")

const root = "flux-config/clusters/platform-core-dev-aks"

// clone is a copy of the reference monorepo on disk, before Sluice is connected.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, sluice.Monorepo()); err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{"dev", "stg", "prd"} {
		cluster := filepath.Join(dir, "flux-config", "clusters", "platform-core-"+env+"-aks")
		list, err := os.ReadFile(filepath.Join(cluster, "kustomization.yaml"))
		if err == nil {
			err = os.WriteFile(filepath.Join(cluster, "kustomization.yaml"), bytes.Replace(list, []byte("  - sluice\n"), nil, 1), 0o644)
		}
		if err := errors.Join(err, os.RemoveAll(filepath.Join(cluster, "sluice"))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	env := process.Env{Args: args, Stdout: &b, Stderr: &b}
	return process.Execute(t.Context(), env, fluxtool.Command(env)), b.String()
}

func manifests(t *testing.T, dir string, more ...string) (int, string) {
	t.Helper()
	return run(t, append([]string{"manifests", "--dir", dir, "--cluster", "platform-core-dev-aks", "--sluice-url", "https://sluice.example.com/"}, more...)...)
}

// files are all files of a clone.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestManifestsAsTheyAreWritten(t *testing.T) {
	for name, args := range map[string][]string{
		"default": nil,
		"all":     {"--host", "flux.dev.example.com", "--project", "ai-platform/platform-gitops", "--commit-statuses", "https://gitlab.com/42", "--secrets", "sops"},
		"sealed":  {"--secrets", "sealed-secrets", "--receiver-type", "gitlab"},
		"none":    {"--secrets", "none", "--receiver-type", "generic"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := clone(t)
			before := files(t, dir)
			if code, out := manifests(t, dir, args...); code != process.OK {
				t.Fatalf("exit code %d: %s", code, out)
			}
			var made txtar.Archive
			after := files(t, dir)
			for path, content := range after {
				if old, ok := before[path]; ok && old != content && path != root+"/kustomization.yaml" {
					t.Errorf("%s was changed", path)
				} else if !ok {
					made.Files = append(made.Files, txtar.File{Name: strings.TrimPrefix(path, root+"/"), Data: []byte(content)})
				}
			}
			golden(t, name, &made)
			if want := before[root+"/kustomization.yaml"] + "  - sluice\n"; after[root+"/kustomization.yaml"] != want {
				t.Errorf("the cluster's kustomization became\n%s", after[root+"/kustomization.yaml"])
			}
			builds(t, dir)
			if code, out := manifests(t, dir, args...); code != process.OK || out != "everything is there already\n" {
				t.Errorf("the second time: exit code %d: %s", code, out)
			}
			if diff := cmp.Diff(after, files(t, dir)); diff != "" {
				t.Errorf("the second time something changed: %s", diff)
			}
			if code, out := manifests(t, dir, append(args, "--check")...); code != process.OK {
				t.Errorf("checked: exit code %d: %s", code, out)
			}
		})
	}
}

func golden(t *testing.T, name string, made *txtar.Archive) {
	t.Helper()
	sortFiles(made)
	file := filepath.Join("testdata", name+".txtar")
	if *update {
		if err := os.WriteFile(file, txtar.Format(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(txtar.Format(made))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func sortFiles(a *txtar.Archive) {
	for i := range a.Files {
		for j := i; j > 0 && a.Files[j].Name < a.Files[j-1].Name; j-- {
			a.Files[j], a.Files[j-1] = a.Files[j-1], a.Files[j]
		}
	}
}

// builds has kustomize build the cluster's directory, as Flux does.
func builds(t *testing.T, dir string) {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, root))
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil || !strings.Contains(string(text), "kind: Receiver") {
		t.Errorf("the Receiver is not built: %v", err)
	}
}

// The reference monorepo is connected: its Alerts hear every HelmRelease, and what
// a person has added to the manifests is in nobody's way.
func TestTheReferenceMonorepoIsConnected(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, sluice.Monorepo()); err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{"dev", "stg", "prd"} {
		code, out := run(t, "manifests", "--check", "--dir", dir, "--cluster", "platform-core-"+env+"-aks",
			"--sluice-url", "https://sluice.platform.example.com", "--host", "flux-"+env+".platform.example.com", "--project", "ai-platform/platform-gitops")
		if code != process.OK {
			t.Errorf("%s: exit code %d: %s", env, code, out)
		}
	}
}

// What a person has changed stays, byte for byte, as long as Sluice can live
// with it; what it cannot live with is the only thing that is changed.
func TestHandMadeChangesStay(t *testing.T) {
	dir := clone(t)
	manifests(t, dir)
	path := filepath.Join(dir, root, "sluice", "events.yaml")
	write := func(old, fresh string) string {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(content), old, fresh, 1)
		if text == string(content) {
			t.Fatalf("%q is not there", old)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return text
	}
	write("  timeout: 60s # room", "  timeout:   90s   # more room")
	write("spec:\n  providerRef:", "spec:\n  # ours\n  summary: 'by hand'\n  providerRef:")
	mine := write("  eventMetadata:\n    cluster: platform-core-dev-aks\n    env: dev\n", "  eventMetadata: {team: 'a',   cluster: platform-core-dev-aks, env: dev}\n")
	if code, out := manifests(t, dir); code != process.OK || out != "everything is there already\n" {
		t.Errorf("exit code %d: %s", code, out)
	}
	write("https://sluice.example.com/hooks", "https://old.example.com/hooks")
	write(", env: dev}", "}")
	code, out := manifests(t, dir, "--check")
	if code != process.Failed || !strings.Contains(out, "events.yaml is not as it must be") || !strings.Contains(out, "+   address: https://sluice.example.com/hooks") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := manifests(t, dir); code != process.OK || out != "changed "+root+"/sluice/events.yaml\n" {
		t.Errorf("exit code %d: %s", code, out)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != mine {
		t.Errorf("%v: -want +got:\n%s", err, cmp.Diff(mine, string(got)))
	}
}

// An Alert that forgets something gets just that.
func TestWhatAnAlertForgetsIsAdded(t *testing.T) {
	dir := clone(t)
	manifests(t, dir)
	path := filepath.Join(dir, root, "sluice", "events.yaml")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := "    - kind: HelmRelease\n      name: \"*\"\n      namespace: ingress-nginx\n"
	less := strings.Replace(string(whole), last, "", 1)
	less = strings.Replace(less, "    - kind: Kustomization\n      name: \"*\"", "    - kind: Kustomization\n      name: apps # alone", 1)
	if err := os.WriteFile(path, []byte(less), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := manifests(t, dir); code != process.OK || out != "changed "+root+"/sluice/events.yaml\n" {
		t.Errorf("exit code %d: %s", code, out)
	}
	got, err := os.ReadFile(path)
	if want := less + last; err != nil || string(got) != want {
		t.Errorf("%v: -want +got:\n%s", err, cmp.Diff(want, string(got)))
	}
}

func TestATrapFailsTheCheck(t *testing.T) {
	dir := clone(t)
	manifests(t, dir)
	path := filepath.Join(dir, root, "flux-system", "kustomizations.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(content, []byte("wait: true"), []byte("wait: false"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := manifests(t, dir, "--check"); code != process.Failed || !strings.Contains(out, "flux-wait") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestMistakesAreSaid(t *testing.T) {
	dir := clone(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no cluster":      {[]string{"--cluster", ""}, "--cluster is missing"},
		"unknown cluster": {[]string{"--cluster", "prod"}, `names no cluster "prod"; it has platform-core-dev-aks, platform-core-stg-aks, platform-core-prd-aks`},
		"no address":      {[]string{"--sluice-url", "sluice"}, "--sluice-url"},
		"secrets":         {[]string{"--secrets", "vault"}, "external-secrets, sealed-secrets, sops, none"},
		"type":            {[]string{"--receiver-type", "github"}, "generic-hmac, generic, gitlab"},
		"no clone":        {[]string{"--dir", t.TempDir()}, "give the clone's root with --dir"},
	} {
		code, out := manifests(t, dir, c.args...)
		if code != process.Usage || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d: %s", name, code, out)
		}
	}
	path := filepath.Join(dir, root, "kustomization.yaml")
	if err := os.WriteFile(path, []byte("kind: Kustomization\nresources: all\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := manifests(t, dir); code != process.Usage || !strings.Contains(out, root+"/kustomization.yaml:2:12: found no list under resources") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, err := os.Stat(filepath.Join(dir, root, "sluice")); err == nil {
		t.Error("half of it was written")
	}
}
