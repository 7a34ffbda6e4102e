package seed

import (
	"io/fs"
	"path"
	"strings"

	"github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/internal/core"
)

const (
	root       = "flux-config"
	policyPath = "sluice.yaml"
)

// written are the apps that the reference monorepo brings, in the order in which
// larger monorepos have them.
func written() []string {
	return []string{"ai-gateway", "model-registry", "inference", "notebook-hub", "vector-db", "inference-gateway", "evaluation"}
}

// Options says which monorepo to make.
type Options struct {
	// Apps is the number of applications, from 1 to 2000; infrastructure
	// components come on top. One is ai-gateway alone, seven are those of the
	// reference monorepo, and the rest is generated.
	Apps int
	// Seed chooses the names and versions of generated apps. A larger monorepo
	// of the same seed contains the smaller one.
	Seed int64
	// Policy replaces sluice.yaml, as it is; nil keeps the reference policy.
	Policy []byte
}

// Files is a monorepo's content: every file by its slash-separated path from
// the repository's root. The caller owns the map and the slices.
type Files map[string][]byte

// Monorepo makes the files of a monorepo. All clusters start with equal
// versions, so a policy finds nothing to promote until something is bumped.
// The error is core.Invalid if Options.Apps is out of range.
func Monorepo(o Options) (Files, error) {
	if o.Apps < 1 || o.Apps > maxApps {
		return nil, core.Errorf(core.Invalid, "a monorepo of %d apps: want 1 to %d", o.Apps, maxApps)
	}
	files, err := reference()
	if err != nil {
		return nil, err
	}
	if o.Policy != nil {
		files[policyPath] = append([]byte(nil), o.Policy...)
	}
	files.level()
	for _, app := range written()[min(o.Apps, len(written())):] {
		if err := files.removeApp(app); err != nil {
			return nil, err
		}
	}
	return files, files.grow(generate(max(0, o.Apps-len(written())), o.Seed))
}

// reference copies the embedded monorepo into memory, where it can be changed.
func reference() (Files, error) {
	files := Files{}
	monorepo := sluice.Monorepo()
	err := fs.WalkDir(monorepo, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(monorepo, name)
		return err
	})
	if err != nil {
		return nil, core.Errorf(core.Internal, "read the reference monorepo: %w", err)
	}
	return files, nil
}

// clusters are the names of the cluster directories, in the order of the
// environments.
func clusters() []string {
	return []string{"platform-core-dev-aks", "platform-core-stg-aks", "platform-core-prd-aks"}
}

func baseDir(app string) string             { return path.Join(root, "bases", app) }
func appsDir(cluster string) string         { return path.Join(root, "clusters", cluster, "apps") }
func overlayDir(cluster, app string) string { return path.Join(appsDir(cluster), app) }

// removeApp takes an app out of every cluster, as a person would: its overlays,
// its place in the lists, its base. The namespace is shared and stays.
func (f Files) removeApp(app string) error {
	f.removeDir(baseDir(app))
	for _, cluster := range clusters() {
		f.removeDir(overlayDir(cluster, app))
		if err := f.editResources(appsDir(cluster), without(app)); err != nil {
			return err
		}
	}
	return nil
}

// removeDir removes whatever lies below a directory: the reference monorepo may
// gain files without this package hearing of it.
func (f Files) removeDir(dir string) {
	for name := range f {
		if strings.HasPrefix(name, dir+"/") {
			delete(f, name)
		}
	}
}
