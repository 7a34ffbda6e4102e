package world_test

import (
	"context"
	"flag"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/receiving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	glab "github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/seed"
	"github.com/sluice-gitops/sluice/pkg/events"
	"github.com/sluice-gitops/sluice/services/promoter"
)

const rules = `version: 1
layout:
  - flux-config/clusters/{cluster}/apps/{app}
environments:
  - {name: dev, clusters: [platform-core-dev-aks]}
  - {name: stg, from: dev, clusters: [platform-core-stg-aks], merge: auto}
  - name: prd
    from: stg
    clusters: [platform-core-prd-aks]
    merge: auto
    gates:
      approvals: {count: 2, from: ["role:maintainer"]}
`

const patchOf = "flux-config/clusters/platform-core-%s-aks/apps/ai-gateway/helmrelease-patch.yaml"

func patchFile(env string) string { return strings.Replace(patchOf, "%s", env, 1) }

// rig is a world with a receiver and NATS in it. Promoters are started, and
// killed, by the tests.
type rig struct {
	*world.World
	t      *testing.T
	ctx    context.Context
	dir    string
	bus    *bus.Bus
	values settings.Values
	logger *slog.Logger
	person *gitlab.Client
	act    bool
	// servers are the API servers that may be asked.
	servers map[core.Cluster]promoter.APIServer
	newest  *promoter.Promoter // that was started last
}

// renderer is the one of the process, as its type asks for.
var renderer render.Renderer

// patience bounds a wait for something that must happen: long, because the
// machine that runs the tests may be busy with others.
const patience = 60 * time.Second

// TestMain runs more worlds side by side than there are processors: they wait
// more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(worlds, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// worlds is how many run at once, at least.
const worlds = 6

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigUnder(t, rules)
}

func newRigUnder(t *testing.T, rules string) *rig {
	t.Helper()
	return newRigEvery(t, rules, time.Second, nil)
}

// newRigEvery has clusters that look at Git by themselves once in an interval,
// and a monorepo that grow has had its hands on.
func newRigEvery(t *testing.T, rules string, interval time.Duration, grow func(map[string][]byte)) *rig {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, running := errgroup.WithContext(ctx)
	r := &rig{t: t, act: true, ctx: running, dir: dir, logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("the world ended with %v", err)
		}
		log.Close()
		if t.Failed() {
			content, _ := os.ReadFile(log.Name())
			t.Logf("%s", content[max(0, len(content)-100_000):])
		}
	})
	files, err := seed.Monorepo(seed.Options{Apps: 1, Policy: []byte(rules)})
	must(t, err)
	if grow != nil {
		grow(files)
	}
	r.World, err = world.Start(running, g, world.Config{Dir: dir, Monorepo: files, FluxInterval: interval, Logger: r.logger})
	must(t, err)
	environ, err := r.Environ()
	must(t, err)
	r.values, err = settings.Resolve(settings.Serve(), nil, environ, settings.ReadFile)
	must(t, err)
	r.startNATS()
	hooks, err := receiving.New(r.values, r.bus, r.logger)
	must(t, err)
	g.Go(func() error { return process.ServeHTTP(running, r.Hooks, hooks.Handler(), 10*time.Second) })
	r.person = r.patient(world.Amir)
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) startNATS() {
	server, err := embed.Start(r.ctx, embed.Config{Dir: filepath.Join(r.dir, "nats"), Logger: r.logger})
	must(r.t, err)
	r.t.Cleanup(server.Shutdown)
	r.bus, err = bus.Connect(r.ctx, bus.Config{InProcess: server, Name: "test", Logger: r.logger})
	must(r.t, err)
	r.t.Cleanup(r.bus.Close)
	must(r.t, r.bus.Ensure(r.ctx, events.Default(1)))
}

// patient is a client of one of the people that bears a GitLab in trouble.
func (r *rig) patient(name string) *gitlab.Client {
	r.t.Helper()
	client, err := gitlab.NewClient(r.Token(name).Reveal(), gitlab.WithBaseURL(r.GitLabURL), gitlab.WithCustomRetryMax(20),
		gitlab.WithCustomRetryWaitMinMax(50*time.Millisecond, 200*time.Millisecond))
	must(r.t, err)
	return client
}

// ports are the ways in which a promoter writes; a test may put itself
// between.
type ports struct {
	promoter.Desk
	promoter.Mirror
	promoter.Caller
}

