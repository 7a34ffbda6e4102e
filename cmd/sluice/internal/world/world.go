// Package world starts, on loopback ports, everything that Sluice works with
// and that a laptop lacks: a GitLab with people, a monorepo and a webhook, and
// the Flux of each cluster. It is what the demo and the end-to-end tests run
// in. Sluice itself is started beside it, as anywhere else.
//
// Every part is reached over its real protocol. Nothing in it is a part of
// Sluice, and Sluice knows nothing of it.
package world

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// Project is where the monorepo lies in the GitLab.
const Project = "ai-platform/platform-gitops"

// The people of the world. Dana develops and may push, Amir and Bea maintain,
// Eve has an account and no access.
const (
	Bot  = "sluice-bot"
	Dana = "dana"
	Amir = "amir"
	Bea  = "bea"
	Eve  = "eve"
)

// Config says what the world is made of.
type Config struct {
	Dir      string // for all files; must exist
	Monorepo map[string][]byte
	// FluxInterval is how often a cluster looks by itself, and reports.
	FluxInterval time.Duration
	Logger       *slog.Logger
}

// World is a running world.
type World struct {
	GitLab    *fakegitlab.Server
	GitLabURL string
	Clusters  map[core.Cluster]*Cluster
	Hooks     net.Listener // where Sluice's receiver must listen: GitLab and Flux send there

	cfg        Config
	tokens     map[string]core.Secret
	hookToken  core.Secret
	signingKey core.Secret
}

// Cluster is the Flux of one cluster and the secrets that it shares with Sluice.
type Cluster struct {
	Flux          *fakeflux.Flux
	URL           string
	ReceiverToken core.Secret
	EventKey      core.Secret
}

// grace is how long running requests may take when the world ends.
const grace = 10 * time.Second

// ReceiverName names the Flux Receiver in every cluster.
const ReceiverName = "sluice"

// Start starts the world in the group; it ends when ctx does. The webhook is
// there when Start returns, the listener for it is open, and nobody answers on
// it yet.
func Start(ctx context.Context, g *errgroup.Group, cfg Config) (*World, error) {
	p, err := policy.Parse(policy.FileName, cfg.Monorepo[policy.FileName])
	if err != nil {
		return nil, err
	}
	w := &World{cfg: cfg, Clusters: map[core.Cluster]*Cluster{}, tokens: map[string]core.Secret{}, hookToken: secret()}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, core.Errorf(core.Internal, "make a signing key: %w", err)
	}
	w.signingKey = core.Secret("whsec_" + base64.StdEncoding.EncodeToString(key))
	if w.Hooks, err = process.Listen(ctx, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if err := w.startGitLab(ctx, g); err != nil {
		return nil, err
	}
	for _, env := range p.Environments {
		for _, cluster := range env.Clusters {
			if err := w.startFlux(ctx, g, env.Name, cluster); err != nil {
				return nil, err
			}
		}
	}
	return w, w.addHook(ctx)
}

func secret() core.Secret { return core.Secret(rand.Text()) }

// HooksURL is the address of Sluice's receiver.
func (w *World) HooksURL() string { return "http://" + w.Hooks.Addr().String() }

// Token is the access token of one of the people.
func (w *World) Token(user string) core.Secret { return w.tokens[user] }

// Client speaks with GitLab as one of the people.
func (w *World) Client(user string) (*gitlab.Client, error) {
	return gitlab.NewClient(w.tokens[user].Reveal(), gitlab.WithBaseURL(w.GitLabURL), gitlab.WithoutRetries(), gitlab.WithCustomLimiter(unlimited{}))
}

// unlimited keeps the client from asking for GitLab's limits first.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

func (w *World) startGitLab(ctx context.Context, g *errgroup.Group) error {
	dir := filepath.Join(w.cfg.Dir, "gitlab")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return core.Errorf(core.Internal, "make the GitLab's directory: %w", err)
	}
	l, err := process.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.GitLabURL = "http://" + l.Addr().String()
	if w.GitLab, err = fakegitlab.New(fakegitlab.Config{Dir: dir, URL: w.GitLabURL, Logger: w.cfg.Logger}); err != nil {
		return err
	}
	for _, name := range []string{Bot, Dana, Amir, Bea, Eve} {
		w.tokens[name] = secret()
		if _, err := w.GitLab.AddUser(fakegitlab.User{Username: name, Token: w.tokens[name], Bot: name == Bot}); err != nil {
			return err
		}
	}
	if _, err := w.GitLab.AddGroup(Project[:strings.IndexByte(Project, '/')]); err != nil {
		return err
	}
	if _, err := w.GitLab.AddProject(Project, fakegitlab.ProjectOptions{Files: w.cfg.Monorepo, DevelopersMayPush: true},
		fakegitlab.Member{Username: Bot, Level: fakegitlab.Maintainer}, fakegitlab.Member{Username: Dana, Level: fakegitlab.Developer},
		fakegitlab.Member{Username: Amir, Level: fakegitlab.Maintainer}, fakegitlab.Member{Username: Bea, Level: fakegitlab.Maintainer}); err != nil {
		return err
	}
	g.Go(func() error { return w.GitLab.Serve(ctx, l) })
	return nil
}

