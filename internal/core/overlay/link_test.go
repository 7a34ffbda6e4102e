package overlay_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
)

// linked is a tree in which some files are symbolic links.
type linked struct {
	*memtree.Tree
	links []string
}

func (l linked) List(dir string) ([]overlay.Entry, error) {
	entries, err := l.Tree.List(dir)
	entries = slices.Clone(entries)
	for i, e := range entries {
		if slices.Contains(l.links, strings.TrimPrefix(dir+"/"+e.Name, "/")) {
			entries[i].Type = overlay.Other
		}
	}
	return entries, err
}

// TestLinksInThePlaceOfOverlaysAreReported also lets links come and go under a
// reader that remembers.
func TestLinksInThePlaceOfOverlaysAreReported(t *testing.T) {
	files := map[string]string{
		"clusters/d1/apps/app":                    "../../s1/apps/app",
		"clusters/d1/apps/web/kustomization.yaml": "images: [{name: r/web, newTag: 1.0.0}]\n",
		"clusters/s1":                             "d1",
		"clusters/x9":                             "d1",
		"clusters/README":                         "no link",
	}
	links := []string{"clusters/d1/apps/app", "clusters/s1", "clusters/x9"}
	const never = "it is a symbolic link or a submodule, which is never followed: no overlay is seen here"
	reported := []overlay.Problem{{File: "clusters/d1/apps/app", Message: never}, {File: "clusters/s1", Message: never}}
	reader := overlay.NewReader()
	without := maps.Clone(files)
	maps.DeleteFunc(without, func(name, _ string) bool { return slices.Contains(links, name) })
	for _, c := range []struct {
		files map[string]string
		want  []overlay.Problem
	}{{files, reported}, {without, nil}, {files, reported}} {
		inv, err := reader.Read(linked{memtree.Text(c.files), links}, parsePolicy(t, testPolicy))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, inv.Problems); diff != "" {
			t.Error(diff)
		}
	}
}
