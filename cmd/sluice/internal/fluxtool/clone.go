package fluxtool

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// maxYAML bounds the files of a clone that are looked at.
const maxYAML = 200_000

func readPolicy(dir string) (*policy.Policy, error) {
	name := filepath.Join(dir, policy.FileName)
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "read the policy: %w; give the clone's root with --dir", err)
	}
	return policy.Parse(name, src)
}

// rootOf is the directory of a cluster, from the clone's root: the one that the
// layout gives it and that is there.
func rootOf(dir string, p *policy.Policy, env core.Env, cluster core.Cluster) (string, error) {
	var tried []string
	for _, pattern := range p.Layout {
		root, ok := overlay.RootOf(pattern, env, cluster)
		if !ok || slices.Contains(tried, root) {
			continue
		}
		tried = append(tried, root)
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(root))); err == nil && info.IsDir() {
			return root, nil
		}
	}
	return "", core.Errorf(core.NotFound, "cluster %s has no directory of its own in %s (looked for %s); make it first", cluster, dir, strings.Join(tried, ", "))
}

// yamlBelow reads the YAML files below a directory, by their paths from the
// clone's root. Links are not followed.
func yamlBelow(dir, root string) (map[string][]byte, error) {
	out := map[string][]byte{}
	top := filepath.Join(dir, filepath.FromSlash(root))
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml":
			return nil
		case len(out) == maxYAML:
			return core.Errorf(core.Invalid, "more than %d YAML files", maxYAML)
		}
		content, err := readFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = content
		return err
	})
	if err != nil {
		return nil, core.Errorf(core.Invalid, "look through %s: %w", top, err)
	}
	return out, nil
}

// releaseNamespaces are the namespaces of all HelmReleases of the clone, sorted.
// What no HelmRelease's own file says, its kustomization may: then flux-system
// alone is not enough, and the Alert wants another look.
func releaseNamespaces(dir string) ([]string, error) {
	files, err := yamlBelow(dir, "")
	if err != nil {
		return nil, err
	}
	found := map[string]bool{"flux-system": true}
	for _, src := range files {
		if !strings.Contains(string(src), "HelmRelease") {
			continue
		}
		f, err := yamledit.Parse(src)
		if err != nil {
			continue
		}
		for i := range f.Len() {
			root, _ := f.Doc(i)
			kind, _ := root.Get("kind")
			namespace, _ := root.Get("metadata", "namespace")
			if kind.Text() == "HelmRelease" && namespace.Text() != "" && !strings.Contains(namespace.Text(), "$") {
				found[namespace.Text()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
