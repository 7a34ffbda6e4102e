package message

import (
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// Link is an address with the word that stands for it.
type Link struct {
	Word string
	URL  string
}

// Links are the pages that tell more of a move, as far as they follow from its
// own texts. Nobody is asked, so a link is given only where the page must be
// there if the version is: a wrong link costs more than none. gitlab is the
// address of the GitLab that the monorepo lies in, "" if it is not known.
func Links(m Move, gitlab string) []Link {
	at, ok := placeOf(m.Kind, m.Origin)
	old, _, _ := strings.Cut(m.Old, "@")
	new, _, _ := strings.Cut(m.New, "@")
	if !ok || !plainRef(new) {
		return nil
	}
	for _, r := range linkRules(strings.TrimPrefix(gitlab, "https://")) {
		if r.git != at.git || r.host != at.host || len(at.path) < r.least || r.most > 0 && len(at.path) > r.most {
			continue
		}
		pages := r.pages("https://" + r.site + "/" + strings.Join(at.path, "/"))
		return pages.links(old, new)
	}
	return nil
}

// linkRule says what is known of the places on one host.
type linkRule struct {
	git         bool   // a repository; else an image
	host        string // where it is fetched from
	least, most int    // the segments that its path may have; any number if most is 0
	site        string // the host of its pages
	pages       func(base string) pages
}

// linkRules are all that is known. An image's path names its project only as
// far as the registry itself defines that: what lies deeper is not guessed.
func linkRules(gitlab string) []linkRule {
	rules := []linkRule{
		{true, "github.com", 2, 2, "github.com", githubPages},
		{true, "gitlab.com", 2, 0, "gitlab.com", gitlabPages},
		{false, "ghcr.io", 2, 2, "github.com", packagePages},
		{false, "registry.gitlab.com", 2, 2, "gitlab.com", registryPages},
		{false, "quay.io", 2, 2, "quay.io/repository", quayPages},
		{false, "docker.io", 2, 2, "hub.docker.com/r", dockerPages},
	}
	if plainHost(gitlab) {
		rules = append(rules, linkRule{true, gitlab, 2, 0, gitlab, gitlabPages}, linkRule{false, "registry." + gitlab, 2, 2, gitlab, registryPages})
	}
	return rules
}

// pages are what a site has of a project. Addresses that hold {old} or {new}
// are filled in.
type pages []page

type page struct {
	Link
	tagged bool // there only if the version is spelt as Git tags are: v1.2.3
}

func githubPages(base string) pages {
	return pages{
		{Link{"compare", base + "/compare/{old}...{new}"}, false},
		{Link{"source", base + "/tree/{new}"}, false},
	}
}

func gitlabPages(base string) pages {
	return pages{
		{Link{"compare", base + "/-/compare/{old}...{new}"}, false},
		{Link{"source", base + "/-/tree/{new}"}, false},
	}
}

// packagePages takes the package for that of the repository of the same name.
func packagePages(base string) pages {
	return pages{
		{Link{"compare", base + "/compare/{old}...{new}"}, true},
		{Link{"release", base + "/releases/tag/{new}"}, true},
	}
}

func registryPages(base string) pages {
	return pages{
		{Link{"compare", base + "/-/compare/{old}...{new}"}, true},
		{Link{"images", base + "/container_registry"}, false},
	}
}

func quayPages(base string) pages {
	return pages{{Link{"tags", base + "?tab=tags&tag={new}"}, false}}
}

func dockerPages(base string) pages {
	return pages{{Link{"tags", base + "/tags?name={new}"}, false}}
}

func (p pages) links(old, new string) []Link {
	var out []Link
	for _, page := range p {
		both := strings.Contains(page.URL, "{old}")
		if page.tagged && !tagged(new) || both && (!plainRef(old) || old == new || page.tagged && !tagged(old)) {
			continue
		}
		out = append(out, Link{page.Word, strings.NewReplacer("{old}", old, "{new}", new).Replace(page.URL)})
	}
	return out
}

// place is where something is fetched from.
type place struct {
	git  bool
	host string
	path []string // of the project or the image
}

// placeOf takes an image's name or a repository's URL apart.
func placeOf(kind pin.Kind, origin string) (place, bool) {
	origin, _, _ = strings.Cut(origin, "?")
	rest, scheme := schemeOf(origin)
	at := place{git: scheme != "" && scheme != "oci://" || kind == pin.Remote}
	host, path, ok := strings.Cut(rest, "/")
	if strings.Contains(host, ":") && scheme == "git@" {
		host, path, ok = strings.Cut(rest, ":")
	}
	at.host = strings.ToLower(host)
	if at.git {
		path = repository(kind, at.host, path)
	}
	at.path = strings.Split(path, "/")
	return at, ok && plainPath(path)
}

func schemeOf(url string) (rest, scheme string) {
	for _, s := range []string{"https://", "ssh://git@", "git@", "oci://"} {
		if rest, ok := strings.CutPrefix(url, s); ok {
			return rest, s
		}
	}
	return url, ""
}

// repository is the part of a path that names the repository: kustomize lets a
// directory within it follow.
func repository(kind pin.Kind, host, path string) string {
	path = strings.TrimSuffix(path, "/")
	if repo, _, ok := strings.Cut(path, "//"); ok {
		path = repo
	}
	if repo, _, ok := strings.Cut(path+"/", ".git/"); ok {
		return repo
	}
	if segments := strings.Split(path, "/"); len(segments) > 2 && (host == "github.com" || kind == pin.Remote) {
		path = strings.Join(segments[:2], "/")
	}
	return path
}

func plainHost(s string) bool {
	return regexp.MustCompile(`\A[a-z0-9-]+(\.[a-z0-9-]+)+\z`).MatchString(s)
}

func plainPath(s string) bool {
	return len(s) <= maxText && regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\z`).MatchString(s)
}

// plainRef tells whether a version can stand in an address as it is.
func plainRef(s string) bool {
	return len(s) <= maxText && regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9_.-]*\z`).MatchString(s) && !strings.Contains(s, "..")
}

// tagged tells whether an image's version is spelt as Git tags are. Builds that
// leave the "v" out have images whose version is no tag.
func tagged(s string) bool {
	return regexp.MustCompile(`\Av[0-9]+\.[0-9]+\.[0-9]+([.-][0-9A-Za-z.-]+)?\z`).MatchString(s)
}
