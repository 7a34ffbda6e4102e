package fakegitlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
)

// repo is one bare repository. Its writers hold the server's lock; git's own
// ref locks guard against nothing else than that.
type repo struct {
	dir  string
	git  *git.Repository
	memo memo
}

// memo remembers answers of git about commits. Commits never change, so an
// answer never goes stale; the memo is only emptied when it has grown large.
type memo map[string]any

// recall returns what was worked out before for a question, or works it out.
func recall[T any](r *repo, work func() T, question ...string) T {
	key := strings.Join(question, " ")
	if known, there := r.memo[key].(T); there {
		return known
	}
	if len(r.memo) >= maxMemo || r.memo == nil {
		r.memo = memo{}
	}
	answer := work()
	r.memo[key] = answer
	return answer
}

// repoConfig lets clients ask for shallow and partial clones, and keeps pushed
// objects loose: go-git lists packs once, when it opens the repository.
const repoConfig = `[core]
	repositoryformatversion = 0
	bare = true
	logallrefupdates = false
[gc]
	auto = 0
[receive]
	autogc = false
	unpackLimit = 1000000
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
`

// preReceive refuses what the server decided beforehand, and forced updates of
// the refs it names: only here are the pushed objects there to compare.
const preReceive = `#!/bin/sh
if [ -n "$FAKEGITLAB_REFUSE" ]; then
	echo "GitLab: $FAKEGITLAB_REFUSE" >&2
	exit 1
fi
while read -r old new ref; do
	case " $FAKEGITLAB_NO_FORCE " in *" $ref "*) ;; *) continue ;; esac
	case "$old" in *[1-9a-f]*) ;; *) continue ;; esac
	if ! git merge-base --is-ancestor "$old" "$new"; then
		echo "GitLab: You are not allowed to force push code to a protected branch on this project." >&2
		exit 1
	fi
done
`

// createRepo makes an empty bare repository whose HEAD names the branch.
func createRepo(dir, branch string) (*repo, error) {
	r := &repo{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, "hooks"), 0o755); err != nil {
		return nil, fmt.Errorf("make repository %s: %w", dir, err)
	}
	if _, err := r.run(nil, "init", "-q", "--bare", "--template=", "-b", branch, dir); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(repoConfig), 0o644); err != nil {
		return nil, fmt.Errorf("configure repository %s: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hooks", "pre-receive"), []byte(preReceive), 0o755); err != nil {
		return nil, fmt.Errorf("write hook of %s: %w", dir, err)
	}
	return r, r.reopen()
}

// reopen makes go-git see packs that git wrote.
func (r *repo) reopen() error {
	g, err := git.PlainOpen(r.dir)
	if err != nil {
		return fmt.Errorf("open repository %s: %w", r.dir, err)
	}
	r.git = g
	return nil
}

// command prepares git with an environment of its own: nobody's configuration
// on this machine may change how the fake behaves.
func (r *repo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{"GIT_DIR=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=" + r.dir, "LC_ALL=C"}
	return cmd
}

// run runs git to its end whatever becomes of the request that asked: GitLab
// finishes what it began as well.
func (r *repo) run(stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	cmd := r.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// ref returns what a full ref name points to, or "".
func (r *repo) ref(name string) string {
	ref, err := r.git.Storer.Reference(plumbing.ReferenceName(name))
	if err != nil {
		return ""
	}
	return ref.Hash().String()
}

// branch returns the head of a branch, or "".
func (r *repo) branch(name string) string { return r.ref("refs/heads/" + name) }

// branches lists the names of all branches, sorted.
func (r *repo) branches() []string {
	iter, err := r.git.Branches()
	if err != nil {
		return nil
	}
	var names []string
	_ = iter.ForEach(func(ref *plumbing.Reference) error { // the callback never fails
		names = append(names, ref.Name().Short())
		return nil
	})
	slices.Sort(names)
	return names
}

// resolve finds the commit that a branch, a tag, a full ref or a commit id
// names, in GitLab's order.
func (r *repo) resolve(rev string) (*object.Commit, error) {
	for _, name := range []string{"refs/heads/" + rev, "refs/tags/" + rev, rev} {
		if sha := r.ref(name); sha != "" {
			return r.commit(r.peel(sha))
		}
	}
	if len(rev) == 40 {
		return r.commit(rev)
	}
	hash, err := r.git.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return nil, core.Errorf(core.NotFound, "no commit %q", rev)
	}
	return r.commit(hash.String())
}

// peel follows an annotated tag to its commit.
func (r *repo) peel(sha string) string {
	tag, err := r.git.TagObject(plumbing.NewHash(sha))
	if err != nil {
		return sha
	}
	return tag.Target.String()
}

func (r *repo) commit(sha string) (*object.Commit, error) {
	c, err := r.git.CommitObject(plumbing.NewHash(sha))
	if err != nil {
		return nil, core.Errorf(core.NotFound, "commit %s: %w", sha, err)
	}
	return c, nil
}

// tree returns the id of a commit's root tree.
func (r *repo) tree(sha string) (string, error) {
	c, err := r.commit(sha)
	if err != nil {
		return "", err
	}
	return c.TreeHash.String(), nil
}

// mergeBase returns the best common ancestor, or "". A source that sits
// straight on top of the target, the usual case, costs no process.
func (r *repo) mergeBase(a, b string) string {
	if r.near(a, b) {
		return b
	}
	if r.near(b, a) {
		return a
	}
	return recall(r, func() string {
		out, err := r.run(nil, "merge-base", a, b)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(out)
	}, "base", a, b)
}

// near reports whether ancestor is within a few first parents of sha.
func (r *repo) near(sha, ancestor string) bool {
	for range 8 {
		if sha == ancestor {
			return true
		}
		c, err := r.commit(sha)
		if err != nil || len(c.ParentHashes) == 0 {
			return false
		}
		sha = c.ParentHashes[0].String()
	}
	return false
}

// between lists the commits reachable from head and not from base, newest
// first. An empty base means all of them.
func (r *repo) between(base, head string) []string {
	if base == head {
		return nil
	}
	if c, err := r.commit(head); err == nil && len(c.ParentHashes) == 1 && firstParent(c) == base {
		return []string{head}
	}
	return recall(r, func() []string {
		args := []string{"rev-list", "--topo-order", fmt.Sprint("--max-count=", maxPushedCommits), head}
		if base != "" {
			args = append(args, "^"+base)
		}
		out, err := r.run(nil, args...)
		if err != nil {
			return nil
		}
		return strings.Fields(out)
	}, "between", base, head)
}

// mergeTree merges two commits without a work tree. The second result is false
// when they conflict.
func (r *repo) mergeTree(ours, theirs string) (string, bool, error) {
	out, err := r.run(nil, "merge-tree", "--write-tree", ours, theirs)
	tree, _, _ := strings.Cut(out, "\n")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", false, nil
	}
	return tree, err == nil, err
}
