// Package demo shows one version on its way from dev to prd. It starts a
// loopback world and serves Sluice in it exactly as "sluice serve" would be;
// then it plays the people: one who pushes, holds and may not approve, and two
// who approve. What it prints it has seen from outside, over Git and GitLab's
// API.
//
// It takes no short cuts into Sluice and pretends nothing: a step that does not
// happen in time ends the demo with what it waited for.
package demo

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/serving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// options are the command's flags.
type options struct {
	apps int
	seed int64
	keep bool
	json bool
}

// Command is "sluice demo".
func Command(env process.Env) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show a version on its way from dev to prd, on this machine alone",
		Long: `Starts, in this process and on loopback ports, an embedded NATS, a stand-in for
GitLab, Sluice, and a stand-in for the Flux of each of three clusters. Then a
developer's clone bumps an app's chart and image in dev and pushes, and you see
what follows until prd has reported it.

It needs git, and nothing else. It ends with exit code 0 if the version arrived
and 1 if a step did not happen.`,
		Args: process.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), env) },
	}
	c.Flags().IntVar(&o.apps, "apps", 2, "how many applications the monorepo has")
	c.Flags().Int64Var(&o.seed, "seed", 1, "decides which applications are generated")
	c.Flags().BoolVar(&o.keep, "keep", false, "stay up at the end and print how to go on by hand")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object per step")
	return c
}

// rules is the demo's policy: the reference one with times that a person will
// sit through. Two maintainers must approve what goes to prd.
const rules = `version: 1
layout:
  - flux-config/clusters/{cluster}/apps/{app}
  - flux-config/clusters/{cluster}/infrastructure/components/{app}
environments:
  - name: dev
    clusters: [platform-core-dev-aks]
  - name: stg
    from: dev
    clusters: [platform-core-stg-aks]
    merge: auto
    gates: {healthy: true, soak: 1s}
  - name: prd
    from: stg
    clusters: [platform-core-prd-aks]
    merge: auto
    gates:
      healthy: true
      soak: 2s
      approvals: {count: 2, from: ["role:maintainer"], author: deny}
`

// ownInterval is how often the stand-ins for Flux look by themselves. It is
// longer than any step may take: what a cluster reports in time, it reports
// because Sluice called its Receiver.
const ownInterval = 3 * patience

func (o options) run(ctx context.Context, env process.Env) error {
	files, err := seed.Monorepo(seed.Options{Apps: o.apps, Seed: o.seed, Policy: []byte(frozen(time.Now()))})
	if err != nil {
		return core.Errorf(core.KindOf(err), "--apps: %w", err)
	}
	dir, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return core.Errorf(core.Internal, "make a directory: %w", err)
	}
	err = o.in(ctx, env, dir, files)
	if err == nil {
		return os.RemoveAll(dir)
	}
	return core.Errorf(core.KindOf(err), "%w\nthe log and all data are kept in %s", err, dir)
}

func (o options) in(ctx context.Context, env process.Env, dir string, files seed.Files) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return core.Errorf(core.Internal, "make the log: %w", err)
	}
	defer log.Close() //nolint:errcheck // whatever is missing from it was not important enough
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g, running := errgroup.WithContext(ctx)
	s := &script{out: newPrinter(env.Stdout, o.json), dir: dir, files: files}
	begun := time.Now()
	s.world, err = start(running, g, world.Config{Dir: dir, Monorepo: files, FluxInterval: ownInterval, Logger: logger})
	if err == nil {
		err = s.play(running, begun)
	}
	if err == nil && o.keep {
		s.handOver()
		<-running.Done()
	}
	cancel()
	if ended := g.Wait(); ended != nil && (err == nil || core.KindOf(err) == core.Transient) {
		return ended // the reason why the script could not go on
	}
	return err
}

// start starts the world and Sluice in it.
func start(ctx context.Context, g *errgroup.Group, cfg world.Config) (*world.World, error) {
	w, err := world.Start(ctx, g, cfg)
	if err != nil {
		return nil, err
	}
	environ, err := w.Environ()
	if err != nil {
		return nil, err
	}
	v, err := settings.Resolve(settings.Serve(), nil, environ, settings.ReadFile)
	if err != nil {
		return nil, err
	}
	g.Go(func() error { return serving.Serve(ctx, v, w.Hooks, cfg.Logger) })
	return w, nil
}

// environments are the demo's, in the order of the way.
func environments() ([]policy.Environment, error) {
	p, err := policy.Parse(policy.FileName, []byte(rules))
	if err != nil {
		return nil, err
	}
	if len(p.Environments) != 3 {
		return nil, core.Errorf(core.Internal, "the demo's policy has %d environments", len(p.Environments))
	}
	return p.Environments, nil
}

// handOver tells how to go on by hand.
func (s *script) handOver() {
	w := s.world
	s.out.text("keep", fmt.Sprintf(`Everything stays up until you press Ctrl-C. Try:

  git clone http://%[2]s:%[3]s@%[1]s/%[4]s.git
  # edit flux-config/clusters/platform-core-dev-aks/apps/ai-gateway/helmrelease-patch.yaml, commit, and
  git push

  # the open merge requests
  curl -s -H 'PRIVATE-TOKEN: %[5]s' '%[6]s/api/v4/projects/%[7]s/merge_requests?state=opened'

  # approve one as amir (and, with the other token, as bea)
  curl -s -H 'PRIVATE-TOKEN: %[5]s' -d 'body=/sluice approve' '%[6]s/api/v4/projects/%[7]s/merge_requests/IID/notes'

  GitLab    %[6]s/%[4]s
  Sluice    %[8]s/metrics
  bea       %[9]s
  log       %[10]s`, strings.TrimPrefix(w.GitLabURL, "http://"), world.Dana, w.Token(world.Dana).Reveal(), world.Project, w.Token(world.Amir).Reveal(), w.GitLabURL,
		"ai-platform%2Fplatform-gitops", w.HooksURL(), w.Token(world.Bea).Reveal(), filepath.Join(s.dir, "log")))
}
