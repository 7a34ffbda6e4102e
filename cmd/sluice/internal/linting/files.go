package linting

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/lint"
)

const (
	// maxFiles bounds the files of a monorepo, and maxSize the bytes of one: a larger
	// file is no manifest, and is passed over.
	maxFiles = 200_000
	maxSize  = 4 << 20
)

// load reads the regular files below a directory. Directories whose name begins
// with a dot hold nothing that Flux applies; links are not followed.
func load(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		case len(files) == maxFiles:
			return core.Errorf(core.Invalid, "more than %d files; name the directory of the monorepo", maxFiles)
		}
		if info, err := d.Info(); err != nil || info.Size() > maxSize {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = content
		return err
	})
	if err != nil {
		return nil, core.Errorf(core.Invalid, "read the monorepo: %w", err)
	}
	return files, nil
}

// visible are the files that load reads, among those that a commit may have.
func visible(changed []string) []string {
	out := slices.DeleteFunc(changed, func(name string) bool {
		segments := strings.Split(name, "/")
		return slices.ContainsFunc(segments[:len(segments)-1], func(s string) bool { return strings.HasPrefix(s, ".") })
	})
	if out == nil {
		out = []string{} // nothing has changed, which is not the same as everything
	}
	return out
}

// manifests are the files of YAML.
func manifests(files map[string][]byte) []string {
	all := slices.Sorted(maps.Keys(files))
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") })
}

// withFiles adds the files in which something was found.
func withFiles(list []string, found []lint.Finding) []string {
	out := slices.Clone(list)
	for _, f := range found {
		out = append(out, f.File)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
