package fluxtool

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
)

// state is what a check came to.
type state string

const (
	fine   state = "ok"
	doubt  state = "warn"
	failed state = "FAIL"
)

// finding is what one check says.
type finding struct {
	Cluster core.Cluster `json:"cluster"`
	Check   string       `json:"check"`
	State   state        `json:"state"`
	Says    string       `json:"says"`
	Fix     string       `json:"fix,omitempty"` // what to change, unless it is fine
}

// doctor is "sluice flux doctor".
type doctor struct {
	dir, cluster, receivers, sluice, format string

	out   io.Writer
	clock func() time.Time
	found []finding
}

func doctorCommand(env process.Env) *cobra.Command {
	d := doctor{out: env.Stdout, clock: time.Now}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why Sluice and a cluster's Flux do not hear each other",
		Long: `Looks at each cluster's connection from where it runs, and says what is wrong and
what to change: is the Receiver's address reached, is its certificate trusted,
does it take a call (a real one, which has Flux look at Git and nothing else), is
the token the same on both sides byte for byte, do the clocks agree. With --sluice
it asks a running Sluice when it last heard of the cluster. With --dir it reads a
clone for what keeps Flux from reporting what is so, and for versions of Flux
that leave the heartbeat out.

It ends with exit code 1 if a check fails.`,
		Example: `  sluice flux doctor --receivers-file receivers.yaml --dir . --sluice http://127.0.0.1:8080`,
		Args:    process.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return d.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&d.receivers, "receivers-file", "", "the file of Flux Receivers that Sluice is configured with")
	f.StringVar(&d.cluster, "cluster", "", "look at this cluster alone")
	f.StringVar(&d.dir, "dir", "", "a clone's root, to look at its manifests as well")
	f.StringVar(&d.sluice, "sluice", "", "address at which a running Sluice serves /status, to ask when it heard of the clusters")
	f.StringVar(&d.format, "format", "text", "text or json")
	return c
}

func (d *doctor) run(ctx context.Context) error {
	if d.receivers == "" && d.dir == "" && d.sluice == "" {
		return core.Errorf(core.Invalid, "give at least one of --receivers-file, --dir and --sluice: there is nothing to look at")
	}
	if d.format != "text" && d.format != "json" {
		return core.Errorf(core.Invalid, "--format: found %q; write text or json", d.format)
	}
	all, err := clusters.Read(d.receivers)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if d.asked(name) {
			d.visit(ctx, all[name])
		}
	}
	if d.dir != "" {
		if err := d.read(); err != nil {
			return err
		}
	}
	if d.sluice != "" {
		d.hear(ctx)
	}
	if len(d.found) == 0 {
		return core.Errorf(core.Invalid, "--cluster: nothing is known of a cluster %q", d.cluster)
	}
	return d.tell()
}

func (d *doctor) asked(name core.Cluster) bool { return d.cluster == "" || d.cluster == string(name) }

func (d *doctor) say(cluster core.Cluster, check string, s state, says, fix string) {
	d.found = append(d.found, finding{cluster, check, s, says, fix})
}

// tell prints what was found.
func (d *doctor) tell() error {
	bad := false
	for _, f := range d.found {
		bad = bad || f.State == failed
	}
	if d.format == "json" {
		e := json.NewEncoder(d.out)
		e.SetIndent("", "  ")
		if err := e.Encode(d.found); err != nil {
			return core.Errorf(core.Internal, "print the findings: %w", err)
		}
	} else {
		d.print()
	}
	if bad {
		return &process.Exit{Code: process.Failed}
	}
	return nil
}

func (d *doctor) print() {
	last := core.Cluster("")
	for i, f := range d.found {
		if i == 0 || f.Cluster != last {
			fmt.Fprintln(d.out, f.Cluster)
			last = f.Cluster
		}
		fmt.Fprintf(d.out, "  [%4s] %s: %s\n", f.State, f.Check, f.Says)
		if f.State != fine && f.Fix != "" {
			fmt.Fprintf(d.out, "         %s\n", f.Fix)
		}
	}
}
