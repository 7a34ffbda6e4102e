package archtest

import (
	"path"
	"slices"
	"strings"
)

// matches tells whether a package's path fits a pattern, and which unit of the
// pattern the package belongs to.
func matches(pattern, pkg string) (unit string, ok bool) {
	if pattern == "..." {
		return "", true
	}
	base, deep := strings.CutSuffix(pattern, "/...")
	want, have := strings.Split(base, "/"), strings.Split(pkg, "/")
	if len(have) < len(want) || (len(have) > len(want) && !deep) {
		return "", false
	}
	for i, segment := range want {
		if segment != "*" && segment != have[i] {
			return "", false
		}
	}
	return strings.Join(have[:len(want)], "/"), true
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { _, ok := matches(p, pkg); return ok })
}

// within tells whether an import path is one of the prefixes or lies below one.
func within(prefixes []string, imported string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return imported == p || strings.HasPrefix(imported, p+"/")
	})
}

// forTests tells whether a package serves tests, as net/http/httptest does.
func forTests(pkg string) bool {
	name := path.Base(pkg)
	return strings.HasSuffix(name, "test") && name != "archtest"
}

// isStd tells whether an import path belongs to the standard library.
func isStd(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
