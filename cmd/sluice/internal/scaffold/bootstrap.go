package scaffold

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// bootstrap is the command that brings Flux onto the cluster. Where the monorepo
// lies is told by the clone's remote, else by what the cluster's Flux would
// fetch, else by nobody.
func (a *clusterAdd) bootstrap(d *scaffold.Draft, name core.Cluster) string {
	fetched, branch := synced(d)
	where := project{"HOST", "GROUP", "PROJECT", ""}
	for _, address := range []string{a.remote(), fetched} {
		if p, ok := parseRemote(address); ok {
			where = p
			break
		}
	}
	if branch == "" {
		branch = "main"
	}
	words := []string{"       GITLAB_TOKEN=TOKEN flux bootstrap gitlab"}
	if where.host != "gitlab.com" {
		words = append(words, "--hostname="+shell(where.host))
	}
	if where.ssh != "" {
		words = append(words, "--ssh-hostname="+shell(where.ssh))
	}
	words = append(words, "--owner="+shell(where.owner), "--repository="+shell(where.name), "--branch="+shell(branch),
		"--path="+shell(d.Dir), "--token-auth=false", "--private-key-file=keys/"+string(name))
	return strings.Join(words, " \\\n         ")
}

// remote is the address of the clone's origin, "" if it has none.
func (a *clusterAdd) remote() string {
	repo, err := git.OpenLocal(a.dir)
	if err != nil {
		return "" // files without a repository are fine as well
	}
	defer repo.Close() //nolint:errcheck // it was only read
	address, err := repo.Remote()
	if err != nil {
		return ""
	}
	return address
}

// synced is what the GitRepository of the new cluster's Flux fetches.
func synced(d *scaffold.Draft) (address, branch string) {
	src, _ := d.Read(path.Join(d.Dir, "flux-system", "gotk-sync.yaml"))
	f, err := yamledit.Parse(src)
	if err != nil {
		return "", ""
	}
	for i := range f.Len() {
		root, _ := f.Doc(i)
		if kind, _ := root.Get("kind"); kind.Text() == "GitRepository" {
			u, _ := root.Get("spec", "url")
			b, _ := root.Get("spec", "ref", "branch")
			return u.Text(), b.Text()
		}
	}
	return "", ""
}

// project is where a monorepo lies on a GitLab.
type project struct {
	host, owner, name string
	ssh               string // the host for SSH where it is not simply host; "" if it is
}

// parseRemote reads https://host/group/project.git, ssh://git@host:port/… and
// git@host:group/project.git. A password in it goes nowhere.
func parseRemote(address string) (project, bool) {
	if !strings.Contains(address, "://") {
		m := regexp.MustCompile(`^(?:[^@/]+@)?([^:/@]+):([^:].*)$`).FindStringSubmatch(address)
		if m == nil {
			return project{}, false
		}
		address = "ssh://" + m[1] + "/" + strings.TrimPrefix(m[2], "/")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" {
		return project{}, false
	}
	owner, name := path.Split(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"))
	p := project{host: u.Host, owner: strings.Trim(owner, "/"), name: name}
	if u.Scheme == "ssh" {
		p.host = u.Hostname()
		if port := u.Port(); port != "" && port != "22" {
			p.ssh = net.JoinHostPort(p.host, port)
		}
	}
	return p, p.owner != "" && p.name != ""
}

// shell quotes a word for a shell, if it needs it.
func shell(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./:@-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
