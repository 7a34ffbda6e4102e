package offline

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// source says what to look at and by which rules.
type source struct {
	repo, revision, policy string
}

func (s *source) register(flags *pflag.FlagSet) {
	flags.StringVar(&s.repo, "repo", ".", "a clone of the monorepo, or a directory in it")
	flags.StringVar(&s.revision, "rev", "HEAD", "the commit to look at: HEAD, a branch, a tag or an object name, and what Git lets follow it, such as ~1")
	flags.StringVar(&s.policy, "policy", "", "a policy on disk (default: "+policy.FileName+" of the commit)")
}

// snapshot is a monorepo at one commit.
type snapshot struct {
	clone     *git.Local
	head      core.SHA
	tree      overlay.Tree
	policy    *policy.Policy
	inventory *overlay.Inventory
}

// judging judges this commit, as far as somebody asks about it.
func (s *snapshot) judging(keep filter) *judging {
	return &judging{clone: s.clone, policy: s.policy, keep: keep, heads: 1}
}

// open reads everything that a plan needs. The caller closes the clone.
func (s source) open() (*snapshot, error) {
	clone, err := git.OpenLocal(s.repo)
	if err != nil {
		return nil, err
	}
	snap, err := s.read(clone)
	if err != nil {
		clone.Close() //nolint:errcheck // the error at hand says more
		return nil, err
	}
	return snap, nil
}

func (s source) read(clone *git.Local) (*snapshot, error) {
	snap := &snapshot{clone: clone}
	var err error
	if snap.head, err = clone.Resolve(s.revision); err != nil {
		return nil, err
	}
	if snap.tree, err = clone.Tree(snap.head); err != nil {
		return nil, err
	}
	if snap.policy, err = s.rules(snap.tree); err != nil {
		return nil, err
	}
	if snap.inventory, err = overlay.NewReader().Read(snap.tree, snap.policy); err != nil {
		return nil, fmt.Errorf("read the monorepo at %s: %w", snap.head.Short(), err)
	}
	return snap, nil
}

func (s source) rules(tree overlay.Tree) (*policy.Policy, error) {
	if s.policy != "" {
		src, err := readFile(s.policy)
		if err != nil {
			return nil, core.Errorf(core.Invalid, "read the policy: %w", err)
		}
		return policy.Parse(s.policy, src)
	}
	src, err := tree.Read(policy.FileName)
	if err != nil && core.KindOf(err) == core.NotFound {
		return nil, core.Errorf(core.NotFound, "there is no %s at the root of revision %s: add one, or name a file with --policy", policy.FileName, s.revision)
	}
	if err != nil {
		return nil, err
	}
	return policy.Parse(policy.FileName, src)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, maxPolicyFile))
}

// env finds an environment by the name that a person wrote.
func (s *snapshot) env(name string) (policy.Environment, error) {
	if e, ok := s.policy.Environment(core.Env(name)); ok {
		return e, nil
	}
	var known []string
	for _, e := range s.policy.Environments {
		known = append(known, string(e.Name))
	}
	return policy.Environment{}, unknown("environment", name, known)
}

// app finds an app by the name that a person wrote; it must be deployed somewhere.
func (s *snapshot) app(name string) (core.App, error) {
	known := map[string]bool{}
	for t := range s.inventory.All() {
		known[string(t.App)] = true
	}
	if known[name] {
		return core.App(name), nil
	}
	return "", unknown("app", name, slices.Sorted(maps.Keys(known)))
}

func unknown(what, found string, known []string) error {
	hint := ""
	if near := policy.Nearest(strings.ToLower(found), known); near != "" {
		hint = ", did you mean " + near + "?"
	}
	list := strings.Join(known[:min(len(known), maxListed)], ", ")
	if more := len(known) - maxListed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	if list == "" {
		list = "none"
	}
	return core.Errorf(core.NotFound, "unknown %s %q%s\nknown here: %s", what, found, hint, list)
}
