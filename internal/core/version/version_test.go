package version_test

import (
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/version"
)

var (
	digestA = "sha256:" + strings.Repeat("0a", 32)
	digestB = "sha256:" + strings.Repeat("0b", 32)
)

func TestParse(t *testing.T) {
	const (
		pre     = "prerelease"
		mutable = "mutable"
	)
	tests := []struct {
		raw    string
		scheme version.Scheme
		traits string
	}{
		{"1.2.3", version.SemVer, ""},
		{"v1.2.3", version.SemVer, ""},
		{"1.2.3-rc.1", version.SemVer, pre},
		{"1.2.3-RC1", version.SemVer, pre},
		{"1.2.3-beta.2+b7", version.SemVer, pre},
		{"1.2.3+b7", version.SemVer, ""},
		{"1.2.3-alpine", version.SemVer, ""},
		{"1.2.3-debian-12-r3", version.SemVer, ""},
		{"1.2.3-57", version.SemVer, ""},
		{"1.2.3-rc.1-alpine", version.SemVer, pre},
		{"release-1.2.3", version.SemVer, ""},
		{"1.10", version.Numeric, ""},
		{"2", version.Numeric, ""},
		{"v2", version.Numeric, ""},
		{"1.2.3.4", version.Numeric, ""},
		{"1.02.3", version.Numeric, ""},
		{"1.2rc1", version.Numeric, pre},
		{"1.1.1w", version.Numeric, ""},
		{"2026.11.3", version.Calendar, ""},
		{"2026.11", version.Calendar, ""},
		{"2026.11.0b3", version.Calendar, pre},
		{"2026-11-03", version.Calendar, ""},
		{"RELEASE.2026-11-03T16-07-38Z", version.Calendar, ""},
		{"20261103", version.Timestamp, ""},
		{"20261103T101500", version.Timestamp, ""},
		{"20261103101500", version.Timestamp, ""},
		{"1793700900", version.Timestamp, ""},
		{"main-a1b2c3d-1793700900", version.Timestamp, ""},
		{"main-1234567-1793700900", version.Timestamp, ""},
		{"main-1234-abc", version.Build, ""},
		{"build-57", version.Build, ""},
		{"r57", version.Build, ""},
		{digestA, version.Digest, ""},
		{"a1b2c3d", version.Opaque, ""},
		{strings.Repeat("1234", 10), version.Opaque, ""},
		{"sha-1234567", version.Opaque, ""},
		{"pr-57", version.Opaque, ""},
		{"n8n-1.2.3", version.Opaque, ""},
		{"ubuntu-22.04-1.3", version.Opaque, ""},
		{"latest", version.Opaque, mutable},
		{"main", version.Opaque, mutable},
		{"latest-alpine", version.Opaque, mutable},
		{"latest-alpine3.19", version.Numeric, mutable},
		{"1.2-latest", version.Numeric, mutable},
		{"latest@" + digestA, version.Opaque, ""},
		{"", version.Opaque, mutable},
		{strings.Repeat("1", 600), version.Opaque, ""},
	}
	for _, tt := range tests {
		v := version.Parse(tt.raw)
		traits := ""
		if v.Prerelease() {
			traits += pre
		}
		if v.Mutable() {
			traits += mutable
		}
		if v.Scheme() != tt.scheme || traits != tt.traits || v.String() != tt.raw {
			t.Errorf("Parse(%q) is %v %q, String %q; want %v %q", tt.raw, v.Scheme(), traits, v, tt.scheme, tt.traits)
		}
	}
}

// TestCompareChains lists versions from old to new: each is older than all that
// follow it.
func TestCompareChains(t *testing.T) {
	chains := [][]string{
		{"1.2.3-alpha", "1.2.3-alpha.1", "1.2.3-beta.2", "1.2.3-beta.11", "1.2.3-rc.1", "v1.2.3", "1.2.10", "1.10.0", "v2.0.0-rc.1", "2.0.0"},
		{"1.2.3-rc1", "1.2.3-rc2", "1.2.3-rc9", "1.2.3", "1.2.4+b"},
		{"1.2.3-debian-11-r9", "1.2.3-debian-12-r0", "1.2.3-debian-12-r3", "1.2.3-debian-12-r10", "1.2.4-debian-11-r0"},
		{"1.2.3-alpine3.9", "1.2.3-alpine3.19", "1.10.0-alpine3.9"},
		{"1.2.3-rc.1-alpine", "1.2.3-rc.2-alpine", "1.2.3-alpine", "1.2.4-alpine"},
		{"1.2.3-57", "1.2.3-101", "1.3.0-1"},
		{"1.2.3-5-gabc1234", "1.2.3-14-g0123abc"},
		{"release-1.9.0", "release-1.10.0"},
		{"1.9", "1.10", "2.0"},
		{"9", "v10", "11"},
		{"1.2.3.4", "1.2.3.10", "1.2.4.0"},
		{"1.2rc1", "1.2rc2", "1.2"},
		{"2025.12.1", "2026.1.9", "2026.1.10", "2026.11.3"},
		{"2026.01.03", "2026.11.03"},
		{"2026-01-09", "2026-11-03"},
		{"RELEASE.2026-11-03T09-07-38Z", "RELEASE.2026-11-03T16-07-38Z"},
		{"2026.11.0b3", "2026.11.0"},
		{"build-9", "build-57", "build-1000"},
		{"main-9-a1b2c3d", "main-1234-b1b2c3d"},
		{"20261103T101500", "20261103T111500", "20261104T001500"},
		{"main-b1b2c3d-1793700900", "main-a1b2c3d-1793700901", "main-1234567-1793700902"},
		{"1.2.3@" + digestB, "1.2.4@" + digestA},
		{"99999999999999999999999", "100000000000000000000000"},
	}
	for _, chain := range chains {
		for i, a := range chain {
			for _, b := range chain[i+1:] {
				check(t, a, b, version.Older)
			}
		}
	}
}

