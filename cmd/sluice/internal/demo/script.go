package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// The app that is promoted, and what the developer changes in dev.
const (
	app      = "ai-gateway"
	oldChart = "version: 2.47.0"
	newChart = "version: 2.48.0"
	oldImage = `tag: "3.9.0"`
	newImage = `tag: "3.9.1"`
)

// patience is how long the demo waits for any one step.
const patience = 20 * time.Second

// pollEvery is how often it looks whether a step has happened.
const pollEvery = 15 * time.Millisecond

// script plays the people and watches.
type script struct {
	out    *printer
	world  *world.World
	dir    string
	files  map[string][]byte // the monorepo at the start
	people *gitlab.Client    // reads as a maintainer
}

func (s *script) play(ctx context.Context, begun time.Time) error {
	envs, err := environments()
	if err != nil {
		return err
	}
	if s.people, err = s.world.Client(world.Amir); err != nil {
		return core.Errorf(core.Internal, "make a GitLab client: %w", err)
	}
	s.out.last = begun
	if err := s.ready(ctx, envs); err != nil {
		return err
	}
	pushed, err := s.push(ctx)
	if err != nil {
		return err
	}
	if err := s.reported(ctx, envs[0], pushed); err != nil {
		return err
	}
	for _, env := range envs[1:] {
		if err := s.promoted(ctx, env); err != nil {
			return err
		}
	}
	return s.summary(ctx, envs)
}

