package git

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// BranchPrefix begins the name of every branch that Sluice may change.
const BranchPrefix = plan.BranchPrefix

// Refs is what the server had at one moment.
type Refs struct {
	Default  string              // the default branch's name
	Head     core.SHA            // its head
	Branches map[string]core.SHA // the heads under sluice/, by branch name
}

// Fetch brings the default branch and the branches under sluice/ into the
// mirror, with their history, and drops those that the server no longer has.
// Other branches and tags are not fetched. If branch is empty, the server's
// HEAD tells which one is the default.
//
// All refs are of one moment. If nothing is new to the mirror, the list of refs
// is all that is transferred. A mirror that turned out to be damaged, or that
// has gathered too many packs, is made anew first. An error leaves the mirror
// as it was, or empty; it is of kind core.NotFound if the repository or the
// branch does not exist, or the repository is empty.
func (m *Mirror) Fetch(ctx context.Context, branch string) (Refs, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	c := m.remote.call("fetch")
	select {
	case m.fetching <- struct{}{}:
		defer func() { <-m.fetching }()
	case <-ctx.Done():
		return Refs{}, c.fail(ctx, ctx.Err())
	}
	if reason := m.store.worn(); reason != "" {
		if err := m.remake(reason); err != nil {
			return Refs{}, c.fail(ctx, err)
		}
	}
	refs, err := m.fetch(ctx, c, branch)
	if err != nil {
		return Refs{}, c.fail(ctx, err)
	}
	return refs, nil
}

// fetch runs the conversation of a fetch: list, compare, download.
func (m *Mirror) fetch(ctx context.Context, c *call, branch string) (Refs, error) {
	s, err := c.upload(ctx)
	if err != nil {
		return Refs{}, err
	}
	defer s.Close()
	adv, err := advertised(ctx, s)
	if err != nil {
		return Refs{}, err
	}
	refs, err := pick(adv, branch)
	if err != nil {
		return Refs{}, err
	}
	heads := refs.heads()
	wants, err := m.missing(heads)
	if err != nil {
		return Refs{}, err
	}
	if len(wants) > 0 {
		if err := m.download(ctx, s, adv, wants); err != nil {
			return Refs{}, err
		}
		m.cfg.Logger.Info("fetched", "repo", m.cfg.URL, "sha", refs.Head, "heads", len(wants))
	}
	before, err := m.store.heads()
	if err != nil {
		return Refs{}, err
	}
	if err := m.store.setHeads(heads); err != nil {
		return Refs{}, err
	}
	branch = plumbing.NewBranchReferenceName(refs.Default).String()
	m.store.warm(before[plumbing.ReferenceName(branch)], plumbing.NewHash(string(refs.Head)))
	m.trunk.moveTo(plumbing.NewHash(string(refs.Head)))
	return refs, nil
}

// advertised asks for the server's refs.
func advertised(ctx context.Context, s transport.Session) (*packp.AdvRefs, error) {
	adv, err := s.AdvertisedReferencesContext(ctx)
	if err != nil && strings.Contains(err.Error(), "object-format=sha256") { // go-git stumbles over the longer names
		return nil, core.Errorf(core.Invalid, "the repository names its objects by sha256; mirrors hold SHA-1 repositories only")
	}
	if err != nil {
		return nil, err
	}
	return adv, nil
}

// pick chooses the refs that matter.
func pick(adv *packp.AdvRefs, branch string) (Refs, error) {
	if branch == "" {
		branch = headOf(adv)
	}
	head, ok := adv.References[heads+branch]
	if branch == "" || !ok {
		return Refs{}, core.Errorf(core.NotFound, "default branch %q does not exist there: push it, or correct the name", branch)
	}
	refs := Refs{Default: branch, Head: core.SHA(head.String()), Branches: map[string]core.SHA{}}
	for name, h := range adv.References {
		if name, ok := strings.CutPrefix(name, heads); ok && strings.HasPrefix(name, BranchPrefix) {
			refs.Branches[name] = core.SHA(h.String())
		}
	}
	if len(refs.Branches) > maxBranches {
		return Refs{}, core.Errorf(core.Invalid, "there are %d branches under %s, more than the %d that are looked at: delete those that nobody needs", len(refs.Branches), BranchPrefix, maxBranches)
	}
	return refs, nil
}

// heads begins the full name of every branch.
const heads = "refs/heads/"

// headOf returns the branch that HEAD points to, or "".
func headOf(adv *packp.AdvRefs) string {
	for _, s := range adv.Capabilities.Get(capability.SymRef) {
		if branch, ok := strings.CutPrefix(s, "HEAD:"+heads); ok {
			return branch
		}
	}
	return ""
}

// heads gives the refs that the mirror should have.
func (r Refs) heads() map[plumbing.ReferenceName]plumbing.Hash {
	all := make(map[plumbing.ReferenceName]plumbing.Hash, len(r.Branches)+1)
	for name, sha := range r.Branches {
		all[plumbing.NewBranchReferenceName(name)] = plumbing.NewHash(string(sha))
	}
	all[plumbing.NewBranchReferenceName(r.Default)] = plumbing.NewHash(string(r.Head))
	return all
}

// missing lists the heads that the mirror does not have.
func (m *Mirror) missing(heads map[plumbing.ReferenceName]plumbing.Hash) ([]plumbing.Hash, error) {
	var wants []plumbing.Hash
	for _, h := range heads {
		ok, err := m.store.has(h)
		if err != nil {
			return nil, err
		}
		if !ok && !slices.Contains(wants, h) {
			wants = append(wants, h)
		}
	}
	return wants, nil
}

// download brings commits with all that they need and the mirror lacks. go-git's
// own fetch is not used: it tells neither the default branch nor the refs that
// it saw, and asking for them would be a second connection and another moment.
func (m *Mirror) download(ctx context.Context, s transport.UploadPackSession, adv *packp.AdvRefs, wants []plumbing.Hash) error {
	haves, err := m.haves(ctx)
	if err != nil {
		return err
	}
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	if adv.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	req.Wants, req.Haves = wants, haves
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer res.Close()
	var pack io.Reader = res
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, res)
	}
	if err := m.store.add(pack); err != nil {
		return err
	}
	for _, h := range wants {
		if err := m.store.need(h); err != nil {
			return err
		}
	}
	return nil
}

// haves lists what the server need not send: the heads of the last fetch and
// some of their history, for the case that a branch was set back.
func (m *Mirror) haves(ctx context.Context) ([]plumbing.Hash, error) {
	old, err := m.store.heads()
	if err != nil {
		return nil, err
	}
	known := map[plumbing.Hash]bool{}
	for _, h := range old {
		known[h] = true
	}
	for name, h := range old {
		if strings.HasPrefix(name.Short(), BranchPrefix) {
			continue
		}
		room := maxHaves
		err = m.store.history(ctx, h, func(c *object.Commit) step {
			known[c.Hash] = true
			if room--; room > 0 {
				return on
			}
			return stop
		})
		if err != nil {
			return nil, err
		}
	}
	return sorted(known), nil
}

// sorted gives a request the same bytes each time.
func sorted(set map[plumbing.Hash]bool) []plumbing.Hash {
	all := make([]plumbing.Hash, 0, len(set))
	for h := range set {
		all = append(all, h)
	}
	plumbing.HashesSort(all)
	return all
}
