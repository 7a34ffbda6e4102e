package scaffold_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/offline"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/scaffold"
)

// sluice runs a command line as the program would.
func sluice(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	env := process.Env{Args: args, Stdout: &b, Stderr: &b}
	root := &cobra.Command{Use: "sluice"}
	root.AddCommand(scaffold.Commands(env)...)
	root.AddCommand(offline.Commands(env)...)
	return process.Execute(t.Context(), env, root), b.String()
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out := sluice(t, args...)
	if code != process.OK {
		t.Fatalf("sluice %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// files are all files of a clone but Git's own.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// git runs the real program, away from whatever this machine has configured.
func git(t *testing.T, dir, input string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A Person", "GIT_AUTHOR_EMAIL=person@example.org", "GIT_COMMITTER_NAME=A Person", "GIT_COMMITTER_EMAIL=person@example.org",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		git(t, dir, "", "init", "--quiet", "--initial-branch=main")
	}
	git(t, dir, "", "add", "--all")
	git(t, dir, "", "commit", "--quiet", "--allow-empty", "--message", "a change")
}

// grew checks that files only got something in one place: without it they are as
// they were, to the byte.
func grew(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, old := range before {
		now, ok := after[name]
		if !ok {
			t.Errorf("%s is gone", name)
			continue
		}
		head := 0
		for head < min(len(old), len(now)) && old[head] == now[head] {
			head++
		}
		tail := 0
		for tail < min(len(old), len(now))-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
			tail++
		}
		if head+tail != len(old) {
			t.Errorf("%s lost something: %q became %q", name, old[head:len(old)-tail], now[head:len(now)-tail])
		}
	}
}

// build has kustomize build every directory with a kustomization in which, or
// below which, something is new.
func build(t *testing.T, dir string, before, after map[string]string) {
	t.Helper()
	dirs := map[string]bool{}
	for name, content := range after {
		if before[name] == content {
			continue
		}
		for at := path.Dir(name); ; at = path.Dir(at) {
			if _, ok := after[path.Join(at, "kustomization.yaml")]; ok {
				dirs[at] = true
			}
			if at == "." {
				break
			}
		}
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	for _, at := range slices.Sorted(maps.Keys(dirs)) {
		if _, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, at)); err != nil {
			t.Errorf("%s does not build: %v", at, err)
		}
	}
}
