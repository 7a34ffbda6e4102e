package fluxtool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/worktree"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/fluxlint"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// folder is the directory, in that of the cluster, in which the manifests lie.
const folder = "sluice"

// secretsFolder is where the secrets lie, in the cluster's directory.
const secretsFolder = folder + "/secrets"

// maxManifest bounds a file that is read.
const maxManifest = yamledit.MaxSize

// Command is "sluice flux".
func Command(env process.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "flux",
		Short: "Connect a cluster's Flux with Sluice, and find out why they do not hear each other",
		Args:  process.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(manifestsCommand(env), doctorCommand(env))
	return c
}

// generator is "sluice flux manifests".
type generator struct {
	wanted
	dir     string
	cluster string
	check   bool
	out     io.Writer
}

func manifestsCommand(env process.Env) *cobra.Command {
	g := generator{out: env.Stdout}
	c := &cobra.Command{
		Use:   "manifests",
		Short: "Write, or check, what connects a cluster's Flux with Sluice",
		Long: `Writes into a clone, in the cluster's own directory, what its Flux needs to be
connected: the Receiver that Sluice calls, the Provider and the Alert that report
to Sluice, the shape of their secrets, a NetworkPolicy and an Ingress, and the
entry in the cluster's kustomization.

Run again, it changes nothing. In files that are there it adds what is missing
and changes what Sluice needs otherwise; comments, order and everything else stay.
Commit the result as any other change.

With --check nothing is written: it ends with exit code 1 if something would be,
or if the cluster's manifests keep Flux from reporting what is so.`,
		Example: `  sluice flux manifests --cluster platform-core-dev-aks --sluice-url https://sluice.example.com --host flux.dev.example.com
  sluice flux manifests --cluster platform-core-dev-aks --sluice-url https://sluice.example.com --check`,
		Args: process.NoArgs,
		RunE: func(*cobra.Command, []string) error { return g.run() },
	}
	f := c.Flags()
	f.StringVar(&g.dir, "dir", ".", "the clone's root, where "+policy.FileName+" lies")
	f.StringVar(&g.cluster, "cluster", "", "the cluster, as the policy names it")
	f.StringVar(&g.Address, "sluice-url", "", "address at which the cluster reaches Sluice's receiver")
	f.StringVar(&g.Project, "project", "", "the monorepo's path on GitLab, for the Receiver's filter (default: no filter)")
	f.StringVar(&g.Type, "receiver-type", "generic-hmac", strings.Join(receiverTypes(), ", "))
	f.StringVar(&g.Secrets, "secrets", external, "how secrets come into the cluster: "+strings.Join(secretWays(), ", "))
	f.StringVar(&g.Host, "host", "", "host name for an Ingress to the Receiver (default: no Ingress)")
	f.StringVar(&g.IngressNS, "ingress-namespace", "ingress-nginx", "namespace of the ingress controller")
	f.StringVar(&g.Statuses, "commit-statuses", "", "GitLab address of the project, such as https://gitlab.com/42, to have Flux write commit statuses as well")
	f.BoolVar(&g.check, "check", false, "write nothing; exit with 1 if something would be written or is a trap")
	return c
}

func (g *generator) run() error {
	if err := g.checkFlags(); err != nil {
		return err
	}
	p, err := readPolicy(g.dir)
	if err != nil {
		return err
	}
	env, ok := p.EnvironmentOf(core.Cluster(g.cluster))
	if !ok {
		return core.Errorf(core.Invalid, "--cluster: %s names no cluster %q; it has %s", policy.FileName, g.cluster, strings.Join(scaffold.Clusters(p), ", "))
	}
	root, err := rootOf(g.dir, p, env.Name, core.Cluster(g.cluster))
	if err != nil {
		return err
	}
	g.Cluster, g.Env, g.Root = core.Cluster(g.cluster), env.Name, root
	if g.Releases, err = releaseNamespaces(g.dir); err != nil {
		return err
	}
	changes, err := g.changes(root)
	if err != nil {
		return err
	}
	if g.check {
		return g.report(root, changes)
	}
	return g.write(changes)
}

