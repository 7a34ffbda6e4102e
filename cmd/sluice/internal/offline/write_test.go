package offline_test

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/offline"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// contents reads the whole working tree, with the permissions of each file.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, file)
		out[name] = info.Mode().String() + " "
		if d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(file)
			out[name] += to
			return err
		}
		out[name] += read(t, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// many is a kustomization whose images are far enough apart for several hunks.
func many(version string) string {
	text := "images:\n"
	for i := range 12 {
		text += fmt.Sprintf("  # image %d\n\n\n  - name: image-%d\n    newTag: %s # of %d\n    newName: mirror/image-%d\n\n", i, i, version, i, i)
		if i%2 == 0 {
			text += fmt.Sprintf("  - {name: still-%d, newTag: 1.0.0}\n\n\n", i)
		}
	}
	return text
}

func awkward() map[string]string {
	crlf := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	return world(map[string]string{
		"clusters/dev-1/crlf/kustomization.yaml":      overlay("a", "2.0.0", "b", "2.0.0"),
		"clusters/stg-1/crlf/kustomization.yaml":      crlf(overlay("a", "1.0.0", "b", "1.0.0")),
		"clusters/dev-1/no-end/kustomization.yaml":    overlay("a", "2.0.0"),
		"clusters/stg-1/no-end/kustomization.yaml":    strings.TrimSpace(overlay("a", "1.0.0")),
		"clusters/dev-1/ümläut/kustomization.yaml":    overlay("a", "2.0.0"),
		"clusters/stg-1/ümläut/kustomization.yaml":    "# größer als vorher\n" + overlay("a", "1.0.0"),
		"clusters/dev-1/many/kustomization.yaml":      many("2.0.0"),
		"clusters/stg-1/many/kustomization.yaml":      many("1.0.0"),
		"clusters/dev-1/modes/kustomization.yaml":     overlay("a", "2.0.0"),
		"clusters/stg-1/modes/kustomization.yaml":     overlay("a", "1.0.0"),
		"clusters/dev-1/quoted/kustomization.yaml":    overlay("a", "2.0.0", "b", "2.0"),
		"clusters/stg-1/quoted/kustomization.yaml":    "images: [{name: a, newTag: '1.0.0'}, {name: b, newTag: \"1.9\"}] # both",
		"clusters/dev-1/same/kustomization.yaml":      overlay("a", "1.0.0"),
		"clusters/stg-1/same/kustomization.yaml":      overlay("a", "1.0.0"),
		"clusters/dev-1/elsewhere/kustomization.yaml": overlay("a", "2.0.0"),
		"clusters/stg-1/elsewhere/kustomization.yaml": overlay("a", "1.0.0"),
		"clusters/prd-1/elsewhere/kustomization.yaml": overlay("a", "0.9.0"),
	})
}

// What the patch makes of a clean clone and what --write makes of one are the
// same, byte for byte, and the next plan has nothing left to do.
func TestPatchAndWriteAgree(t *testing.T) {
	origin := t.TempDir()
	commit(t, origin, awkward())
	if err := os.Chmod(filepath.Join(origin, "clusters/stg-1/modes/kustomization.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	commit(t, origin, nil)
	for _, flags := range [][]string{nil, {"--env", "stg"}, {"--env", "prd"}, {"--app", "many"}, {"--env", "stg", "--app", "ümläut"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			patched, written := filepath.Join(t.TempDir(), "patched"), filepath.Join(t.TempDir(), "written")
			for _, dir := range []string{patched, written} {
				git(t, origin, "", "clone", "--quiet", origin, dir)
			}
			before := contents(t, origin)
			plan := append([]string{"plan", "--format", "diff", "--repo"}, append([]string{patched}, flags...)...)
			code, patch, problems := sluice(t, plan...)
			if code != offline.Pending {
				t.Fatalf("exit code %d: %s", code, problems)
			}
			git(t, patched, patch, "apply", "--check", "-")
			git(t, patched, patch, "apply", "--index", "--whitespace=nowarn", "-")
			code, _, problems = sluice(t, append([]string{"plan", "--write", "--repo", filepath.Join(written, "clusters")}, flags...)...)
			if code != offline.Pending {
				t.Fatalf("exit code %d: %s", code, problems)
			}
			after := contents(t, written)
			if diff := cmp.Diff(contents(t, patched), after); diff != "" {
				t.Errorf("after the patch (-) and after --write (+):\n%s", diff)
			}
			if maps.Equal(before, after) {
				t.Error("nothing was changed")
			}
			if status := git(t, written, "", "status", "--porcelain", "--untracked-files=all"); strings.Contains(status, "??") {
				t.Errorf("files were left behind:\n%s", status)
			}
		})
	}
}

// In random monorepos, what was written is never proposed again.
func TestWrittenIsNotPlannedAgain(t *testing.T) {
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			files, err := seed.Monorepo(seed.Options{Apps: 8, Seed: int64(n)})
			if err != nil {
				t.Fatal(err)
			}
			text := map[string]string{}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				text[name] = string(files[name])
				if strings.Contains(name, "-dev-aks/apps/") || strings.Contains(name, "-stg-aks/apps/") {
					text[name] = bump(random, text[name])
				}
			}
			dir := t.TempDir()
			commit(t, dir, text)
			for _, env := range []string{"stg", "prd"} {
				code, out, problems := sluice(t, "plan", "--repo", dir, "--env", env, "--write")
				if code == process.Failed {
					t.Fatalf("%s: %s", env, problems)
				}
				t.Logf("%s: %s", env, out)
				commit(t, dir, nil)
				if code, out, problems := sluice(t, "plan", "--repo", dir, "--env", env); code != process.OK {
					t.Errorf("after --write in %s: exit code %d\n%s%s", env, code, out, problems)
				}
			}
		})
	}
}

