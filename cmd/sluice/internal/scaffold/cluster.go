package scaffold

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
)

// clusterAdd is "sluice cluster add".
type clusterAdd struct {
	clone
	env, like string
}

func clusterCommand(env process.Env) *cobra.Command {
	a := clusterAdd{clone: clone{out: env.Stdout}}
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Copy a cluster's directory for a new cluster, and make it known",
		Long: `Copies what belongs to another cluster, as the layout of ` + policy.FileName + ` tells, for a
new one. What names the cluster is rewritten: paths, labels, host names, the
address that it reports to; and its environment, where the new one is in another.
The cluster is added to its environment in ` + policy.FileName + `, and not one byte more is
changed there.

What only a person can know, such as addresses, key vaults, host names and the
versions of another environment, is listed with file and line. Then it tells what
remains to be done: flux bootstrap, and what Sluice has to be told.

Nothing is overwritten: run again, it changes nothing. What would be written is
built with kustomize before it is.`,
		Example: `  sluice cluster add platform-core-prd2-aks --env prd --like platform-core-prd-aks --dry-run
  sluice cluster add platform-core-prd2-aks --env prd --like platform-core-prd-aks --dir ~/src/monorepo`,
		Args: named,
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), core.Cluster(args[0])) },
	}
	a.register(c)
	c.Flags().StringVar(&a.env, "env", "", "the environment that the cluster belongs to")
	c.Flags().StringVar(&a.like, "like", "", "the cluster that it is made like; best one of the same environment")
	return c
}

func (a *clusterAdd) run(ctx context.Context, name core.Cluster) error {
	if a.env == "" || a.like == "" {
		return core.Errorf(core.Invalid, "--env and --like are needed: the environment that %s belongs to, and the cluster that it is made like", name)
	}
	if err := a.open(); err != nil {
		return err
	}
	want := scaffold.Cluster{Name: name, Env: core.Env(a.env), Like: core.Cluster(a.like)}
	d, err := a.draft(ctx, want)
	if err != nil {
		return err
	}
	changed, err := a.finish(ctx, d)
	if err != nil || !changed {
		return err
	}
	a.notes("Look at these before you commit: nobody but you can know what is right for "+string(name)+".", append(a.unlike(d, want), d.Notes...))
	a.better(want)
	a.next(d, name)
	return nil
}

// better says which cluster would have been the one to go by.
func (a *clusterAdd) better(want scaffold.Cluster) {
	old, _ := a.policy.EnvironmentOf(want.Like)
	env, _ := a.policy.Environment(want.Env)
	for _, c := range env.Clusters {
		if old.Name != want.Env && c != want.Name {
			a.remark("  %s is in %s as well: made like that one, fewer of these would be in doubt.", c, want.Env)
			return
		}
	}
}

// draft makes the draft with a placeholder for Flux's own manifests or, where
// the cluster does not build with one, with a copy.
func (a *clusterAdd) draft(ctx context.Context, want scaffold.Cluster) (*scaffold.Draft, error) {
	d, err := want.Draft(a.files, a.policy)
	if err != nil {
		return nil, err
	}
	system := path.Join(d.Dir, "flux-system")
	if !slices.Contains(d.Touched, system) {
		return d, nil
	}
	if _, err := a.render.Text(ctx, d.Tree(), system); err == nil {
		return d, nil
	}
	want.Whole = true
	whole, err := want.Draft(a.files, a.policy)
	if err != nil {
		return nil, err
	}
	if _, err := a.render.Text(ctx, whole.Tree(), system); err == nil {
		return whole, nil
	}
	return d, nil
}

// unlike lists what is not as in the other clusters of the environment, and
// what of the old cluster could not be copied.
func (a *clusterAdd) unlike(d *scaffold.Draft, want scaffold.Cluster) []scaffold.Note {
	var out []scaffold.Note
	for _, file := range a.left {
		if strings.Contains("/"+file, "/"+string(want.Like)+"/") {
			out = append(out, scaffold.Note{File: file, Text: "is a link, or too large for a manifest, and was not copied"})
		}
	}
	old, _ := a.policy.EnvironmentOf(want.Like)
	if old.Name == want.Env {
		return out
	}
	src, _ := d.Read(policy.FileName)
	p, err := policy.Parse(policy.FileName, src)
	if err != nil {
		return out // what was checked is a policy
	}
	inv, err := overlay.NewReader().Read(d.Tree(), p)
	if err != nil {
		return out // and was read
	}
	for t, list := range inv.All() {
		if t.Env == want.Env {
			out = append(out, versions(t, list, want.Name, old.Name)...)
		}
	}
	return out
}

// versions compares what a new cluster deploys with the others of its environment.
func versions(t core.Target, list []*overlay.Deployment, name core.Cluster, from core.Env) []scaffold.Note {
	is := func(d *overlay.Deployment) bool { return d.Cluster == name }
	at := slices.IndexFunc(list, is)
	if at < 0 {
		return nil
	}
	other := slices.IndexFunc(list, func(d *overlay.Deployment) bool { return !is(d) && d.Broken == nil })
	var out []scaffold.Note
	for _, p := range list[at].Pins {
		text := fmt.Sprintf("%s is %s, the version of %s; %s does not run %s yet", p.Key, p.Version, from, t.Env, t.App)
		if other >= 0 {
			same, ok := list[other].Lookup(p.Key)
			if ok && same.Version == p.Version {
				continue
			}
			text = fmt.Sprintf("%s is %s, the version of %s; %s of %s has %s", p.Key, p.Version, from, list[other].Cluster, t.Env, same.Version)
		}
		out = append(out, scaffold.Note{File: p.At.File, Line: p.At.Line, Text: text})
	}
	return out
}

// next tells what remains to be done.
func (a *clusterAdd) next(d *scaffold.Draft, name core.Cluster) {
	a.remark("\nWhat remains:")
	a.remark("  1. Commit and push this, then bootstrap Flux on the cluster, with a key that sluice setup --deploy-keys has made known to GitLab:\n\n%s\n", a.bootstrap(d, name))
	if a.reports(d, name) {
		a.remark("  2. The manifests that connect the cluster with Sluice were copied; its secrets sluice-receiver and sluice-events are its own.")
	} else {
		a.remark("  2. Connect the cluster with Sluice:\n\n       sluice flux manifests --cluster %s --sluice-url https://SLUICE\n", name)
	}
	a.remark("  3. Tell Sluice of it: in the file of --flux-receivers-file, below receivers:\n\n"+
		"       - {cluster: %[1]s, url: https://ADDRESS-OF-ITS-WEBHOOK-RECEIVER, name: sluice, token-file: /etc/sluice/receivers/%[1]s}\n\n"+
		"     (leave url, name and token-file out if it cannot be called), and in the file of --flux-keys-file:\n\n       %[1]s=KEY\n", name)
	a.remark("  4. See whether they hear each other: sluice flux doctor --receivers-file FILE --cluster %s --dir . --sluice http://SLUICE", name)
}

// reports tells whether something in the cluster's directory reports to Sluice.
func (a *clusterAdd) reports(d *scaffold.Draft, name core.Cluster) bool {
	return slices.ContainsFunc(d.Changes(), func(c scaffold.Change) bool { return strings.Contains(string(c.New), "/hooks/flux/"+string(name)) })
}
