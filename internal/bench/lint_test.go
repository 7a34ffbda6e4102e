package bench

import (
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/schema"
)

// TestLint measures a lint of everything against building every overlay once,
// and a lint of one commit that changes one app.
func TestLint(t *testing.T) {
	apps := 20
	if *full {
		apps = 1000
	}
	files := map[string]string{}
	generate(apps, func(path, content string) { files[path] = content })
	tree, renderer := memtree.Text(files), &render.Renderer{}
	build := func(dir string) ([]lint.Object, error) { return renderer.Build(t.Context(), tree, dir) }

	apis, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, cluster := range clusters() {
		for i := range apps {
			if _, err := build(overlayDir(cluster, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	built := time.Since(began)

	began = time.Now()
	found, err := lint.Lint(tree, lint.Options{Build: build, Checker: apis})
	if err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)

	began = time.Now()
	part, err := lint.Lint(tree, lint.Options{Build: build, Checker: apis, Changed: []string{pinned("stg-1", 4)}})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Since(began)
	t.Logf("%d files: every overlay built once %v; all linted %v (%.2f times that, %d findings); one app's commit %v (%d findings)",
		len(files), built.Round(time.Millisecond), whole.Round(time.Millisecond), whole.Seconds()/built.Seconds(), len(found), since.Round(time.Millisecond), len(part))
	if *full && (whole > 2*built || since > 300*time.Millisecond) {
		t.Error("more than twice the builds, or more than 300 ms for a commit")
	}
}