func check(t *testing.T, a, b string, want version.Order) {
	t.Helper()
	mirrored := map[version.Order]version.Order{version.Older: version.Newer, version.Newer: version.Older}
	back, ok := mirrored[want]
	if !ok {
		back = want
	}
	va, vb := version.Parse(a), version.Parse(b)
	if got := version.Compare(va, vb); got != want {
		t.Errorf("%s, want %q", version.Explain(va, vb), want)
	}
	if got := version.Compare(vb, va); got != back {
		t.Errorf("%s, want %q", version.Explain(vb, va), back)
	}
}

func TestSame(t *testing.T) {
	for _, pair := range [][2]string{
		{"1.2.3", "1.2.3"}, {"v1.2.3", "1.2.3"}, {"1.2.3+a", "v1.2.3+a"}, {"latest", "latest"}, {digestA, digestA},
		{"a1b2c3d", "a1b2c3d"}, {"1.2.3@" + digestA, "v1.2.3@" + digestA}, {"", ""}, {"build-57", "build-57"},
	} {
		check(t, pair[0], pair[1], version.Same)
	}
}

func TestIncomparable(t *testing.T) {
	tests := []struct{ a, b, why string }{
		{"1.2.3", "1.2.3-alpine", "written differently (#.#.# and #.#.#-alpine)"},
		{"1.2.3-57", "1.2.3", "written differently"},
		{"1.2.3+a", "1.2.3+b", "nothing that has an order"},
		{"1.2.3-rc9", "1.2.3-rc10", "rc.10 would be clear"},
		{"1.2.3-rc1", "1.2.3-rc.1", "nothing that has an order"},
		{"1.2-rc1", "1.2-beta1", "only SemVer"},
		{"1.2.3-alpine", "1.2.4-slim", "written differently"},
		{"1.10", "1.10.0", "one is a numeric, the other SemVer"},
		{"1.10", "2", "written differently"},
		{"1.2.3", "2026.11.3", "one is SemVer, the other a calendar"},
		{"1.02", "1.2", "nothing that has an order"},
		{"main-12-a1b2c3d", "main-12-b1b2c3d", "nothing that has an order"},
		{"main-12-a1b2c3d", "develop-13-b1b2c3d", "written differently"},
		{"a1b2c3d", "b1b2c3d", "neither text tells how old it is"},
		{"pr-57", "pr-58", "neither text"},
		{"0.0.0-pr57.1", "0.0.0-pr58.2", "written differently"},
		{"latest", "1.2.3", "one is a text that does not tell how old it is, the other SemVer"},
		{digestA, digestB, "digests have no order"},
		{"1.2.3@" + digestA, "1.2.3@" + digestB, "pinned to different digests"},
		{"1.2.3@" + digestA, "1.2.3", "only one of them is pinned"},
		{"20261103", "20261103101500", "written differently"},
		{"1793700900", "57", "one is a timestamp, the other a numeric"},
		{"", "1.2.3", "no version is not comparable to 1.2.3"},
	}
	for _, tt := range tests {
		check(t, tt.a, tt.b, version.Incomparable)
		if got := version.Explain(version.Parse(tt.a), version.Parse(tt.b)); !strings.Contains(got, tt.why) {
			t.Errorf("Explain(%q, %q) = %q, want %q in it", tt.a, tt.b, got, tt.why)
		}
	}
}

func TestExplain(t *testing.T) {
	if got, want := version.Explain(version.Parse("1.2.3"), version.Parse("1.3.0")), "1.2.3 is older than 1.3.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPinned(t *testing.T) {
	for raw, want := range map[string]string{"1.2.3@" + digestA: digestA, "1.2.3": "", digestA: "", "1.2.3@sha256:0a": "", "@" + digestA: ""} {
		if got := version.Parse(raw).Pinned(); got != want {
			t.Errorf("%q is pinned to %q, want %q", raw, got, want)
		}
	}
}
