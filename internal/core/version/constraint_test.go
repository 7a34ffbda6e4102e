package version_test

import (
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

func TestAllows(t *testing.T) {
	tests := []struct {
		constraint, version string
		want                bool
		why                 string
	}{
		{">=1.0.0 <2.0.0", "1.2.3", true, ""},
		{">=1.0.0 <2.0.0", "v1.2.3+b", true, ""},
		{">=1.0.0, <2.0.0", "2.0.0", false, "is greater than or equal to"},
		{"^1.2 || ~3.4.0", "3.4.9", true, ""},
		{"1.x", "1.9.0", true, ""},
		{"*", "1.2.3", true, ""},
		{"*", "1.2.3-rc.1", false, "prerelease"},
		{">=1.0.0", "1.2.3-alpine", false, "prerelease"},
		{">=1.0.0-0", "1.2.3-rc.1", true, ""},
		{">=2026.1.0", "2026.11.3", true, ""},
		{">=1.0.0", "1.2.3@" + digestA, true, ""},
		{">=1.0.0", "1.10", false, `1.10 is not SemVer, so ">=1.0.0" cannot be checked`},
		{">=1.0.0", "release-1.2.3", false, "not SemVer"},
		{">=1.0.0", "latest", false, "not SemVer"},
		{">=1.0.0", "", false, "no version is not SemVer"},
	}
	for _, tt := range tests {
		c, err := version.ParseConstraint(tt.constraint)
		if err != nil || c.String() != tt.constraint {
			t.Fatalf("ParseConstraint(%q): %v, %v", tt.constraint, c, err)
		}
		ok, why := c.Allows(version.Parse(tt.version))
		if ok != tt.want || !strings.Contains(why, tt.why) || ok != (why == "") {
			t.Errorf("%q allows %q: %v, %q; want %v, %q", tt.constraint, tt.version, ok, why, tt.want, tt.why)
		}
	}
	if ok, _ := (version.Constraint{}).Allows(version.Parse("1.2.3")); ok {
		t.Error("the zero Constraint allows something")
	}
}

func TestParseConstraintErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                        `write "*"`,
		"  ":                      `write "*"`,
		"one":                     `character 1: cannot read "one"`,
		">=1.0.0 || two":          `character 12: cannot read "two"`,
		">=1.0.0 || <3, >>2 || x": `character 16: cannot read ">>2"`,
		"*, ":                     `character 4: cannot read ""`,
		strings.Repeat("1", 1000): "too long",
	} {
		_, err := version.ParseConstraint(s)
		if err == nil || core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseConstraint(%q): %v (%v), want %q", s, err, core.KindOf(err), want)
		}
	}
}