func (w *World) startFlux(ctx context.Context, g *errgroup.Group, env core.Env, cluster core.Cluster) error {
	l, err := process.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	c := &Cluster{URL: "http://" + l.Addr().String(), ReceiverToken: secret(), EventKey: secret()}
	c.Flux, err = fakeflux.New(fakeflux.Config{
		Cluster: cluster, Env: env,
		RepoURL: w.GitLabURL + "/" + Project + ".git", RepoToken: w.tokens[Bot],
		ReceiverName: ReceiverName, ReceiverToken: c.ReceiverToken,
		EventURL: w.HooksURL() + "/hooks/flux/" + string(cluster), EventKey: c.EventKey,
		Kustomizations: []string{"flux-system", "infra-components", "apps"}, // those of the monorepo that matter here
		Interval:       w.cfg.FluxInterval, Logger: w.cfg.Logger,
	})
	if err != nil {
		return err
	}
	w.Clusters[cluster] = c
	g.Go(func() error { return process.ServeHTTP(ctx, l, c.Flux.Handler(), grace) })
	g.Go(func() error { return c.Flux.Run(ctx) })
	return nil
}

// addHook makes the webhook as a maintainer would, with both kinds of secret.
func (w *World) addHook(ctx context.Context) error {
	client, err := w.Client(Amir)
	if err != nil {
		return core.Errorf(core.Internal, "make a GitLab client: %w", err)
	}
	_, response, err := client.Projects.AddProjectHook(Project, &gitlab.AddProjectHookOptions{
		URL: new(w.HooksURL() + "/hooks/gitlab"), Token: new(w.hookToken.Reveal()), SigningToken: new(w.signingKey.Reveal()),
		PushEvents: new(true), MergeRequestsEvents: new(true), NoteEvents: new(true), PipelineEvents: new(true), EmojiEvents: new(true),
	}, gitlab.WithContext(ctx))
	if err != nil || response.StatusCode != http.StatusCreated {
		return core.Errorf(core.Internal, "add the webhook: %w", err)
	}
	return nil
}

// Environ is the environment that makes Sluice's programs serve this world:
// the same variables that a real installation sets. Secrets and the list of
// Receivers are written to files in the world's directory.
func (w *World) Environ() ([]string, error) {
	receivers := "receivers:\n"
	var keys strings.Builder
	for name, c := range w.Clusters {
		file, err := w.file("receiver-"+string(name), c.ReceiverToken.Reveal())
		if err != nil {
			return nil, err
		}
		receivers += fmt.Sprintf("  - {cluster: %s, url: %q, name: %s, token-file: %q}\n", name, c.URL, ReceiverName, file)
		fmt.Fprintf(&keys, "%s=%s\n", name, c.EventKey.Reveal())
	}
	env := []string{
		"SLUICE_GITLAB_URL=" + w.GitLabURL, "SLUICE_PROJECTS=" + Project,
		"SLUICE_DATA_DIR=" + filepath.Join(w.cfg.Dir, "sluice"), "SLUICE_ACT=true", "SLUICE_LISTEN=" + w.Hooks.Addr().String(),
	}
	for name, content := range map[string]string{
		"GITLAB_TOKEN": w.tokens[Bot].Reveal(), "GITLAB_WEBHOOK_SECRETS": w.hookToken.Reveal(),
		"GITLAB_SIGNING_KEYS": w.signingKey.Reveal(), "FLUX_KEYS": keys.String(),
	} {
		file, err := w.file(strings.ToLower(name), content)
		if err != nil {
			return nil, err
		}
		env = append(env, "SLUICE_"+name+"_FILE="+file)
	}
	file, err := w.file("receivers.yaml", receivers)
	return append(env, "SLUICE_FLUX_RECEIVERS_FILE="+file), err
}

func (w *World) file(name, content string) (string, error) {
	path := filepath.Join(w.cfg.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", core.Errorf(core.Internal, "write %s: %w", name, err)
	}
	return path, nil
}
