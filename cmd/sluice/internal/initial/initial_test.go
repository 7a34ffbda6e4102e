package initial_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/initial"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

var update = flag.Bool("update", false, "write what is proposed into the archives")

// command runs a command line as the program would.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	env := process.Env{Args: append([]string{"init"}, args...), Stdout: &out, Stderr: &problems}
	root := &cobra.Command{Use: "sluice"}
	root.AddCommand(initial.Command(env))
	code = process.Execute(t.Context(), env, root)
	return code, out.String(), problems.String()
}

// commit makes a repository of files, away from what this machine has configured.
func commit(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"commit", "--quiet", "--allow-empty", "--message", "all"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=A Person", "GIT_AUTHOR_EMAIL=person@example.org", "GIT_COMMITTER_NAME=A Person", "GIT_COMMITTER_EMAIL=person@example.org",
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// TestProposals compares what is proposed for each monorepo of testdata with
// the archive's last file. One whose name is "refused" is none.
func TestProposals(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no monorepos", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := &archive.Files[len(archive.Files)-1]
			tree := map[string][]byte{}
			for _, f := range archive.Files[:len(archive.Files)-1] {
				tree[f.Name] = f.Data
			}
			dir := commit(t, tree)
			code, out, problems := command(t, "--repo", dir)
			if *update {
				last.Data = []byte(out)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if refused := last.Name == "refused"; refused != (code == process.Failed) || refused != (problems != "") {
				t.Errorf("exit code %d and on stderr %q", code, problems)
			} else if !refused {
				finds(t, dir, out)
			}
		})
	}
}

// finds checks that a proposal is a policy and finds versions in each
// environment.
func finds(t *testing.T, dir, proposal string) {
	t.Helper()
	p, err := policy.Parse(policy.FileName, []byte(proposal))
	if err != nil {
		t.Fatalf("the proposal is no policy: %v\n%s", err, proposal)
	}
	clone, err := git.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer clone.Close() //nolint:errcheck // it was only read
	head, err := clone.Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := clone.Tree(head)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := overlay.NewReader().Read(tree, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range p.Environments {
		found := 0
		for target, list := range inv.All() {
			for _, d := range list {
				if target.Env == env.Name {
					found += len(d.Pins)
				}
			}
		}
		if found == 0 {
			t.Errorf("no version is found in %s", env.Name)
		}
	}
}

// TestTheReferenceMonorepo proposes the chain and the layouts that its own
// policy has.
func TestTheReferenceMonorepo(t *testing.T) {
	files := map[string][]byte{}
	err := fs.WalkDir(sluice.Monorepo(), "flux-config", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name], err = fs.ReadFile(sluice.Monorepo(), name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := commit(t, files)
	code, out, problems := command(t, "--repo", dir)
	if code != process.OK {
		t.Fatalf("exit code %d: %s\n%s", code, problems, out)
	}
	finds(t, dir, out)
	got, err := policy.Parse(policy.FileName, []byte(out))
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(sluice.Monorepo(), policy.FileName)
	if err != nil {
		t.Fatal(err)
	}
	want, err := policy.Parse(policy.FileName, src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(outline(want), outline(got)); diff != "" {
		t.Errorf("(-own policy +proposal):\n%s\n%s", diff, out)
	}
}

func outline(p *policy.Policy) []string {
	var out []string
	for _, l := range p.Layout {
		out = append(out, l.String())
	}
	for _, e := range p.Environments {
		out = append(out, string(e.Name))
		for _, c := range e.Clusters {
			out = append(out, string(c))
		}
		for _, f := range e.From {
			out = append(out, "from "+string(f))
		}
	}
	return out
}

func TestWriteNeverOverwrites(t *testing.T) {
	dir := commit(t, map[string][]byte{
		"clusters/dev/web/kustomization.yaml": []byte("images: [{name: web, newTag: 1.1.0}]\n"),
		"clusters/prd/web/kustomization.yaml": []byte("images: [{name: web, newTag: 1.0.0}]\n"),
	})
	_, proposal, _ := command(t, "--repo", filepath.Join(dir, "clusters"))
	name := filepath.Join(dir, policy.FileName)
	if _, err := os.Stat(name); err == nil {
		t.Fatal("something was written without --write")
	}
	if code, out, problems := command(t, "--repo", dir, "--write"); code != process.OK || out != "" {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
	content, err := os.ReadFile(name)
	if err != nil || string(content) != proposal {
		t.Errorf("written is not what was proposed: %v\n%s", err, content)
	}
	if err := os.WriteFile(name, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, problems := command(t, "--repo", dir, "--write"); code != process.Failed || !strings.Contains(problems, "never overwritten") {
		t.Errorf("exit code %d: %s", code, problems)
	}
	if content, err := os.ReadFile(name); err != nil || string(content) != "mine\n" {
		t.Errorf("%v: %s", err, content)
	}
}

func TestNothingIsWrittenWithoutAProposal(t *testing.T) {
	dir := commit(t, map[string][]byte{"README.md": []byte("nothing\n")})
	if code, _, _ := command(t, "--repo", dir, "--write"); code != process.Failed {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, policy.FileName)); err == nil {
		t.Error("a file was written")
	}
}
