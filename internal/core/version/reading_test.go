package version_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/version"
)

var readings = []version.Scheme{version.SemVer, version.Calendar, version.Build, version.Timestamp}

// TestParseAs compares texts by a scheme that Parse would not have chosen, or
// not for both.
func TestParseAs(t *testing.T) {
	tests := []struct {
		scheme version.Scheme
		a, b   string
		want   version.Order
		why    string
	}{
		{version.SemVer, "1.2.3-57", "1.2.3", version.Older, ""},
		{version.SemVer, "1.2.3-alpine", "1.2.4", version.Older, ""},
		{version.SemVer, "2026.11.3", "3000.0.0", version.Older, ""},
		{version.SemVer, "v1.2.3", "1.2.3", version.Same, ""},
		{version.SemVer, "1.2.3-rc9", "1.2.3-rc10", version.Incomparable, "rc.10 would be clear"},
		{version.SemVer, "1.10", "1.2.3", version.Incomparable, "1.10 cannot be read as SemVer"},
		{version.SemVer, "latest", "1.2.3", version.Incomparable, "latest cannot be read as SemVer"},
		{version.Calendar, "ubuntu-24.04-1.3", "ubuntu-24.10-1.1", version.Older, ""},
		{version.Calendar, "app2-26.9.30", "app2-26.11.3", version.Older, ""},
		{version.Calendar, "app2-26.9.30", "app3-26.11.3", version.Incomparable, "written differently"},
		{version.Calendar, "2026.1.9", "2026.11.3", version.Older, ""},
		{version.Calendar, "7.1", "26.1", version.Incomparable, "7.1 cannot be read as a calendar"},
		{version.Build, "1.2.3-57", "1.2.3-101", version.Older, ""},
		{version.Build, "1.2.3-57", "1.3.0-12", version.Incomparable, "written differently"},
		{version.Build, "release-2-build-9-a1b2c3d", "release-2-build-10-b1b2c3d", version.Older, ""},
		{version.Build, "pr-57", "pr-58", version.Older, ""},
		{version.Build, "main", "main-1", version.Incomparable, "main cannot be read as a build number"},
		{version.Timestamp, "main-12-1793700900", "main-13-1793700901", version.Older, ""},
		{version.Timestamp, "v2-20261103-101500", "v2-20261103-111500", version.Older, ""},
		{version.Timestamp, "1.2.3", "20261103", version.Incomparable, "1.2.3 cannot be read as a timestamp"},
		{version.Timestamp, "x1-1793700900-1793700901", "20261103", version.Incomparable, "cannot be read"},
		{version.Build, digestA, digestB, version.Incomparable, "digests have no order"},
		{version.Build, "b-9@" + digestA, "b-10@" + digestB, version.Older, ""},
		{version.Opaque, "1.2.3", "1.10.0", version.Older, ""},
	}
	mirrored := map[version.Order]version.Order{version.Older: version.Newer, version.Newer: version.Older}
	for _, tt := range tests {
		a, b := version.ParseAs(tt.scheme, tt.a), version.ParseAs(tt.scheme, tt.b)
		back, ok := mirrored[tt.want]
		if !ok {
			back = tt.want
		}
		if got := version.Explain(a, b); version.Compare(a, b) != tt.want || version.Compare(b, a) != back || !strings.Contains(got, tt.why) {
			t.Errorf("as %v: %s, want %q and %q in it", tt.scheme, got, tt.want, tt.why)
		}
	}
}

func TestParseAsKeepsWhatTheTextSays(t *testing.T) {
	if v := version.ParseAs(version.Build, "1.2.3-rc.1"); !v.Prerelease() || v.String() != "1.2.3-rc.1" || v.Pinned() != "" {
		t.Errorf("%v is no longer a prerelease, or another text", v)
	}
	if !version.ParseAs(version.SemVer, "latest").Mutable() || version.ParseAs(version.SemVer, "1.2.3").Mutable() {
		t.Error("what is mutable depends on how a text is read")
	}
}

// TestLawsOfReadings checks that the order is one, however texts are read.
func TestLawsOfReadings(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		pattern, scheme := patterns[r.IntN(len(patterns))], readings[r.IntN(len(readings))]
		var v [3]version.Version
		for i := range v {
			v[i] = version.ParseAs(scheme, fill(r, pattern))
		}
		checkLaws(t, v[0], v[1], v[2])
	}
}
