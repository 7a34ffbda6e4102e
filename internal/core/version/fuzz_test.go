package version_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

func FuzzCompare(f *testing.F) {
	for _, s := range [][3]string{
		{"1.2.3", "v1.2.3", "1.2.3-rc.1"}, {"1.2.3+a", "1.2.3+b", "1.2.4"}, {"1.2.3-rc9", "1.2.3-rc10", "1.2.3-rc2"},
		{"1.10", "1.010", "1.11"}, {"2026.11.3", "2026-11-03", "20261103"}, {"main-1-a1b2c3d", "main-2-b1b2c3d", "main-1234567-1793700900"},
		{"build-57", "build-057", "build-58"}, {"1.2.3-dev.5.a1b2c3d", "1.2.3-dev.5.b1b2c3d", "1.2.3-dev.6.1234567"},
		{"1.2.3@" + digestA, "1.2.3@" + digestB, "1.2.3"}, {"1.2rc1", "1.2rc-1", "1.2rc2"}, {"latest", "", "a1b2c3d"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		checkLaws(t, version.Parse(a), version.Parse(b), version.Parse(c))
		for _, s := range readings {
			checkLaws(t, version.ParseAs(s, a), version.ParseAs(s, b), version.ParseAs(s, c))
		}
	})
}

// checkLaws requires that the order is one, whatever the versions are.
func checkLaws(t *testing.T, a, b, c version.Version) {
	t.Helper()
	versions := []version.Version{a, b, c}
	for _, x := range versions {
		if version.Compare(x, x) != version.Same {
			t.Fatalf("not the same as itself: %q", x)
		}
		for _, y := range versions {
			checkPair(t, x, y)
			for _, z := range versions {
				checkTransitive(t, x, y, z)
			}
		}
	}
}

func checkPair(t *testing.T, x, y version.Version) {
	t.Helper()
	xy, yx := version.Compare(x, y), version.Compare(y, x)
	if (xy == version.Older) != (yx == version.Newer) || (xy == version.Same) != (yx == version.Same) {
		t.Fatalf("%s, but %s", version.Explain(x, y), version.Explain(y, x))
	}
	if xy == version.Same && strings.TrimPrefix(x.String(), "v") != strings.TrimPrefix(y.String(), "v") {
		t.Fatalf("the same, although the texts differ: %q and %q", x, y)
	}
	if (xy == version.Older || xy == version.Newer) && (x.Scheme() != y.Scheme() || x.Scheme() == version.Opaque || x.Scheme() == version.Digest) {
		t.Fatalf("%s, with the schemes %v and %v", version.Explain(x, y), x.Scheme(), y.Scheme())
	}
	if xy == version.Incomparable && !strings.Contains(version.Explain(x, y), ": ") {
		t.Fatalf("no reason: %s", version.Explain(x, y))
	}
}

func checkTransitive(t *testing.T, x, y, z version.Version) {
	t.Helper()
	xy, yz, xz := version.Compare(x, y), version.Compare(y, z), version.Compare(x, z)
	if xy == version.Older && (yz == version.Older || yz == version.Same) && xz != version.Older ||
		xy == version.Same && xz != yz {
		t.Fatalf("not transitive: %s; %s; %s", version.Explain(x, y), version.Explain(y, z), version.Explain(x, z))
	}
}

// TestLaws checks the laws on versions that are alike, which a fuzzer seldom makes.
func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		pattern := patterns[r.IntN(len(patterns))]
		var v [3]version.Version
		for i := range v {
			v[i] = version.Parse(fill(r, pattern))
		}
		checkLaws(t, v[0], v[1], v[2])
	}
}

// patterns of versions: "#" becomes a small number, "%" a commit id, "~" a word
// or a separator that does or does not change the meaning.
var patterns = []string{
	"#.#.#", "v#.#.#", "#.#.#~#", "#.#.#-~.#", "#.#.#-rc~#-alpine#", "#.#.#-~.#.%", "#.#.#+#", "#.#", "#.#~#", "#", "2026.#.#~#", "2026-1#-0#~",
	"main-#-%", "main-%-179370090#", "build-#~", "2026110#T#", "#.#.#-debian-#-r#", "#.#.#-#-g%", "release~#.#.#",
}

func fill(r *rand.Rand, pattern string) string {
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '#':
			b.WriteString([]string{"0", "1", "2", "9", "10", "01", "11"}[r.IntN(7)])
		case '%':
			b.WriteString([]string{"a1b2c3d", "b1b2c3d", "1234567", "deadbee"}[r.IntN(4)])
		case '~':
			b.WriteString([]string{"", "-", ".", "rc", "-rc", "-rc.", "beta", "-alpine", "-dev-", "b", "-v", "+"}[r.IntN(12)])
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func FuzzRef(f *testing.F) {
	for _, s := range []string{"", "a", "a:1", "localhost:5000/a/b:1", "a@" + digestA, "a:1@" + digestA, "a:b/c", "[::1]:1/a", "a@b@c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := version.ParseRef(s)
		if err != nil {
			if core.KindOf(err) != core.Invalid {
				t.Fatalf("kind %v: %v", core.KindOf(err), err)
			}
			return
		}
		again, err := version.ParseRef(r.String())
		if r.String() != s || err != nil || again != r || r.Name == "" {
			t.Fatalf("%q is read as %#v, printed as %q and read again as %#v, %v", s, r, r, again, err)
		}
	})
}

func FuzzConstraint(f *testing.F) {
	for _, s := range []string{"*", ">=1.0.0 <2.0.0", "^1 || ~2, !=2.3", "1 - 2", "x", "||", ",", ">=1.0.0-0"} {
		f.Add(s, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, s, v string) {
		c, err := version.ParseConstraint(s)
		if err != nil {
			if core.KindOf(err) != core.Invalid {
				t.Fatalf("kind %v: %v", core.KindOf(err), err)
			}
			return
		}
		if ok, why := c.Allows(version.Parse(v)); ok != (why == "") {
			t.Fatalf("%q allows %q: %v, %s", s, v, ok, strconv.Quote(why))
		}
	})
}
