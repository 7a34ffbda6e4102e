package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// standIn is what the command fake-gitlab starts with.
type standIn struct {
	listen, url, project string
	apps                 int
	seed                 int64
}

func fakeGitLab(env process.Env) *cobra.Command {
	var s standIn
	c := &cobra.Command{
		Use:   "fake-gitlab",
		Short: "Serve a stand-in for GitLab, with the reference monorepo in it",
		Long: `Serves a stand-in for the part of GitLab that Sluice uses: the REST API, Git over
HTTP, and webhooks. It keeps everything in memory and in a temporary directory
and forgets it when it ends. It is for trying Sluice out and for tests.

There are three users: root (administrator), sluice-bot and developer. Their
tokens are printed at the start, unless SLUICE_FAKE_GITLAB_TOKEN_<USER> sets them.`,
		Args: process.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c.Context(), env) },
	}
	c.Flags().StringVar(&s.listen, "listen", "127.0.0.1:8929", "address to listen on")
	c.Flags().StringVar(&s.url, "url", "", "address under which others reach it (default: the address it listens on)")
	c.Flags().StringVar(&s.project, "project", "ai-platform/platform-gitops", "full path of the project with the monorepo")
	c.Flags().IntVar(&s.apps, "apps", 2, "how many applications the monorepo has")
	c.Flags().Int64Var(&s.seed, "seed", 1, "decides which applications are generated")
	return c
}

func (s standIn) run(ctx context.Context, env process.Env) error {
	files, err := seed.Monorepo(seed.Options{Apps: s.apps, Seed: s.seed})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sluice-fake-gitlab-")
	if err != nil {
		return core.Errorf(core.Internal, "make a directory for the repositories: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	l, err := process.Listen(ctx, s.listen)
	if err != nil {
		return err
	}
	server, err := fakegitlab.New(fakegitlab.Config{Dir: dir, URL: s.url, Logger: slog.New(slog.NewTextHandler(env.Stderr, nil))})
	if err != nil {
		return err
	}
	if err := s.populate(env, server, files); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "listening on http://%s\nproject    %s\n", l.Addr(), s.project)
	return server.Serve(ctx, l)
}

func (s standIn) populate(env process.Env, server *fakegitlab.Server, files map[string][]byte) error {
	var members []fakegitlab.Member
	for _, name := range []string{"root", "sluice-bot", "developer"} {
		level, token := fakegitlab.Maintainer, tokenOf(env, name)
		if name == "developer" {
			level = fakegitlab.Developer
		}
		if _, err := server.AddUser(fakegitlab.User{Username: name, Token: token, Bot: name == "sluice-bot", Admin: name == "root"}); err != nil {
			return err
		}
		members = append(members, fakegitlab.Member{Username: name, Level: level})
		fmt.Fprintf(env.Stdout, "user       %s, token %s\n", name, token.Reveal())
	}
	_, err := server.AddProject(s.project, fakegitlab.ProjectOptions{Files: files, DevelopersMayPush: true}, members...)
	return err
}

// tokenOf lets compose files and scripts fix the tokens.
func tokenOf(env process.Env, user string) core.Secret {
	if fixed := env.Getenv("SLUICE_FAKE_GITLAB_TOKEN_" + strings.ToUpper(strings.ReplaceAll(user, "-", "_"))); fixed != "" {
		return core.Secret(fixed)
	}
	return core.Secret(rand.Text())
}