// bump raises some of the versions in a file.
func bump(random *rand.Rand, text string) string {
	return regexp.MustCompile(`(?m)^(\s+(?:newTag|version|tag): "?v?\d+\.)(\d+)`).ReplaceAllStringFunc(text, func(s string) string {
		if random.IntN(2) == 0 {
			return s
		}
		return s + "9"
	})
}

// A clone may hold anything in the place of a file; nothing is written through it.
func TestWriteRefusesOddPlaces(t *testing.T) {
	const name = "clusters/stg-1/api/kustomization.yaml"
	for what, tc := range map[string]struct {
		spoil func(t *testing.T, dir string)
		says  string
	}{
		"a link to a file": {func(t *testing.T, dir string) {
			move(t, filepath.Join(dir, name), filepath.Join(dir, "real.yaml"))
			link(t, "../../../real.yaml", filepath.Join(dir, name))
		}, "not a regular file"},
		"a link to a directory": {func(t *testing.T, dir string) {
			move(t, filepath.Join(dir, "clusters/stg-1/api"), filepath.Join(dir, "real"))
			link(t, "../../real", filepath.Join(dir, "clusters/stg-1/api"))
		}, "clusters/stg-1/api is not a directory"},
		"a way out of the clone": {func(t *testing.T, dir string) {
			outside := filepath.Join(t.TempDir(), "outside")
			move(t, filepath.Join(dir, "clusters/stg-1"), outside)
			link(t, outside, filepath.Join(dir, "clusters/stg-1"))
		}, "clusters/stg-1 is not a directory"},
		"a directory": {func(t *testing.T, dir string) {
			move(t, filepath.Join(dir, name), filepath.Join(dir, "real.yaml"))
			write(t, filepath.Join(dir, name, "x"), "x")
		}, "not a regular file"},
		"other line ends": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, name), strings.ReplaceAll(read(t, filepath.Join(dir, name)), "\n", "\r\n"))
		}, name + " differs"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			commit(t, dir, world(map[string]string{
				"clusters/dev-1/api/kustomization.yaml": overlay("a", "2.0.0"), name: overlay("a", "1.0.0"),
				"clusters/dev-1/first/kustomization.yaml": overlay("a", "2.0.0"), "clusters/stg-1/first/kustomization.yaml": overlay("a", "1.0.0"),
				"clusters/stg-1/zoo/kustomization.yaml": overlay("a", "1.0.0"), "clusters/dev-1/zoo/kustomization.yaml": overlay("a", "2.0.0"),
			}))
			tc.spoil(t, dir)
			before := contents(t, dir)
			code, out, problems := sluice(t, "plan", "--repo", dir, "--write")
			if code != process.Failed || out != "" || !strings.Contains(problems, tc.says) || !strings.Contains(problems, "nothing was written") {
				t.Errorf("exit code %d, and\n%s%s", code, out, problems)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("something was written all the same (-before +after):\n%s", diff)
			}
		})
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func TestBareRepositoriesArePlannedAndNotWritten(t *testing.T) {
	origin := t.TempDir()
	commit(t, origin, awkward())
	bare := filepath.Join(t.TempDir(), "bare")
	git(t, origin, "", "clone", "--quiet", "--bare", origin, bare)
	_, want, _ := sluice(t, "plan", "--repo", origin, "--format", "json")
	code, got, problems := sluice(t, "plan", "--repo", bare, "--rev", "main", "--format", "json")
	if code != offline.Pending || got != want {
		t.Errorf("exit code %d: %s; a bare clone (-) plans something else (+):\n%s", code, problems, cmp.Diff(got, want))
	}
	if code, _, problems := sluice(t, "plan", "--repo", bare, "--write"); code != process.Failed || !strings.Contains(problems, "bare") {
		t.Errorf("exit code %d: %s", code, problems)
	}
}

// A terminal obeys control characters; what stands in the monorepo must not
// reach it.
func TestTextIsHarmless(t *testing.T) {
	dir := t.TempDir()
	commit(t, dir, world(map[string]string{
		"clusters/dev-1/api/kustomization.yaml":             "images: [{name: \"a\\e[31m\", newTag: 2.0.0}, {name: \"\\r\\n\\tb\", newTag: 2.0.0}]\n",
		"clusters/stg-1/api/kustomization.yaml":             "images: [{name: \"a\\e[31m\", newTag: 1.0.0}, {name: \"\\r\\n\\tb\", newTag: \"1.0.0\\e]0;x\\a\"}]\n",
		"clusters/stg-1/\x1b[2Jbad/kustomization.yaml":      overlay("a", "1.0.0"),
		"clusters/other-\u202ecluster/x/kustomization.yaml": overlay("a", "1.0.0"),
	}))
	for _, args := range [][]string{{"plan", "--repo", dir}, {"explain", "api", "stg", "--repo", dir}, {"explain", "apo", "stg", "--repo", dir}} {
		_, out, problems := sluice(t, args...)
		if i := strings.IndexAny(out+problems, "\x1b\r\a\u202e"); i >= 0 {
			t.Errorf("sluice %s prints a control character:\n%q", args[0], out+problems)
		}
	}
}
