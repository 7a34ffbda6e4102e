package git

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Push makes p.Branch point to one new commit on top of p.Parent, which the
// mirror must have, in which p.Files have their new content; nothing else
// differs. Existing files keep their mode, absent ones are made with mode
// 100644. The same input at the same time gives the same commit.
//
// The server changes the branch only if its head is p.Expect ("": only if it
// does not exist). If the branch already is as wanted, whoever made it so, its
// head is returned and nothing is pushed; so an interrupted push may simply be
// repeated. After success the mirror has the commit, while the branch shows up
// in what the next Fetch returns.
//
// The error is of kind core.Conflict if somebody moved the branch, core.Denied
// if the server does not let us, with its words, core.NotFound if the mirror
// lacks the parent, core.Invalid if the files cannot be written so or change
// nothing, core.Transient if it may work later.
func (m *Mirror) Push(ctx context.Context, p plan.PushBranch) (core.SHA, error) {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	c := m.remote.call("push " + p.Branch + " to")
	cmd, err := command(p.Branch, p.Expect)
	if err != nil {
		return "", err
	}
	commit, pack, err := m.compose(p)
	if err != nil {
		return "", c.fail(ctx, err)
	}
	cmd.New = commit.Hash
	done, err := m.push(ctx, c, p.Target, cmd, commit, pack)
	if err != nil {
		return "", c.fail(ctx, err)
	}
	return core.SHA(done.String()), nil
}