// until waits for a step. look returns true when it has happened, and else
// what there is to see instead.
func (s *script) until(ctx context.Context, waitsFor string, look func(context.Context) (bool, string, error)) error {
	deadline := time.Now().Add(patience)
	for {
		ok, sees, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return core.Errorf(core.Transient, "stopped while waiting for this: %s", waitsFor)
		case ok:
			return nil
		case time.Now().After(deadline):
			return core.Errorf(core.Internal, "waited %s for this: %s\nseen instead: %w", patience, waitsFor, cause(sees, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

func cause(sees string, err error) error {
	if err != nil {
		return err
	}
	if sees == "" {
		sees = "nothing"
	}
	return errors.New(sees)
}

// ready waits until every cluster has reported the monorepo as it is.
func (s *script) ready(ctx context.Context, envs []policy.Environment) error {
	for _, env := range envs {
		for _, cluster := range env.Clusters {
			flux := s.world.Clusters[cluster].Flux
			err := s.until(ctx, fmt.Sprintf("the first report of %s reaches Sluice", cluster), func(context.Context) (bool, string, error) {
				st := flux.Status()
				return st.Applied != "" && st.Delivered > 0, fmt.Sprintf("%+v", st), nil
			})
			if err != nil {
				return err
			}
		}
	}
	s.out.step("up", fmt.Sprintf("NATS, a stand-in for GitLab, Sluice and %d clusters are up; each has reported", len(s.world.Clusters)))
	return nil
}

// push is the developer's part: a clone, an edit, a commit, a push, with git.
func (s *script) push(ctx context.Context) (core.SHA, error) {
	clone := filepath.Join(s.dir, "dana")
	url := strings.Replace(s.world.GitLabURL, "://", "://dana:"+s.world.Token(world.Dana).Reveal()+"@", 1) + "/" + world.Project + ".git"
	if _, err := git(ctx, s.dir, "clone", "-q", url, clone); err != nil {
		return "", err
	}
	file := filepath.Join(clone, "flux-config/clusters/platform-core-dev-aks/apps/ai-gateway/helmrelease-patch.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return "", core.Errorf(core.Internal, "edit dev: %w", err)
	}
	edited := strings.NewReplacer(oldChart, newChart, oldImage, newImage).Replace(string(content))
	if strings.Count(edited, newChart) != 1 || strings.Count(edited, newImage) != 1 {
		return "", core.Errorf(core.Internal, "%s does not hold the versions that the demo bumps", file)
	}
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		return "", core.Errorf(core.Internal, "edit dev: %w", err)
	}
	if _, err := git(ctx, clone, "commit", "-qam", "ai-gateway: use chart 2.48.0 and image 3.9.1 in dev"); err != nil {
		return "", err
	}
	if _, err := git(ctx, clone, "push", "-q"); err != nil {
		return "", err
	}
	head, err := git(ctx, clone, "rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	sha := core.SHA(strings.TrimSpace(head))
	s.out.step("push", fmt.Sprintf("dana pushed %s: %s gets chart 2.48.0 and image 3.9.1 in dev", sha.Short(), app))
	return sha, nil
}

// git runs git as dana would, untouched by the machine's own configuration.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Dana", "GIT_AUTHOR_EMAIL=dana@example.com", "GIT_COMMITTER_NAME=Dana", "GIT_COMMITTER_EMAIL=dana@example.com",
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", core.Errorf(core.Internal, "git %s: %w: %s", args[0], err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}

// reported waits until the clusters of an environment have applied a revision.
func (s *script) reported(ctx context.Context, env policy.Environment, revision core.SHA) error {
	for _, cluster := range env.Clusters {
		flux := s.world.Clusters[cluster].Flux
		before := flux.Status().Triggers
		err := s.until(ctx, fmt.Sprintf("%s is called and reports %s", cluster, revision.Short()), func(context.Context) (bool, string, error) {
			st := flux.Status()
			return st.Applied == revision, fmt.Sprintf("it applied %s, after %d calls of its Receiver (%d before)", st.Applied.Short(), st.Triggers, before), nil
		})
		if err != nil {
			return err
		}
		s.out.step("report-"+string(env.Name), fmt.Sprintf("%s: Sluice called its Flux Receiver, and it reported %s", cluster, revision.Short()))
	}
	return nil
}

// promoted follows one merge request from its opening to the report.
func (s *script) promoted(ctx context.Context, env policy.Environment) error {
	mr, err := s.opened(ctx, env)
	if err != nil {
		return err
	}
	if env.Gates.Approvals.Count > 0 {
		if err := s.persuade(ctx, env, mr); err != nil {
			return err
		}
	}
	revision, err := s.merged(ctx, env, mr)
	if err != nil {
		return err
	}
	return s.reported(ctx, env, revision)
}

func (s *script) opened(ctx context.Context, env policy.Environment) (int64, error) {
	var found *gitlab.BasicMergeRequest
	branch := "sluice/" + string(env.Name) + "/" + app
	err := s.until(ctx, fmt.Sprintf("a merge request for %s is opened", env.Name), func(ctx context.Context) (bool, string, error) {
		list, _, err := s.people.MergeRequests.ListProjectMergeRequests(world.Project, &gitlab.ListProjectMergeRequestsOptions{SourceBranch: new(branch)}, gitlab.WithContext(ctx))
		if err != nil || len(list) == 0 {
			return false, "no merge request from the branch " + branch, err
		}
		found = list[0]
		return true, "", nil
	})
	if err != nil {
		return 0, err
	}
	s.out.step("open-"+string(env.Name), fmt.Sprintf("Sluice opened !%d: %s", found.IID, found.Title))
	return found.IID, nil
}

// checklist picks the gates out of a description.
func checklist(description string) []string {
	var out []string
	for line := range strings.Lines(description) {
		if strings.HasPrefix(line, "- [") {
			out = append(out, strings.TrimSpace(line[2:]))
		}
	}
	return out
}

// waitsOnlyFor tells whether these gates are there and open, and no others are.
func waitsOnlyFor(said []string, gates ...string) bool {
	var open []string
	for _, line := range said {
		if name, isOpen := strings.CutPrefix(line, "[ ] **"); isOpen {
			name, _, _ = strings.Cut(name, "**")
			open = append(open, name)
		}
	}
	slices.Sort(open)
	return len(said) > 0 && slices.Equal(open, slices.Sorted(slices.Values(gates)))
}

func (s *script) merged(ctx context.Context, env policy.Environment, mr int64) (core.SHA, error) {
	var m *gitlab.MergeRequest
	err := s.until(ctx, fmt.Sprintf("!%d is merged", mr), func(ctx context.Context) (bool, string, error) {
		var err error
		if m, _, err = s.people.MergeRequests.GetMergeRequest(world.Project, mr, nil, gitlab.WithContext(ctx)); err != nil {
			return false, "", err
		}
		return m.State == "merged", fmt.Sprintf("it is %s, GitLab says %s, and its gates: %s", m.State, m.DetailedMergeStatus, strings.Join(checklist(m.Description), "; ")), nil
	})
	if err != nil {
		return "", err
	}
	s.out.step("merge-"+string(env.Name), fmt.Sprintf("every gate passed, and Sluice merged !%d as %s, at %s", mr, core.SHA(m.MergeCommitSHA).Short(), gate.Clock(time.Now())))
	return core.SHA(m.MergeCommitSHA), nil
}