// startPromoter starts a promoter with a mirror of its own in dir, so that
// what it remembers is what the test lets it. The result ends it and waits.
func (r *rig) startPromoter(mirrorDir string, sweep time.Duration, between func(ports) ports) (stop func()) {
	r.t.Helper()
	client, err := glab.New(glab.Config{BaseURL: r.GitLabURL, Token: r.values.Secret(settings.GitLabToken), Logger: r.logger, Remember: sweep / 2})
	must(r.t, err)
	project, err := client.Project(r.ctx, world.Project)
	must(r.t, err)
	mirror, err := git.Open(r.ctx, git.Config{
		Dir: mirrorDir, URL: r.GitLabURL + "/" + world.Project + ".git", Auth: git.Auth{Token: r.values.Secret(settings.GitLabToken)},
		AuthorName: "Sluice", AuthorEmail: "sluice@example.com", Logger: r.logger,
	})
	must(r.t, err)
	caller, err := flux.NewClient(flux.Config{})
	must(r.t, err)
	p := ports{Desk: project, Mirror: mirror, Caller: caller}
	if between != nil {
		p = between(p)
	}
	receivers := map[core.Cluster]flux.Receiver{}
	for name, c := range r.Clusters {
		receivers[name] = flux.Receiver{Cluster: name, BaseURL: c.URL, Name: world.ReceiverName, Namespace: "flux-system", Token: c.ReceiverToken, Type: flux.HMAC}
	}
	run, err := promoter.New(promoter.Config{
		Monorepos:  []promoter.Monorepo{{Path: world.Project, PolicyPath: "sluice.yaml", Forge: project, Desk: p.Desk, Mirror: p.Mirror, Receivers: receivers}},
		APIServers: r.servers, Ask: 200 * time.Millisecond,
		Bus: r.bus, Caller: p.Caller, Renderer: &renderer, Act: r.act, Sweep: sweep, Clock: time.Now, Logger: r.logger,
	})
	must(r.t, err)
	r.newest = run
	ctx, cancel := context.WithCancel(r.ctx)
	ended := make(chan error, 1)
	go func() { ended <- run.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the promoter ended with %v", err)
		}
		if err := mirror.Close(); err != nil {
			r.t.Errorf("close the mirror: %v", err)
		}
	}
}

// bump changes both versions in dev, by one commit on main.
func (r *rig) bump() {
	r.t.Helper()
	_, _, err := r.patient(world.Dana).Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("main"), CommitMessage: new("bump dev"),
		Actions: []*gitlab.CommitActionOptions{{Action: new(gitlab.FileUpdate), FilePath: new(patchFile("dev")), Content: new(bumped(r.content("dev")))}},
	})
	must(r.t, err)
}

func bumped(s string) string {
	return strings.NewReplacer("2.47.0", "2.48.0", "3.9.0", "3.9.1").Replace(s)
}

// content is an environment's file on main.
func (r *rig) content(env string) string {
	r.t.Helper()
	raw, _, err := r.person.RepositoryFiles.GetRawFile(world.Project, patchFile(env), &gitlab.GetRawFileOptions{Ref: new("main")})
	must(r.t, err)
	return string(raw)
}

// eventually waits for something.
func (r *rig) eventually(what string, look func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !look(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("did not happen within %s: %s", patience, what)
		}
		select {
		case <-r.ctx.Done():
			r.t.Fatalf("the world ended while waiting for: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// requests are all merge requests there ever were, by source branch.
func (r *rig) requests() map[string][]*gitlab.BasicMergeRequest {
	r.t.Helper()
	list, _, err := r.person.MergeRequests.ListProjectMergeRequests(world.Project, &gitlab.ListProjectMergeRequestsOptions{State: new("all")})
	must(r.t, err)
	out := map[string][]*gitlab.BasicMergeRequest{}
	for _, mr := range list {
		out[mr.SourceBranch] = append(out[mr.SourceBranch], mr)
	}
	return out
}

// openForPrd waits for prd's merge request.
func (r *rig) openForPrd() int64 {
	r.t.Helper()
	r.eventually("a merge request for prd", func() bool { return len(r.requests()["sluice/prd/ai-gateway"]) > 0 })
	return r.requests()["sluice/prd/ai-gateway"][0].IID
}

// approveOnce lets two maintainers approve prd's merge request as soon as it
// is there.
func (r *rig) approveOnce() {
	r.t.Helper()
	mr := r.openForPrd()
	for _, name := range []string{world.Amir, world.Bea} {
		_, _, err := r.patient(name).Notes.CreateMergeRequestNote(world.Project, mr, &gitlab.CreateMergeRequestNoteOptions{Body: new("/sluice approve")})
		must(r.t, err)
	}
}

// arrived waits until prd's cluster runs what dev runs, and checks what must
// hold whatever went wrong on the way.
func (r *rig) arrived() {
	r.t.Helper()
	want := bumped(r.content("prd"))
	r.eventually("prd carries the versions", func() bool { return r.content("prd") == want })
	r.eventually("every cluster has applied the head", func() bool {
		branch, _, err := r.person.Branches.GetBranch(world.Project, "main")
		must(r.t, err)
		return !slices.ContainsFunc(slices.Collect(maps.Values(r.Clusters)), func(c *world.Cluster) bool {
			return string(c.Flux.Status().Applied) != branch.Commit.ID
		})
	})
	r.eventually("no merge is under way", func() bool {
		return !slices.ContainsFunc(slices.Concat(slices.Collect(maps.Values(r.requests()))...), func(mr *gitlab.BasicMergeRequest) bool { return mr.State == "locked" })
	})
	for branch, list := range r.requests() {
		if len(list) != 1 || list[0].State != "merged" {
			r.t.Errorf("%s: %d merge requests, the first is %s; want one, merged", branch, len(list), list[0].State)
		}
	}
	if n := len(r.requests()); n != 2 {
		r.t.Errorf("merge requests from %d branches, want stg and prd", n)
	}
}
