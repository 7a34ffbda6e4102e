package setup

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// bootstrap works out how Flux is started in each cluster of the policy.
func (w *work) bootstrap(ctx context.Context) {
	if w.policy == nil {
		return
	}
	base := w.v.URL(settings.GitLabURL)
	if strings.Trim(base.Path, "/") != "" {
		w.say("bootstrap", doubt, "flux bootstrap gitlab takes no GitLab that lives below a path", "use flux bootstrap git with the SSH address "+w.settings.SSHURL)
		return
	}
	by := map[string]core.Cluster{}
	for _, env := range w.policy.Environments {
		for _, cluster := range env.Clusters {
			root, there, err := w.root(ctx, env.Name, cluster)
			if err != nil {
				w.trouble("bootstrap", err, developer)
				return
			}
			s := start{Cluster: cluster, Command: w.command(base, root, cluster)}
			switch other := by[root]; {
			case root == "":
				w.say("bootstrap", doubt, "the layout gives "+string(cluster)+" no directory of its own", "choose its --path by hand")
				continue
			case other != "":
				s.Remark = "the layout gives " + string(other) + " the same directory; two clusters cannot share what bootstrap writes into it"
			case !there:
				s.Remark = "the directory is not there yet; bootstrap makes it"
			}
			by[root] = cluster
			w.Starts = append(w.Starts, s)
		}
	}
}

// root is the first directory of those that the layout gives the cluster which
// is there, else the first of all.
func (w *work) root(ctx context.Context, env core.Env, cluster core.Cluster) (dir string, there bool, err error) {
	var tried []string
	for _, pattern := range w.policy.Layout {
		root, ok := overlay.RootOf(pattern, env, cluster)
		if !ok || slices.Contains(tried, root) {
			continue
		}
		tried = append(tried, root)
		err := w.patiently(ctx, func() (err error) {
			there, err = w.hasDir(ctx, root)
			return err
		})
		if err != nil || there {
			return root, there, err
		}
	}
	if len(tried) == 0 {
		return "", false, nil
	}
	return tried[0], false, nil
}

// command has Flux read with its SSH key alone: neither the person's token nor
// a key that can write stays in the cluster.
func (w *work) command(base *url.URL, root string, cluster core.Cluster) []string {
	out := []string{"flux bootstrap gitlab"}
	if base.Host != "gitlab.com" {
		out = append(out, "--hostname="+quoted(base.Host))
	}
	if at := sshHost(w.settings.SSHURL); at != "" && at != base.Hostname() {
		out = append(out, "--ssh-hostname="+quoted(at))
	}
	if w.settings.Personal {
		out = append(out, "--personal")
	}
	dir := w.keys
	if dir == "" {
		dir = "."
	}
	return append(out,
		"--owner="+quoted(w.settings.Namespace),
		"--repository="+quoted(w.settings.Name),
		"--branch="+quoted(w.settings.DefaultBranch),
		"--path="+quoted(root),
		"--token-auth=false",
		"--private-key-file="+quoted(filepath.Join(dir, string(cluster))))
}

// sshHost reads git@host:path and ssh://git@host:port/path.
func sshHost(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme == "ssh" {
		return u.Host
	}
	_, rest, found := strings.Cut(address, "@")
	at, _, colon := strings.Cut(rest, ":")
	if !found || !colon {
		return ""
	}
	return at
}

// quoted is safe in a shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@+,%", r))
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
