package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Local is somebody's own repository on this machine, with a working tree or
// bare. It is only ever read, without the network, without running git, and
// whatever state its working tree is in. All methods are safe for concurrent use.
type Local struct {
	store  *store
	root   string
	shared string // where what all working trees of it share lies
}

// OpenLocal opens the repository that a directory belongs to: the directory's
// own, or that of the nearest one above it. The error is of kind core.NotFound
// if there is none, and core.Invalid if it is of a format that cannot be read.
func OpenLocal(dir string) (*Local, error) {
	own, root, err := locate(dir)
	if err != nil {
		return nil, err
	}
	shared, err := commonDir(own)
	if err != nil {
		return nil, core.Errorf(core.KindOf(err), "open %s: %w", own, err)
	}
	if err := readable(shared); err != nil {
		return nil, core.Errorf(core.KindOf(err), "open %s: %w", own, err)
	}
	var common billy.Filesystem
	if shared != own {
		common = osfs.New(shared)
	}
	s := newStore(own, "")
	s.foreign = true
	s.disk = filesystem.NewStorageWithOptions(dotgit.NewRepositoryFilesystem(osfs.New(own), common),
		cache.NewObjectLRU(deltaCache), filesystem.Options{MaxOpenDescriptors: maxOpenPacks})
	return &Local{store: s, root: root, shared: shared}, nil
}

// Root is the top directory of the working tree, "" if the repository is bare.
func (l *Local) Root() string { return l.root }

// Remote is the address of the remote called origin, as the configuration spells
// it: it may hold a password. It is "" if there is none.
func (l *Local) Remote() (string, error) {
	text, err := readSmall(filepath.Join(l.shared, "config"), maxConfig)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	cfg := config.New()
	if err := config.NewDecoder(strings.NewReader(text)).Decode(cfg); err != nil {
		return "", core.Errorf(core.Invalid, "the repository's configuration cannot be read: %v", err)
	}
	return cfg.Section("remote").Subsection("origin").Option("url"), nil
}

// Close lets go of the open files.
func (l *Local) Close() error { return l.store.close() }

// Tree returns the content of a commit, as Mirror.Tree does.
func (l *Local) Tree(sha core.SHA) (overlay.Tree, error) {
	return l.tree(sha)
}

func (l *Local) tree(sha core.SHA) (commitTree, error) {
	h, err := objectName(sha)
	if err != nil {
		return commitTree{}, err
	}
	c, err := l.store.commit(h)
	if err != nil {
		return commitTree{}, err
	}
	return commitTree{store: l.store, root: c.TreeHash}, nil
}

// History lists a commit and those before it along the first parents, newest
// first, at most n of them. A shallow clone's history ends where the clone does.
func (l *Local) History(ctx context.Context, sha core.SHA, n int) ([]Commit, error) {
	next, err := objectName(sha)
	if err != nil {
		return nil, err
	}
	ends, err := l.shallow()
	if err != nil {
		return nil, err
	}
	var out []Commit
	for len(out) < n && ctx.Err() == nil {
		c, err := l.store.commit(next)
		if err != nil {
			return nil, err
		}
		out = append(out, described(core.SHA(next.String()), c))
		if len(c.ParentHashes) == 0 || slices.Contains(ends, next) {
			break
		}
		next = c.ParentHashes[0]
	}
	return out, ctx.Err()
}

func (l *Local) shallow() ([]plumbing.Hash, error) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	ends, err := l.store.disk.Shallow()
	if err != nil {
		return nil, core.Errorf(core.Internal, "read where the shallow clone ends: %v", err)
	}
	return ends, nil
}

// locate walks up to the repository that a directory belongs to, as Git does.
func locate(dir string) (own, root string, err error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", "", core.Errorf(core.Invalid, "the directory %q: %w", dir, err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", "", core.Errorf(core.NotFound, "%s is not a directory", start)
	}
	for at := start; ; at = filepath.Dir(at) {
		dot := filepath.Join(at, ".git")
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir():
			return dot, at, nil
		case err == nil:
			own, err := linked(dot, "gitdir: ")
			return own, at, err
		case bare(at):
			return at, "", nil
		case filepath.Dir(at) == at:
			return "", "", core.Errorf(core.NotFound, "%s is not in a Git repository", start)
		}
	}
}

// bare tells whether a directory is a repository itself.
func bare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// commonDir is where a linked working tree finds what all of them share; it is
// the repository's own directory for all others.
func commonDir(own string) (string, error) {
	shared, err := linked(filepath.Join(own, "commondir"), "")
	if errors.Is(err, os.ErrNotExist) {
		return own, nil
	}
	return shared, err
}

// linked reads a file that holds a path, which may be relative to the file.
func linked(file, prefix string) (string, error) {
	content, err := readSmall(file, maxLink)
	if err != nil {
		return "", err
	}
	to, ok := strings.CutPrefix(strings.TrimSpace(content), prefix)
	if !ok || to == "" {
		return "", core.Errorf(core.Invalid, "%s does not name a repository's directory", file)
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(file), to)
	}
	return filepath.Clean(to), nil
}

func readSmall(file string, limit int64) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Size() > limit {
		return "", core.Errorf(core.Invalid, "%s has %d bytes, more than the %d it may have", file, info.Size(), limit)
	}
	content, err := os.ReadFile(file)
	return string(content), err
}

// readable refuses what go-git would read wrongly: it does not know about
// formats of a repository that came after SHA-1 objects and one file per branch.
func readable(dir string) error {
	text, err := readSmall(filepath.Join(dir, "config"), maxConfig)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	cfg := config.New()
	if err := config.NewDecoder(strings.NewReader(text)).Decode(cfg); err != nil {
		return core.Errorf(core.Invalid, "its configuration cannot be read: %v", err)
	}
	if v := cfg.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return core.Errorf(core.Invalid, "it is of format version %q; 0 and 1 can be read", v)
	}
	for _, o := range cfg.Section("extensions").Options {
		if !harmless(strings.ToLower(o.Key), strings.ToLower(o.Value)) {
			return core.Errorf(core.Invalid, "it uses Git's extension %s = %s, which cannot be read", o.Key, o.Value)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "objects", "info", "alternates")); err == nil {
		return core.Errorf(core.Invalid, "it borrows objects from another repository (objects/info/alternates), which cannot be read; clone it without --shared and --reference")
	}
	return nil
}

// harmless lists the extensions that change nothing for a reader of objects.
func harmless(key, value string) bool {
	switch key {
	case "noop", "noop-v1", "preciousobjects", "partialclone", "worktreeconfig", "relativeworktrees":
		return true
	case "objectformat":
		return value == "sha1"
	case "refstorage":
		return value == "files"
	}
	return false
}
