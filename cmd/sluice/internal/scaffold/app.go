package scaffold

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
)

// appAdd is "sluice app add".
type appAdd struct {
	clone
	base      string
	envs      []string
	clusters  []string
	component bool
	versions  []string
	chart     string
}

func appCommand(env process.Env) *cobra.Command {
	a := appAdd{clone: clone{out: env.Stdout}}
	c := &cobra.Command{
		Use:   "add NAME --base BASE",
		Short: "Make an app's overlays on a base",
		Long: `Makes an app's overlay in each cluster that is asked for, looking like those
beside it, lists it where they are listed, and declares the namespace and the
source of its chart where the cluster lacks them and another one has them.

Without --env and --cluster that is the clusters of the first environment alone:
Sluice promotes versions, and makes no overlay in an environment that lacks one.
Add the app to the next environment when it may go there, or everywhere at once
with --env all.

Versions are those of the cluster's own environment where the base is deployed in
it, else those of the first environment that has it, else the base's, unless
--version or --chart-version say otherwise. None is invented: where one is not
known, it is asked for.

Nothing is overwritten: run again, it changes nothing. What would be written is
built with kustomize before it is.`,
		Example: `  sluice app add model-registry-eu --base model-registry --version ghcr.io/mlflow/mlflow=v2.20.0
  sluice app add ingress-nginx --base ingress-nginx --component --env stg --dry-run
  sluice app add kong --base ai-gateway --cluster platform-core-dev-aks --chart-version 2.47.0`,
		Args: named,
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), core.App(args[0])) },
	}
	a.register(c)
	f := c.Flags()
	f.StringVar(&a.base, "base", "", "the base, by its name or its path from the root")
	f.StringSliceVar(&a.envs, "env", nil, "environments to add it to, all for each of them (default: the first)")
	f.StringSliceVar(&a.clusters, "cluster", nil, "clusters to add it to")
	f.BoolVar(&a.component, "component", false, "add it to the infrastructure's components, not to the apps")
	f.StringArrayVar(&a.versions, "version", nil, "a version, as NAME=VERSION, of an image or whatever else is versioned")
	f.StringVar(&a.chart, "chart-version", "", "the version of the base's chart")
	return c
}

func (a *appAdd) run(ctx context.Context, name core.App) error {
	if a.base == "" {
		return core.Errorf(core.Invalid, "--base is missing: the base that %s is made from", name)
	}
	versions, err := a.wanted()
	if err != nil {
		return err
	}
	if err := a.open(); err != nil {
		return err
	}
	clusters, err := a.asked()
	if err != nil {
		return err
	}
	want := scaffold.App{Name: name, Base: a.base, Clusters: clusters, Component: a.component, Versions: versions, Chart: a.chart}
	d, err := want.Draft(a.files, a.policy, func(t overlay.Tree, dir string) ([]byte, error) { return a.render.Text(ctx, t, dir) })
	if err != nil {
		return err
	}
	changed, err := a.finish(ctx, d)
	if err != nil || !changed {
		return err
	}
	a.remark("\nWhat was decided:")
	for _, s := range d.Said {
		a.remark("  %s", s)
	}
	a.notes("Look at these before you commit:", d.Notes)
	a.remark("\n%s", a.advice(d, name))
	return nil
}

// wanted reads --version.
func (a *appAdd) wanted() (map[string]string, error) {
	out := map[string]string{}
	for _, text := range a.versions {
		name, version, ok := strings.Cut(text, "=")
		if !ok || name == "" || version == "" || strings.ContainsAny(version, " \t\r\n") {
			return nil, core.Errorf(core.Invalid, "--version: found %q; write NAME=VERSION, such as ghcr.io/mlflow/mlflow=v2.20.0", text)
		}
		out[name] = version
	}
	return out, nil
}

// asked are the clusters to add the app to.
func (a *appAdd) asked() (out []core.Cluster, err error) {
	for _, c := range a.clusters {
		if _, ok := a.policy.EnvironmentOf(core.Cluster(c)); !ok {
			return nil, scaffold.Unknown("cluster", c, scaffold.Clusters(a.policy))
		}
		out = append(out, core.Cluster(c))
	}
	envs := a.envs
	order := scaffold.Environments(a.policy)
	switch {
	case slices.Contains(envs, "all"):
		envs = order
	case len(envs)+len(out) == 0:
		envs = order[:1]
	}
	for _, name := range envs {
		env, ok := a.policy.Environment(core.Env(name))
		if !ok {
			return nil, scaffold.Unknown("environment", name, append(order, "all"))
		}
		out = append(out, env.Clusters...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// advice says how the app comes to the environments that lack it.
func (a *appAdd) advice(d *scaffold.Draft, name core.App) string {
	inv, err := overlay.NewReader().Read(d.Tree(), a.policy)
	var lack []string
	for _, env := range scaffold.Environments(a.policy) {
		if err == nil && !slices.Contains(inv.Apps(core.Env(env)), name) {
			lack = append(lack, env)
		}
	}
	if len(lack) == 0 {
		return "Sluice promotes its versions from now on: sluice plan shows them once this is committed."
	}
	return "Sluice promotes versions and makes no overlays. To have the app in " + strings.Join(lack, " and ") + " as well, run this again with --env " +
		strings.Join(lack, ",") + " when it may go there."
}
