// Package initial looks at a clone of a monorepo and proposes the policy to
// begin with: which layout its overlays have, and which environment follows
// which, by their names.
//
// It refuses to guess what it cannot see: names that do not tell a step, two
// that tell the same one, layouts in which no version is understood. It says so
// in comments. What it proposes has been tried: it is a policy, and finds
// versions. It never overwrites a file, asks no server and runs no git.
package initial

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Command is "sluice init".
func Command(env process.Env) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "init",
		Short: "Propose a policy for a clone of the monorepo",
		Long: `Looks at a clone on this machine and proposes a ` + policy.FileName + `: where overlays lie, and
which environment follows which, by names such as dev, staging and production.
Every guess has a comment that says why. It asks no server and needs no network.

What cannot be seen is not guessed: a comment "could not tell" says what, and
what to write. The defaults are careful: people merge, and the last environment
wants an approval.

It ends with exit code 0 if it proposes a policy, and 1 if it proposes none.`,
		Example: `  sluice init --repo ~/src/monorepo
  sluice init --write && sluice plan --policy ` + policy.FileName,
		Args: process.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.run(env.Stdout); err != nil {
				return &process.Exit{Code: process.Failed, Err: err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&o.repo, "repo", ".", "a clone of the monorepo, or a directory in it")
	c.Flags().StringVar(&o.revision, "rev", "HEAD", "the commit to look at: HEAD, a branch, a tag or an object name")
	c.Flags().BoolVar(&o.write, "write", false, "write "+policy.FileName+" at the root of the working tree, unless there is one")
	return c
}

// options are the flags of "sluice init".
type options struct {
	repo, revision string
	write          bool
}

func (o options) run(out io.Writer) error {
	clone, err := git.OpenLocal(o.repo)
	if err != nil {
		return err
	}
	defer clone.Close() //nolint:errcheck // it was only read
	p, doubts, err := o.propose(clone)
	if err != nil {
		return err
	}
	text := refusal(doubts)
	if p != nil {
		text = p.text()
	}
	if p == nil || !o.write {
		if _, err := io.WriteString(out, text); err != nil {
			return core.Errorf(core.Internal, "print the proposal: %w", err)
		}
	}
	switch {
	case p == nil:
		return core.Errorf(core.NotFound, "no policy can be proposed; the comments say why")
	case o.write:
		return write(clone.Root(), text)
	}
	return nil
}

func (o options) propose(clone *git.Local) (*proposal, []string, error) {
	head, err := clone.Resolve(o.revision)
	if err != nil {
		return nil, nil, err
	}
	tree, err := clone.Tree(head)
	if err != nil {
		return nil, nil, err
	}
	s, err := look(tree)
	if err != nil {
		return nil, nil, core.Errorf(core.KindOf(err), "look at the monorepo at %s: %w", head.Short(), err)
	}
	p, doubts, err := s.propose()
	if err != nil {
		return nil, nil, core.Errorf(core.KindOf(err), "read the monorepo at %s: %w", head.Short(), err)
	}
	if s.clipped {
		const more = "what lies very deep, or beyond the first half million entries, which was not looked at"
		if doubts = append(doubts, more); p != nil {
			p.doubts = append(p.doubts, more)
		}
	}
	return p, doubts, nil
}

// write makes the file and refuses to touch one that is there already, be it a
// link.
func write(root, text string) error {
	if root == "" {
		return core.Errorf(core.Invalid, "the repository is bare: there is no working tree to write %s into; leave out --write", policy.FileName)
	}
	name := filepath.Join(root, policy.FileName)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return core.Errorf(core.Conflict, "%s exists and is never overwritten; leave out --write to see the proposal", name)
	}
	if err != nil {
		return core.Errorf(core.Invalid, "write the proposal: %w", err)
	}
	_, err = io.WriteString(f, text)
	if err := errors.Join(err, f.Close()); err != nil {
		return core.Errorf(core.Internal, "write the proposal to %s: %w", name, err)
	}
	return nil
}
