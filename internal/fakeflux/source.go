package fakeflux

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/sluice-gitops/sluice/internal/core"
)

// head asks the repository for its branch's head. Listing the references is
// all that takes: the content is never needed, because nothing is applied.
func (f *Flux) head(ctx context.Context) (core.SHA, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	options := &git.ListOptions{}
	if token := f.config.RepoToken; token != "" {
		options.Auth = &http.BasicAuth{Username: "oauth2", Password: token.Reveal()}
	}
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{f.config.RepoURL}})
	refs, err := remote.ListContext(ctx, options)
	if err != nil {
		return "", fmt.Errorf("list references of %s: %w", f.config.RepoURL, err)
	}
	for _, ref := range refs {
		if ref.Name() == plumbing.NewBranchReferenceName(f.config.Branch) {
			return core.ParseSHA(ref.Hash().String())
		}
	}
	return "", core.Errorf(core.NotFound, "branch %s of %s does not exist", f.config.Branch, f.config.RepoURL)
}
