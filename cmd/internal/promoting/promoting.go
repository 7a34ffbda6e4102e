// Package promoting builds the promoter from its settings: the ways to GitLab,
// to Git and to the clusters' Flux Receivers.
package promoting

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
	"github.com/sluice-gitops/sluice/services/promoter"
)

// Promoter is a promoter together with what must be closed after it.
type Promoter struct {
	*promoter.Promoter
	mirrors []*git.Mirror
	callers *clusters.Callers
	servers map[core.Cluster]*kube.Client
}

// Close frees the mirrors. Call it after Run has returned.
func (p *Promoter) Close() error {
	errs := make([]error, 0, len(p.mirrors))
	for _, m := range p.mirrors {
		errs = append(errs, m.Close())
	}
	p.callers.Close()
	for _, server := range p.servers {
		server.Close()
	}
	return errors.Join(errs...)
}

// New makes a promoter that keeps its mirrors below mirrorDir. It waits until
// every project has been found in GitLab, as often as that takes, and fails at
// once where waiting will not help: with a wrong token or an unknown project.
func New(ctx context.Context, v settings.Values, b promoter.Bus, mirrorDir string, logger *slog.Logger, reg prometheus.Registerer) (*Promoter, error) {
	client, err := NewGitLab(v, logger, time.Now)
	if err != nil {
		return nil, err
	}
	reached, err := clusters.Read(v.Path(settings.FluxReceiversFile))
	if err != nil {
		return nil, err
	}
	clusters.Warn(reached, logger)
	out := &Promoter{}
	if out.callers, err = clusters.NewCallers(reached); err != nil {
		return nil, err
	}
	if out.servers, err = apiServers(reached); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	cfg := promoter.Config{APIServers: witnesses(out.servers), StatusAuthors: statusAuthors(reached), Bus: b, Caller: out.callers, Renderer: new(render.Renderer), Act: v.Bool(settings.Act), Sweep: v.Duration(settings.SweepInterval), Clock: time.Now, Logger: logger, Metrics: reg}
	for _, path := range v.List(settings.Projects) {
		m, mirror, err := newMonorepo(ctx, v, client, path, mirrorDir, logger)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		m.Receivers = clusters.Receivers(reached)
		cfg.Monorepos = append(cfg.Monorepos, m)
		out.mirrors = append(out.mirrors, mirror)
	}
	if out.Promoter, err = promoter.New(cfg); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// NewGitLab makes the client that the settings ask for, without calling GitLab.
func NewGitLab(v settings.Values, logger *slog.Logger, clock func() time.Time) (*gitlab.Client, error) {
	cfg := gitlab.Config{BaseURL: v.URL(settings.GitLabURL).String(), Token: v.Secret(settings.GitLabToken), UserAgent: "sluice", Clock: clock, Logger: logger, Remember: v.Duration(settings.SweepInterval) / 2}
	if file := v.Path(settings.GitLabCAFile); file != "" {
		pool, err := readCA(file)
		if err != nil {
			return nil, err
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		cfg.Transport = transport
	}
	return gitlab.New(cfg)
}

func readCA(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "%s: %w", settings.GitLabCAFile, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, core.Errorf(core.Invalid, "%s: %s holds no certificate in PEM", settings.GitLabCAFile, file)
	}
	return pool, nil
}

func newMonorepo(ctx context.Context, v settings.Values, client *gitlab.Client, path, mirrorDir string, logger *slog.Logger) (promoter.Monorepo, *git.Mirror, error) {
	project, err := findProject(ctx, client, path, logger)
	if err != nil {
		return promoter.Monorepo{}, nil, err
	}
	auth, url, err := gitAccess(v, path)
	if err != nil {
		return promoter.Monorepo{}, nil, err
	}
	mirror, err := git.Open(ctx, git.Config{
		Dir: filepath.Join(mirrorDir, events.Token(path)), URL: url, Auth: auth,
		AuthorName: v.String(settings.GitUserName), AuthorEmail: v.String(settings.GitUserEmail), Logger: logger, Clock: time.Now,
	})
	if err != nil {
		return promoter.Monorepo{}, nil, err
	}
	return promoter.Monorepo{Path: path, PolicyPath: v.String(settings.PolicyPath), Forge: project, Desk: project, Mirror: mirror, Statuses: project}, mirror, nil
}

// retryPause is how long to wait for a GitLab that does not answer at the start.
const retryPause = 5 * time.Second

func findProject(ctx context.Context, client *gitlab.Client, path string, logger *slog.Logger) (*gitlab.Project, error) {
	for {
		project, err := client.Project(ctx, path)
		if err == nil || core.KindOf(err) != core.Transient || ctx.Err() != nil {
			return project, advised(err)
		}
		logger.Warn("GitLab does not answer yet", "repo", path, "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(max(retryPause, core.WaitOf(err))):
		}
	}
}

// advised adds what to do about the two mistakes that a first start is made of.
func advised(err error) error {
	switch core.KindOf(err) {
	case core.Denied:
		return fmt.Errorf("%w; is the token in %s right, and has it the scope api or read_api?", err, settings.GitLabToken)
	case core.NotFound:
		return fmt.Errorf("%w; is the path in %s right, and is the token's user a member there?", err, settings.Projects)
	}
	return err
}

// gitAccess chooses SSH where a key is given, and HTTPS with GitLab's token
// otherwise.
func gitAccess(v settings.Values, path string) (git.Auth, string, error) {
	base := v.URL(settings.GitLabURL)
	if !v.Given(settings.GitSSHKey) {
		return git.Auth{Token: v.Secret(settings.GitLabToken)}, strings.TrimSuffix(base.String(), "/") + "/" + path + ".git", nil
	}
	key, err := v.Secret(settings.GitSSHKey)()
	if err != nil {
		return git.Auth{}, "", err
	}
	hosts, err := os.ReadFile(v.Path(settings.GitKnownHostsFile))
	if err != nil {
		return git.Auth{}, "", core.Errorf(core.Invalid, "%s: %w", settings.GitKnownHostsFile, err)
	}
	return git.Auth{Key: key, KnownHosts: string(hosts)}, "ssh://git@" + cmp.Or(v.String(settings.GitSSHHost), base.Hostname()) + "/" + path + ".git", nil
}
