package message_test

import (
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// A link that leads nowhere costs more than none: each row says which pages are
// certain, and most say that none is.
func TestLinksAreCertainOrAbsent(t *testing.T) {
	const gitlab = "https://gitlab.example.com"
	for _, c := range []struct {
		kind             pin.Kind
		origin, old, new string
		want             string
	}{
		{pin.Source, "https://github.com/org/repo", "v1.0.0", "v1.1.0", "compare https://github.com/org/repo/compare/v1.0.0...v1.1.0, source https://github.com/org/repo/tree/v1.1.0"},
		{pin.Source, "https://github.com/org/repo.git", "1.0", "1.1", "compare https://github.com/org/repo/compare/1.0...1.1, source https://github.com/org/repo/tree/1.1"},
		{pin.Source, "ssh://git@github.com/org/repo", "", "v1", "source https://github.com/org/repo/tree/v1"},
		{pin.Remote, "https://github.com/org/repo//deploy/base", "v1", "v2", "compare https://github.com/org/repo/compare/v1...v2, source https://github.com/org/repo/tree/v2"},
		{pin.Remote, "github.com/org/repo/deploy", "v1", "v2", "compare https://github.com/org/repo/compare/v1...v2, source https://github.com/org/repo/tree/v2"},
		{pin.Remote, "git@github.com:org/repo.git/deploy", "v1", "v2", "compare https://github.com/org/repo/compare/v1...v2, source https://github.com/org/repo/tree/v2"},
		{pin.Source, "https://gitlab.com/a/b/c", "v1", "v2", "compare https://gitlab.com/a/b/c/-/compare/v1...v2, source https://gitlab.com/a/b/c/-/tree/v2"},
		{pin.Source, "https://gitlab.example.com/a/b.git", "v1", "v2", "compare https://gitlab.example.com/a/b/-/compare/v1...v2, source https://gitlab.example.com/a/b/-/tree/v2"},
		{pin.Image, "ghcr.io/org/repo", "v1.0.0", "v1.1.0@sha256:" + strings.Repeat("a", 64), "compare https://github.com/org/repo/compare/v1.0.0...v1.1.0, release https://github.com/org/repo/releases/tag/v1.1.0"},
		{pin.Value, "registry.example.com/a/b", "v1.0.0", "v1.1.0", ""},
		{pin.Value, "registry.gitlab.example.com/a/b", "v1.0.0", "v1.1.0", "compare https://gitlab.example.com/a/b/-/compare/v1.0.0...v1.1.0, images https://gitlab.example.com/a/b/container_registry"},
		{pin.Image, "registry.gitlab.com/a/b", "1", "2", "images https://gitlab.com/a/b/container_registry"},
		{pin.Image, "quay.io/org/repo", "1", "2", "tags https://quay.io/repository/org/repo?tab=tags&tag=2"},
		{pin.Image, "docker.io/org/repo", "1", "2", "tags https://hub.docker.com/r/org/repo/tags?name=2"},

		{pin.Image, "ghcr.io/org/repo", "1.0.0", "1.1.0", ""},              // the Git tag may be v1.1.0
		{pin.Image, "ghcr.io/org/repo/part", "v1.0.0", "v1.1.0", ""},       // which repository that is, nobody can tell
		{pin.Image, "registry.gitlab.com/a/b/c", "v1.0.0", "v1.1.0", ""},   // a project a/b, or one a/b/c
		{pin.Image, "nginx", "1.0", "1.1", ""},                             // a name to be replaced, perhaps
		{pin.Image, "org/repo", "1.0", "1.1", ""},                          //
		{pin.Image, "github.com/org/repo", "v1.0.0", "v1.1.0", ""},         // an image, not a repository
		{pin.Image, "ghcr.io.evil.example/org/repo", "v1.0.0", "v2", ""},   //
		{pin.Image, "evil.example/ghcr.io/org/repo", "v1.0.0", "v2.0", ""}, //
		{pin.Source, "https://example.com/org/repo", "v1", "v2", ""},
		{pin.Source, "https://github.com.evil.example/org/repo", "v1", "v2", ""},
		{pin.Source, "https://user:pw@github.com/org/repo", "v1", "v2", ""},
		{pin.Source, "https://github.com/org/repo", "v1", "v2) [x](http://evil", ""},
		{pin.Source, "https://github.com/org/../../evil", "v1", "v2", ""},
		{pin.Source, "https://github.com/org/repo", "v1..v0", "v2", "source https://github.com/org/repo/tree/v2"},
		{pin.Source, "https://github.com/org/a)b", "v1", "v2", ""},
		{pin.Chart, "", "1.0.0", "1.1.0", ""},
		{pin.Image, "ghcr.io/org/repo", "v1.0.0", "@sha256:" + strings.Repeat("a", 64), ""},
	} {
		var got []string
		for _, l := range message.Links(message.Move{Kind: c.kind, Origin: c.origin, Old: c.old, New: c.new}, gitlab) {
			got = append(got, l.Word+" "+l.URL)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s %s from %s to %s: got %v, want %s", c.kind, c.origin, c.old, c.new, got, c.want)
		}
	}
}
