package e2eflux

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
	"github.com/sluice-gitops/sluice/internal/seed"
)

const (
	project  = "ai-platform/platform-gitops"
	registry = "flux-config/clusters/platform-core-%s-aks/apps/model-registry/kustomization.yaml"
)

// rules promote the one app that runs here without charts; its images are what
// the API servers are asked for.
const rules = `version: 1
layout:
  - flux-config/clusters/{cluster}/apps/{app}
environments:
  - {name: dev, clusters: [platform-core-dev-aks]}
  - {name: stg, from: dev, clusters: [platform-core-stg-aks], merge: auto, gates: {healthy: true}}
  - {name: prd, from: stg, clusters: [platform-core-prd-aks], merge: auto, gates: {healthy: true, soak: 1s}}
apps:
  - {match: ai-gateway, promote: never}
`

// forge is the stand-in for GitLab, with the reference monorepo in it.
type forge struct {
	*stage
	server *fakegitlab.Server
	url    string
	bot    core.Secret
	person *gitlab.Client
}

func (s *stage) startForge() *forge {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	f := &forge{stage: s, url: "http://" + l.Addr().String(), bot: core.Secret(rand.Text())}
	dir := filepath.Join(s.dir, "gitlab")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.Fatal(err)
	}
	if f.server, err = fakegitlab.New(fakegitlab.Config{Dir: dir, URL: f.url, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		s.Fatal(err)
	}
	human := core.Secret(rand.Text())
	s.seed(f, human)
	if f.person, err = gitlab.NewClient(human.Reveal(), gitlab.WithBaseURL(f.url)); err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.server.Serve(ctx, l) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("the stand-in for GitLab: %v", err)
		}
	})
	return f
}

func (s *stage) seed(f *forge, human core.Secret) {
	s.Helper()
	files, err := seed.Monorepo(seed.Options{Apps: 2, Seed: 1, Policy: []byte(rules)})
	if err != nil {
		s.Fatal(err)
	}
	for _, user := range []fakegitlab.User{{Username: "sluice-bot", Token: f.bot, Bot: true}, {Username: "amir", Token: human}} {
		if _, err := f.server.AddUser(user); err != nil {
			s.Fatal(err)
		}
	}
	if _, err := f.server.AddGroup("ai-platform"); err != nil {
		s.Fatal(err)
	}
	if _, err := f.server.AddProject(project, fakegitlab.ProjectOptions{Files: files},
		fakegitlab.Member{Username: "sluice-bot", Level: fakegitlab.Maintainer}, fakegitlab.Member{Username: "amir", Level: fakegitlab.Maintainer}); err != nil {
		s.Fatal(err)
	}
}

// file is what the default branch has at a path.
func (f *forge) file(path string) string {
	f.Helper()
	raw, _, err := f.person.RepositoryFiles.GetRawFile(project, path, &gitlab.GetRawFileOptions{Ref: new("main")})
	if err != nil {
		f.Fatal(err)
	}
	return string(raw)
}

// release has a person put another version of the app into dev.
func (f *forge) release(tag string) {
	f.Helper()
	path := fmt.Sprintf(registry, "dev")
	old := f.file(path)
	_, rest, ok := strings.Cut(old, "newTag: ")
	if !ok {
		f.Fatalf("%s pins no tag:\n%s", path, old)
	}
	was, _, _ := strings.Cut(rest, "\n")
	_, _, err := f.person.Commits.CreateCommit(project, &gitlab.CreateCommitOptions{
		Branch: new("main"), CommitMessage: new("model-registry " + tag),
		Actions: []*gitlab.CommitActionOptions{{Action: new(gitlab.FileUpdate), FilePath: &path, Content: new(strings.Replace(old, was, tag, 1))}},
	})
	if err != nil {
		f.Fatal(err)
	}
}

// notes are all comments on the merge request from a branch, and its state.
func (f *forge) notes(ctx context.Context, branch string) (state, text string, err error) {
	list, _, err := f.person.MergeRequests.ListProjectMergeRequests(project, &gitlab.ListProjectMergeRequestsOptions{SourceBranch: &branch, State: new("all")}, gitlab.WithContext(ctx))
	if err != nil || len(list) == 0 {
		return "", "", err
	}
	newest := list[0]
	for _, mr := range list {
		if mr.IID > newest.IID {
			newest = mr
		}
	}
	notes, _, err := f.person.Notes.ListMergeRequestNotes(project, newest.IID, nil, gitlab.WithContext(ctx))
	var out strings.Builder
	out.WriteString(newest.Description)
	for _, n := range notes {
		out.WriteString("\n" + n.Body)
	}
	return newest.State, out.String(), err
}

// secrets are what Sluice and one cluster share.
type secrets struct{ receiver, events string }

// startSluice runs the program that users run, as they configure it.
func (f *forge) startSluice(clusters []*cluster, shared map[string]secrets) (hooks string) {
	f.Helper()
	listen, hook := "127.0.0.1:"+f.port(), rand.Text()
	var receivers, keys strings.Builder
	receivers.WriteString("receivers:\n")
	for _, c := range clusters {
		s := shared[c.name]
		fmt.Fprintf(&receivers, "  - {cluster: %s, url: %q, name: sluice, token-file: %q}\n", c.name, c.receiver, f.write(c.name+".token", s.receiver))
		fmt.Fprintf(&keys, "%s=%s\n", c.name, s.events)
	}
	f.start("sluice", "sluice", []string{
		"SLUICE_GITLAB_URL=" + f.url, "SLUICE_PROJECTS=" + project, "SLUICE_ACT=true", "SLUICE_LISTEN=" + listen, "SLUICE_LOG_FORMAT=text",
		"SLUICE_DATA_DIR=" + filepath.Join(f.dir, "sluice"), "SLUICE_GITLAB_TOKEN_FILE=" + f.write("gitlab.token", f.bot.Reveal()),
		"SLUICE_GITLAB_WEBHOOK_SECRETS_FILE=" + f.write("hook.token", hook), "SLUICE_FLUX_KEYS_FILE=" + f.write("flux.keys", keys.String()),
		"SLUICE_FLUX_RECEIVERS_FILE=" + f.write("receivers.yaml", receivers.String()),
	}, "serve")
	hooks = "http://" + listen
	if _, _, err := f.person.Projects.AddProjectHook(project, &gitlab.AddProjectHookOptions{
		URL: new(hooks + "/hooks/gitlab"), Token: &hook, PushEvents: new(true), MergeRequestsEvents: new(true), NoteEvents: new(true), PipelineEvents: new(true),
	}); err != nil {
		f.Fatal(err)
	}
	f.eventually("Sluice is ready", time.Minute, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, hooks+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", resp.Status)
		}
		return nil
	})
	return hooks
}
