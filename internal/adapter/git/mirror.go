package git

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Config says which monorepo to mirror, and as whom. Dir, URL, AuthorName and
// AuthorEmail must be set.
type Config struct {
	Dir         string // belongs to the mirror alone; made if absent
	URL         string // https, http or ssh, without credentials; a local path for tests only
	Auth        Auth
	AuthorName  string
	AuthorEmail string
	Logger      *slog.Logger     // default: discard
	Clock       func() time.Time // gives new commits their time; default: time.Now
}

// Mirror is the local copy of one monorepo. All methods are safe for
// concurrent use. Fetches wait for one another; pushes do not.
type Mirror struct {
	cfg      Config
	store    *store
	remote   *remote
	lock     *flock.Flock
	fetching chan struct{} // holds a token while a fetch runs
	branches *lru[plan.Branch]
	trunk    *trunk
}

// Open opens the mirror in cfg.Dir for this process alone, and makes it anew,
// empty, if it is absent, damaged or of another URL. It does not use the
// network. The error is of kind core.Conflict if another process uses the
// directory, and core.Invalid if the configuration cannot be right.
func Open(ctx context.Context, cfg Config) (*Mirror, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make mirror directory: %w", err)
	}
	lock, err := claim(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	m, err := open(ctx, cfg)
	if err != nil {
		lock.Unlock()
		return nil, fmt.Errorf("open mirror %s: %w", cfg.Dir, err)
	}
	m.lock = lock
	return m, nil
}

// complete refuses a configuration that cannot work and fills the defaults in.
func (c *Config) complete() error {
	if c.Dir == "" {
		return core.Errorf(core.Invalid, "mirror: no directory is configured")
	}
	for _, s := range []string{c.AuthorName, c.AuthorEmail} {
		if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "<>\n\x00") {
			return core.Errorf(core.Invalid, "mirror: commits need an author's name and address without <, > and line breaks, found %q <%q>", c.AuthorName, c.AuthorEmail)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return nil
}

// claim takes the directory's lock or says who has it. The lock goes with the
// process, so one that crashed leaves nothing to clean up.
func claim(path string) (*flock.Flock, error) {
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock mirror: %w", err)
	}
	if !ok {
		return nil, core.Errorf(core.Conflict, "mirror directory %s is in use by another process: stop it, or configure another directory", filepath.Dir(path))
	}
	return lock, nil
}

// open makes the mirror usable; the caller holds the lock.
func open(ctx context.Context, cfg Config) (*Mirror, error) {
	r, err := newRemote(cfg.URL, cfg.Auth, cfg.Dir)
	if err != nil {
		return nil, err
	}
	m := &Mirror{
		cfg: cfg, remote: r, store: newStore(filepath.Join(cfg.Dir, "repo.git"), cfg.URL),
		fetching: make(chan struct{}, 1), branches: newLRU[plan.Branch](branchCache), trunk: &trunk{},
	}
	if _, err := os.Stat(m.store.path); os.IsNotExist(err) {
		return m, m.store.remake()
	}
	if reason := m.store.check(ctx); reason != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return m, m.remake(reason.Error())
	}
	return m, nil
}

// remake begins the mirror again, with a line in the log: a full fetch follows.
func (m *Mirror) remake(reason string) error {
	m.cfg.Logger.Warn("making the mirror anew", "repo", m.cfg.URL, "reason", reason)
	return m.store.remake()
}

// Close lets other processes use the directory. Nothing may use the mirror or
// its trees during Close or after it.
func (m *Mirror) Close() error {
	m.remote.close()
	if err := m.store.close(); err != nil {
		return fmt.Errorf("close mirror %s: %w", m.cfg.Dir, err)
	}
	if err := m.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock mirror %s: %w", m.cfg.Dir, err)
	}
	return nil
}
