package version_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

func TestParseRef(t *testing.T) {
	tests := map[string]version.Ref{
		"app":                          {Name: "app"},
		"app:1.2.3":                    {Name: "app", Tag: "1.2.3"},
		"localhost:5000/a/b:1":         {Name: "localhost:5000/a/b", Tag: "1"},
		"localhost:5000/a/b":           {Name: "localhost:5000/a/b"},
		"localhost:5000":               {Name: "localhost", Tag: "5000"},
		"ghcr.io/a/b__c:v1":            {Name: "ghcr.io/a/b__c", Tag: "v1"},
		"[::1]:5000/a:v1":              {Name: "[::1]:5000/a", Tag: "v1"},
		"a/b@" + digestA:               {Name: "a/b", Digest: digestA},
		"r.example:443/a:1@" + digestA: {Name: "r.example:443/a", Tag: "1", Digest: digestA},
	}
	for s, want := range tests {
		got, err := version.ParseRef(s)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParseRef(%q): %v\n%s", s, err, diff)
		}
		if got.String() != s {
			t.Errorf("%q is printed as %q", s, got)
		}
	}
}

func TestParseRefErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                                "character 1: want a name",
		":v1":                             "character 1: want a name",
		"a b":                             "character 1: want a name",
		"a:b/c":                           "character 1: want a name",
		"a:5000:1":                        "character 1: want a name",
		"a/":                              "character 1: want a name",
		"a:5000/b:5000/c":                 "character 1: want a name",
		"app:":                            "character 5: want a tag",
		"app:v 1":                         "character 5: want a tag",
		"app:" + strings.Repeat("1", 129): "character 5: want a tag",
		"app:v1@":                         "character 8: want a digest",
		"app@sha256:0a":                   "character 5: want a digest",
		"app@" + digestA + "@" + digestA:  "character 5: want a digest",
		strings.Repeat("a", 2000):         "too long",
	} {
		_, err := version.ParseRef(s)
		if err == nil || core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRef(%q): %v (%v), want %q", s, err, core.KindOf(err), want)
		}
	}
}

func TestRefVersion(t *testing.T) {
	for s, want := range map[string]string{"a": "", "a:1.2.3": "1.2.3", "a@" + digestA: digestA, "a:1@" + digestA: "1@" + digestA} {
		r, err := version.ParseRef(s)
		if err != nil || r.Version().String() != want {
			t.Errorf("%q has the version %q, %v; want %q", s, r.Version(), err, want)
		}
	}
}