// checkFlags is about the flags alone.
func (g *generator) checkFlags() error {
	if g.cluster == "" {
		return core.Errorf(core.Invalid, "--cluster is missing; write the cluster's name as %s spells it", policy.FileName)
	}
	return g.wanted.check()
}

func (g *generator) changes(root string) ([]scaffold.Change, error) {
	var out []scaffold.Change
	add := func(name string, made func([]byte) ([]byte, error)) error {
		old, err := readFile(filepath.Join(g.dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		fresh, err := made(old)
		if err != nil {
			return core.Errorf(core.KindOf(err), "%s:%w", name, err)
		}
		if !bytes.Equal(old, fresh) {
			out = append(out, scaffold.Change{Path: name, Old: old, New: fresh})
		}
		return nil
	}
	var names []string
	for _, m := range g.manifests() {
		names = append(names, m.name)
		if err := add(path.Join(root, folder, m.name), m.merged); err != nil {
			return nil, err
		}
	}
	if g.Secrets != byHand {
		m := g.secrets()
		if err := errors.Join(add(path.Join(root, secretsFolder, m.name), m.merged), add(path.Join(root, secretsFolder, "kustomization.yaml"),
			func(old []byte) ([]byte, error) { return scaffold.Listed(old, []string{m.name}) })); err != nil {
			return nil, err
		}
	}
	if err := add(path.Join(root, folder, "kustomization.yaml"), func(old []byte) ([]byte, error) { return scaffold.Listed(old, names) }); err != nil {
		return nil, err
	}
	err := add(path.Join(root, "kustomization.yaml"), func(old []byte) ([]byte, error) {
		if old == nil {
			return nil, nil // Flux collects every manifest below the directory by itself
		}
		return scaffold.Listed(old, []string{folder})
	})
	return out, err
}

func (g *generator) write(changes []scaffold.Change) error {
	if err := worktree.Write(g.dir, changes); err != nil {
		return err
	}
	for _, c := range changes {
		what := "changed"
		if c.Old == nil {
			what = "wrote"
		}
		fmt.Fprintf(g.out, "%s %s\n", what, c.Path)
	}
	if len(changes) == 0 {
		fmt.Fprintln(g.out, "everything is there already")
	}
	return nil
}

// report says what would be written, and which traps there are.
func (g *generator) report(root string, changes []scaffold.Change) error {
	for _, c := range changes {
		if c.Old == nil {
			fmt.Fprintf(g.out, "%s is missing\n", c.Path)
			continue
		}
		fmt.Fprintf(g.out, "%s is not as it must be:\n%s", c.Path, difference(c.Old, c.New))
	}
	files, err := yamlBelow(g.dir, root)
	if err != nil {
		return err
	}
	traps := fluxlint.Lint(files)
	for _, f := range traps {
		fmt.Fprintln(g.out, f)
	}
	if len(changes)+len(traps) > 0 {
		return &process.Exit{Code: process.Failed}
	}
	fmt.Fprintln(g.out, "everything is there, and nothing is in the way")
	return nil
}

// difference shows the lines that only one of two texts has, which is enough
// where one is the other with additions.
func difference(old, fresh []byte) string {
	var out strings.Builder
	a, b := strings.Split(string(old), "\n"), strings.Split(string(fresh), "\n")
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j < len(b) && (i == len(a) || slices.Contains(b[j:], a[i])):
			fmt.Fprintf(&out, "  + %s\n", b[j])
			j++
		default:
			fmt.Fprintf(&out, "  - %s\n", a[i])
			i++
		}
	}
	return out.String()
}

// readFile returns nil for a file that is not there.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, core.Errorf(core.Invalid, "read a manifest: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(content) > maxManifest {
		err = errors.New("it is larger than any manifest may be")
	}
	if err != nil {
		return nil, core.Errorf(core.Invalid, "read %s: %w", name, err)
	}
	return content, nil
}
