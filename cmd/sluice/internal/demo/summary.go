package demo

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// summary compares the monorepo at the start with what dana gets when she
// pulls at the end.
func (s *script) summary(ctx context.Context, envs []policy.Environment) error {
	clone := filepath.Join(s.dir, "dana")
	if _, err := git(ctx, clone, "pull", "-q"); err != nil {
		return err
	}
	before, err := inventory(s.files)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for name := range s.files {
		content, err := os.ReadFile(filepath.Join(clone, name))
		if err != nil {
			return core.Errorf(core.Internal, "read the clone: %w", err)
		}
		files[name] = content
	}
	after, err := inventory(files)
	if err != nil {
		return err
	}
	rows, unchanged := compare(envs, before, after)
	s.out.step("done", "every environment carries it")
	names := make([]string, len(envs))
	for i, env := range envs {
		names[i] = string(env.Name)
	}
	s.out.table(names, rows, unchanged)
	return arrived(envs, rows)
}

func inventory(files map[string][]byte) (*overlay.Inventory, error) {
	p, err := policy.Parse(policy.FileName, []byte(rules))
	if err != nil {
		return nil, err
	}
	return overlay.NewReader().Read(memtree.New(files), p)
}

// compare lists the pins that are not what they were, and counts the apps in
// which all are.
func compare(envs []policy.Environment, before, after *overlay.Inventory) (rows []row, unchanged int) {
	for t, deployments := range after.All() {
		if t.Env != envs[0].Name {
			continue
		}
		changed := false
		for _, p := range deployments[0].Pins {
			r := row{App: string(t.App), What: what(p.Key), Versions: map[string]change{}}
			differs := false
			for _, env := range envs {
				c := change{Before: versionOf(before, env.Name, t.App, p.Key), After: versionOf(after, env.Name, t.App, p.Key)}
				r.Versions[string(env.Name)] = c
				differs = differs || c.Before != c.After
			}
			if differs {
				rows = append(rows, r)
			}
			changed = changed || differs
		}
		if !changed {
			unchanged++
		}
	}
	return rows, unchanged
}

// what names a pin beside its app.
func what(k pin.Key) string {
	if _, path, ok := strings.Cut(k.Name, ": "); ok {
		return path
	}
	if k.Kind == pin.Chart {
		return "chart"
	}
	return k.Name
}

func versionOf(inv *overlay.Inventory, env core.Env, a core.App, k pin.Key) string {
	for _, d := range inv.Of(core.Target{Env: env, App: a}) {
		if p, ok := d.Lookup(k); ok {
			return p.Version
		}
	}
	return ""
}

// arrived makes sure that the table shows what the demo is about.
func arrived(envs []policy.Environment, rows []row) error {
	if len(rows) != 2 {
		return core.Errorf(core.Internal, "%d versions changed, want the chart and the image", len(rows))
	}
	for _, r := range rows {
		for _, env := range envs {
			if c := r.Versions[string(env.Name)]; c.After != r.Versions[string(envs[0].Name)].After || c.Before == c.After {
				return core.Errorf(core.Internal, "%s of %s in %s is %s", r.What, r.App, env.Name, c)
			}
		}
	}
	return nil
}
