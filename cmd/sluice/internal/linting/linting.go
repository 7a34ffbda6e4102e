// Package linting is "sluice lint": it holds a monorepo on disk against the rules
// of internal/core/lint and prints what is wrong, for people, for a merge
// request's widgets and for other tools.
//
// It changes nothing, asks no server and no cluster, and runs no git. What it
// reads are the files as they stand, whether they are committed or not.
package linting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/schema"
)

// Unable is the exit code of a lint that could not be made, so that a script can
// tell it from one that found something.
const Unable = 2

// maxChanged bounds the files that count as a change; above it, everything is
// looked at.
const maxChanged = 5000

// options are the flags of "sluice lint".
type options struct {
	dir, since, format, failOn string
	radius                     bool
}

// Command is "sluice lint".
func Command(env process.Env) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "lint [DIR]",
		Short: "Find what is wrong in a monorepo before Flux does",
		Long: `Builds every kustomization of a monorepo on this machine as Flux would, holds the
objects against their APIs, and tells what would fail, what is a trap, and what
Sluice cannot promote: with the place, the reason and what to do. It asks no
server and no cluster.

With --since only what has changed since a commit is looked at, and what is built
from it. With --mr it also tells which clusters a change reaches, and finds those
that go past the gates; the commit to compare with is then taken from GitLab CI.

A comment "# sluice:ignore RULE reason" on the line, or above it, leaves a finding
out.

It ends with exit code 0 if nothing is found that matters, 1 if something is, and
` + fmt.Sprint(Unable) + ` if the monorepo could not be looked at.`,
		Example: `  sluice lint
  sluice lint ~/src/monorepo --since origin/main
  sluice lint --mr --format gitlab > gl-code-quality-report.json`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return unable(core.Errorf(core.Invalid, "sluice lint takes at most one directory, found %q\nsee sluice lint --help", args))
			}
			if len(args) == 1 {
				o.dir = args[0]
			}
			return o.run(c.Context(), env)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return unable(core.Errorf(core.Invalid, "%w\nsee sluice lint --help", err))
	})
	o.dir = "."
	c.Flags().StringVar(&o.since, "since", "", "look only at what has changed since this commit: a branch, a tag or an object name")
	c.Flags().BoolVar(&o.radius, "mr", false, "also tell which clusters the change reaches")
	c.Flags().StringVar(&o.format, "format", "text", "text, json, sarif or gitlab (Code Quality)")
	c.Flags().StringVar(&o.failOn, "fail-on", "error", "end with 1 from this severity on: error, warning or note")
	return c
}

func unable(err error) error { return &process.Exit{Code: Unable, Err: err} }

// result is all that a lint tells.
type result struct {
	Findings []lint.Finding
	Reached  []lint.Reached
	radius   bool
}

func (o *options) run(ctx context.Context, env process.Env) error {
	write, ok := formats()[o.format]
	if !ok {
		return unable(core.Errorf(core.Invalid, "--format is %q; want text, json, sarif or gitlab", o.format))
	}
	limit, ok := ranks()[lint.Severity(o.failOn)]
	if !ok {
		return unable(core.Errorf(core.Invalid, "--fail-on is %q; want error, warning or note", o.failOn))
	}
	if o.radius && o.since == "" {
		o.since = base(env)
		if o.since == "" {
			return unable(core.Errorf(core.Invalid, "--mr needs a commit to compare with: name it with --since, or run in a merge request's pipeline, which sets CI_MERGE_REQUEST_DIFF_BASE_SHA"))
		}
	}
	r, err := o.lint(ctx)
	if err == nil {
		err = write(env.Stdout, r)
	}
	if err != nil {
		return unable(err)
	}
	for _, f := range r.Findings {
		if ranks()[f.Severity] >= limit {
			return &process.Exit{Code: process.Failed, Err: errors.New(counted(r.Findings))}
		}
	}
	return nil
}

// base is the commit that GitLab CI compares a merge request with.
func base(env process.Env) string {
	for _, pair := range env.Environ {
		if sha, ok := strings.CutPrefix(pair, "CI_MERGE_REQUEST_DIFF_BASE_SHA="); ok {
			return sha
		}
	}
	return ""
}

func ranks() map[lint.Severity]int {
	return map[lint.Severity]int{lint.Note: 1, lint.Warning: 2, lint.Error: 3}
}

// lint looks at the files of the directory's repository or, outside of one, of
// the directory itself.
func (o *options) lint(ctx context.Context) (*result, error) {
	root, was, err := o.before()
	if err != nil {
		return nil, err
	}
	files, err := load(root)
	if err != nil {
		return nil, err
	}
	tree := memtree.New(files)
	apis, err := schema.Load()
	if err != nil {
		return nil, err
	}
	renderer := &render.Renderer{}
	run := lint.Options{Checker: apis, Build: func(dir string) ([]lint.Object, error) { return renderer.Build(ctx, tree, dir) }}
	if was != nil {
		changed, complete, err := overlay.ChangedFiles(was, tree, maxChanged)
		if err != nil {
			return nil, err
		}
		if complete {
			run.Changed = visible(changed)
		}
	}
	out := &result{radius: o.radius}
	if out.Findings, err = lint.Lint(tree, run); err != nil {
		return nil, err
	}
	if o.radius && run.Changed != nil {
		build := func(t overlay.Tree, dir string) ([]lint.Object, error) { return renderer.Build(ctx, t, dir) }
		reached, found, err := lint.Radius(was, tree, run.Changed, build)
		if err != nil {
			return nil, err
		}
		out.Reached, out.Findings = reached, append(out.Findings, found...)
	}
	look := run.Changed
	if look == nil {
		look = manifests(files)
	}
	out.Findings = lint.Ignore(out.Findings, withFiles(look, out.Findings), func(name string) []byte { return files[name] }, run.Changed == nil)
	return out, nil
}

// before opens the repository: its root, and the tree to compare with, if any.
func (o *options) before() (root string, was overlay.Tree, err error) {
	clone, err := git.OpenLocal(o.dir)
	if err != nil && o.since == "" && core.KindOf(err) == core.NotFound {
		return o.dir, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	if o.since == "" {
		return clone.Root(), nil, clone.Close()
	}
	sha, err := clone.Resolve(o.since)
	if err != nil {
		return "", nil, core.Errorf(core.KindOf(err), "%w; in a pipeline, set GIT_DEPTH to 0 so that the clone has it", err)
	}
	tree, err := clone.Tree(sha)
	return clone.Root(), tree, err
}

// counted says how many findings there are of each severity.
func counted(found []lint.Finding) string {
	n := map[lint.Severity]int{}
	for _, f := range found {
		n[f.Severity]++
	}
	return fmt.Sprintf("%d errors, %d warnings, %d notes", n[lint.Error], n[lint.Warning], n[lint.Note])
}

// printer writes a result.
type printer func(w io.Writer, r *result) error

func formats() map[string]printer {
	return map[string]printer{"text": asText, "json": asJSON, "sarif": asSARIF, "gitlab": asCodeQuality}
}
