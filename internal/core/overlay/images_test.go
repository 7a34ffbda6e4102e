package overlay

import (
	"regexp"
	"testing"
)

// TestImagePattern compares what is matched without a regular expression with
// what kustomize's own matches.
func TestImagePattern(t *testing.T) {
	images := []string{
		"", "a", "a:", "a:1", "a:1@sha256:0f", "a@sha256:0f", "a@sha256:", "a:1:2", "a@sha512:0f", "a:${v}", "a:{v}", "a:1\n", "ab", "ab:1", "b/a:1",
		"r.io/t/a", "r.io/t/a:1.2_x-y", "rxio/t/a:1", "r\u00e9io/t/a:1", "r\nio/t/a", "r\xffio/t/a:1", "r.io/t/a-b", "r.io:80/t/a:1", "a.b", "aab", "a/b:1 ",
	}
	for _, name := range []string{"a", "ab", "a.b", "r.io/t/a", "r.io/t/a-b", "r.io:80/t/a", "a/b", "a.*", "[ab]", "a|b", ".", "..", "r\u00e9io/t/a"} {
		want := regexp.MustCompile("^" + name + imageVersion)
		got, err := newImagePattern(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range images {
			if got.matches(image) != want.MatchString(image) {
				t.Errorf("%q matches %q: %t", name, image, got.matches(image))
			}
		}
	}
}
