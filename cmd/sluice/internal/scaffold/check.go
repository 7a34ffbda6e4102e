package scaffold

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
	"github.com/sluice-gitops/sluice/internal/core/schema"
)

// maxChanged bounds the files of a draft that are linted by themselves; above it,
// everything is.
const maxChanged = 5000

// checked is a draft with what it was made from.
type checked struct {
	draft         *scaffold.Draft
	before, after overlay.Tree
	policy        *policy.Policy // as it would become
}

// check finds out whether a draft is fit to be written. Each check tells what
// is wrong; what was wrong before is nobody's fault here, and stops nothing.
func (c *clone) check(ctx context.Context, d *scaffold.Draft) error {
	src, _ := d.Read(policy.FileName)
	p, err := policy.Parse(policy.FileName, src)
	if err != nil {
		return core.Errorf(core.Internal, "the policy would not be one any more: %w", err)
	}
	k := checked{d, memtree.New(c.files), d.Tree(), p}
	var wrong []string
	for _, check := range []func(context.Context, checked) ([]string, error){c.builds, c.understood, c.linted} {
		found, err := check(ctx, k)
		if err != nil {
			return err
		}
		wrong = append(wrong, found...)
	}
	if len(wrong) > 0 {
		return core.Errorf(core.Invalid, "nothing was written, since the result would not be right:\n  %s", strings.Join(wrong, "\n  "))
	}
	return nil
}

// builds has kustomize build every directory that is touched.
func (c *clone) builds(ctx context.Context, k checked) ([]string, error) {
	var wrong []string
	for _, dir := range k.draft.Touched {
		_, err := c.render.Text(ctx, k.after, dir)
		if err == nil {
			continue
		}
		if core.KindOf(err) == core.Transient {
			return nil, err
		}
		if _, before := c.render.Text(ctx, k.before, dir); before == nil || core.KindOf(before) == core.NotFound || !hasDir(k.before, dir) {
			wrong = append(wrong, err.Error())
			continue
		}
		c.remark("%s did not build before, and does not now: %s", dir, err)
	}
	return wrong, nil
}

func hasDir(t overlay.Tree, dir string) bool {
	_, err := t.List(dir)
	return err == nil
}

// understood reads the overlays as Sluice does.
func (c *clone) understood(_ context.Context, k checked) ([]string, error) {
	before, err := overlay.NewReader().Read(k.before, c.policy)
	if err != nil {
		return nil, err
	}
	after, err := overlay.NewReader().Read(k.after, k.policy)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, p := range after.Problems {
		same := func(o overlay.Problem) bool { return o.File == p.File && o.Message == p.Message }
		if !slices.ContainsFunc(before.Problems, same) {
			wrong = append(wrong, fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message))
		}
	}
	return wrong, nil
}

// linted tells what sluice lint finds in what is touched and did not find before:
// that is for the person to look at, who may be in the middle of something.
func (c *clone) linted(ctx context.Context, k checked) ([]string, error) {
	changed, _, err := overlay.ChangedFiles(k.before, k.after, maxChanged)
	if err != nil {
		return nil, err
	}
	found, err := c.errors(ctx, k.after, changed)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	before, err := c.errors(ctx, k.before, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		same := func(o lint.Finding) bool { return o.File == f.File && o.Rule == f.Rule && o.Reason == f.Reason }
		if !slices.ContainsFunc(before, same) {
			c.remark("sluice lint: %s: %s (%s); %s", f.Place(), f.Reason, f.Rule, f.Fix)
		}
	}
	return nil, nil
}

func (c *clone) errors(ctx context.Context, t overlay.Tree, changed []string) ([]lint.Finding, error) {
	apis, err := schema.Load()
	if err != nil {
		return nil, err
	}
	build := func(dir string) ([]lint.Object, error) { return c.render.Build(ctx, t, dir) }
	found, err := lint.Lint(t, lint.Options{Build: build, Checker: apis, Changed: changed})
	return slices.DeleteFunc(found, func(f lint.Finding) bool { return f.Severity != lint.Error }), err
}