// Delete removes p.Branch if its head is p.Expect. That it is gone already is
// success. Errors are as those of Push.
func (m *Mirror) Delete(ctx context.Context, p plan.DeleteBranch) error {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	c := m.remote.call("delete " + p.Branch + " at")
	cmd, err := command(p.Branch, p.Expect)
	if err != nil {
		return err
	}
	if p.Expect == "" {
		return core.Errorf(core.Internal, "delete branch %s: no head was seen", p.Branch)
	}
	if err := m.delete(ctx, c, p.Target, cmd); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

// command refuses what must never be changed: a defect elsewhere ends here.
func command(branch string, expect core.SHA) (*packp.Command, error) {
	name := plumbing.NewBranchReferenceName(branch)
	if !strings.HasPrefix(branch, BranchPrefix) || name.Validate() != nil {
		return nil, core.Errorf(core.Internal, "change branch %q: only branches under %s are ever changed", branch, BranchPrefix)
	}
	cmd := &packp.Command{Name: name}
	if expect == "" {
		return cmd, nil
	}
	var err error
	cmd.Old, err = objectName(expect)
	return cmd, err
}

// compose makes the commit and the pack with which the server can complete it.
func (m *Mirror) compose(p plan.PushBranch) (*object.Commit, []byte, error) {
	if p.Message == "" || len(p.Message) > maxMessage || strings.Contains(p.Message, "\x00") {
		return nil, nil, core.Errorf(core.Invalid, "a commit message has 1 to %d bytes, none of them zero, found %d", maxMessage, len(p.Message))
	}
	parent, err := m.lookup(p.Parent)
	if err != nil {
		return nil, nil, err
	}
	d, tree, err := newTree(m.store, parent.TreeHash, p.Files)
	if err != nil {
		return nil, nil, err
	}
	// UTC, so that the same instant gives the same commit on every machine.
	who := object.Signature{Name: m.cfg.AuthorName, Email: m.cfg.AuthorEmail, When: m.cfg.Clock().UTC()}
	c := &object.Commit{Author: who, Committer: who, Message: p.Message, TreeHash: tree, ParentHashes: []plumbing.Hash{parent.Hash}}
	if c.Hash, err = d.keep(c); err != nil {
		return nil, nil, err
	}
	pack, err := d.pack()
	return c, pack, err
}

// push runs the conversation of a push: list, compare, update. The comparison
// here only saves work and words; the one that counts is the server's.
func (m *Mirror) push(ctx context.Context, c *call, target core.Target, cmd *packp.Command, commit *object.Commit, pack []byte) (plumbing.Hash, error) {
	s, err := c.receive(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer s.Close()
	adv, err := advertised(ctx, s)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	now := adv.References[string(cmd.Name)]
	if same, err := m.already(ctx, now, commit); err != nil || same {
		return now, err
	}
	if now != cmd.Old {
		return plumbing.ZeroHash, moved(cmd, now)
	}
	if err := update(ctx, c, s, adv, cmd, pack); err != nil {
		return plumbing.ZeroHash, err
	}
	m.cfg.Logger.Info("pushed branch", "repo", m.cfg.URL, "target", target, "sha", commit.Hash.String())
	m.remember(pack)
	return commit.Hash, nil
}

// remember adds to the mirror what the server has taken. The push has succeeded
// whether or not this does: what is missing comes with the next fetch.
func (m *Mirror) remember(pack []byte) {
	if err := m.store.add(bytes.NewReader(pack)); err != nil {
		m.cfg.Logger.Warn("a pushed commit is not in the mirror until the next fetch", "repo", m.cfg.URL, "err", err)
	}
}

// delete runs the conversation of a deletion, as push does.
func (m *Mirror) delete(ctx context.Context, c *call, target core.Target, cmd *packp.Command) error {
	s, err := c.receive(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	adv, err := advertised(ctx, s)
	if err != nil {
		return err
	}
	now, ok := adv.References[string(cmd.Name)]
	if !ok {
		return nil
	}
	if now != cmd.Old {
		return moved(cmd, now)
	}
	if err := update(ctx, c, s, adv, cmd, nil); err != nil {
		return err
	}
	m.cfg.Logger.Info("deleted branch", "repo", m.cfg.URL, "target", target, "sha", cmd.Old.String())
	return nil
}

// moved is the conflict that shows before anything is sent.
func moved(cmd *packp.Command, now plumbing.Hash) error {
	return core.Errorf(core.Conflict, "its head is %s, but %s was seen before: somebody moved it", present(now), present(cmd.Old))
}

// present spells a head for people.
func present(h plumbing.Hash) string {
	if h.IsZero() {
		return "absent"
	}
	return h.String()
}

// already tells whether the branch's present head is, but for its time and
// author, the commit that is wanted. A head that the mirror lacks is fetched:
// it may come from a push of ours whose answer was lost.
func (m *Mirror) already(ctx context.Context, now plumbing.Hash, want *object.Commit) (bool, error) {
	if now.IsZero() {
		return false, nil
	}
	is, err := m.store.commit(now)
	if core.KindOf(err) == core.NotFound && err != nil {
		is, err = m.bring(ctx, now)
	}
	if err != nil {
		return false, err
	}
	return is.TreeHash == want.TreeHash && is.Message == want.Message && slices.Equal(is.ParentHashes, want.ParentHashes), nil
}

// bring fetches one commit that is the head of a branch.
func (m *Mirror) bring(ctx context.Context, h plumbing.Hash) (*object.Commit, error) {
	s, err := m.remote.call("").upload(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	adv, err := advertised(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := m.download(ctx, s, adv, []plumbing.Hash{h}); err != nil {
		return nil, err
	}
	return m.store.commit(h)
}

// update sends one command. The server compares the ref with cmd.Old and
// changes it under its own lock: this is the compare-and-swap.
func update(ctx context.Context, c *call, s transport.ReceivePackSession, adv *packp.AdvRefs, cmd *packp.Command, pack []byte) error {
	if !adv.Capabilities.Supports(capability.ReportStatus) {
		return core.Errorf(core.Invalid, "the server does not report what becomes of a push")
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(adv.Capabilities)
	said := &words{}
	if adv.Capabilities.Supports(capability.Sideband64k) {
		if err := req.Capabilities.Set(capability.Sideband64k); err != nil {
			return err
		}
		req.Progress = said
	}
	req.Commands = []*packp.Command{cmd}
	if pack != nil {
		req.Packfile = io.NopCloser(bytes.NewReader(pack))
	}
	report, err := s.ReceivePack(ctx, req)
	if report == nil {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return verdict(report, cmd, c.clean(said.String()))
}

// verdict reads what became of the one command. A report that does not mention
// it is no success: the caller looks again.
func verdict(report *packp.ReportStatus, cmd *packp.Command, said string) error {
	if report.UnpackStatus != "ok" {
		return rejection("unpack "+report.UnpackStatus, said)
	}
	for _, s := range report.CommandStatuses {
		if s.ReferenceName != cmd.Name {
			continue
		}
		if s.Status != "ok" {
			return rejection(s.Status, said)
		}
		return nil
	}
	return core.Errorf(core.Transient, "the server did not report on %s", cmd.Name)
}
