package setup

import (
	"context"
	"path"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// readClone reads a file of a clone's HEAD, and gives a way to ask for its
// directories. The clone stays open until the run ends.
func (w *work) readClone(name string) ([]byte, error) {
	clone, err := git.OpenLocal(w.repo)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, clone)
	head, err := clone.Resolve("HEAD")
	if err != nil {
		return nil, err
	}
	tree, err := clone.Tree(head)
	if err != nil {
		return nil, err
	}
	w.hasDir = func(_ context.Context, dir string) (bool, error) { return hasDirectory(tree, dir) }
	return tree.Read(path.Clean(name))
}

func hasDirectory(tree overlay.Tree, dir string) (bool, error) {
	entries, err := tree.List(dir)
	if err != nil && core.KindOf(err) == core.NotFound {
		return false, nil
	}
	return len(entries) > 0, err
}
