package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
)

func radius(t *testing.T, was, is map[string]string) string {
	t.Helper()
	var changed []string
	for name := range is {
		if was[name] != is[name] {
			changed = append(changed, name)
		}
	}
	renderer := &render.Renderer{}
	build := func(tree overlay.Tree, dir string) ([]lint.Object, error) {
		return renderer.Build(t.Context(), tree, dir)
	}
	reached, found, err := lint.Radius(memtree.Text(was), memtree.Text(is), changed, build)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range reached {
		fmt.Fprintf(&b, "%s %s %s %v +%v -%v\n", r.Env, r.Cluster, r.Dir, r.Changed, r.Added, r.Removed)
	}
	return b.String() + printed(found)
}

func TestRadius(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, want string }{
		"a version in dev": {"clusters/dev-aks/apps/web/kustomization.yaml", "1.4.2", "1.5.0",
			"dev dev-aks clusters/dev-aks/apps/web [Deployment web/web] +[] -[]\n"},
		"a base": {"bases/web/deployment.yaml", "name: CLUSTER", "name: WHERE",
			"dev dev-aks clusters/dev-aks/apps/web [Deployment web/web] +[] -[]\nprd prd-aks clusters/prd-aks/apps/web [Deployment web/web] +[] -[]\n" +
				"bases/web/deployment.yaml:15: error: the change reaches prd-aks together with the environment before, past the gates of the chain (bypass); make it in the overlay of the first environment, and then in the next; or say in the file why it must reach all at once: # sluice:ignore bypass\n"},
		"a base whose version the overlays replace": {"bases/web/deployment.yaml", "web:0.0.0", "web:0.0.1", ""},
		"a comment": {"bases/web/deployment.yaml", "spec:", "# here\nspec:", ""},
		"a namespace": {"clusters/prd-aks/infrastructure/namespaces.yaml", "name: search", "name: find",
			"prd prd-aks clusters/prd-aks/infrastructure [] +[Namespace find] -[Namespace search]\n"},
	} {
		files := good(t)
		text := strings.Replace(files[c.file], c.old, c.new, 1)
		if text == files[c.file] {
			t.Fatalf("%s: nothing changed", name)
		}
		is := good(t)
		is[c.file] = text
		if diff := cmp.Diff(c.want, radius(t, files, is)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
