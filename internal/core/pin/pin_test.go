package pin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/pin"
)

const (
	d1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	d2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func TestSetWritesWhatFits(t *testing.T) {
	for name, c := range map[string]struct {
		parts   []pin.Part
		version string
		has     string
		fit     string
		err     string
		texts   []string
	}{
		"tag":                     {[]pin.Part{{Form: pin.Tag, Text: "1.0"}}, "1.1", "1.0", "1.1", "", []string{"1.1"}},
		"tag takes no digest":     {[]pin.Part{{Form: pin.Tag, Text: "1.0"}}, "1.1@" + d2, "1.0", "1.1", "", []string{"1.1"}},
		"tag and digest":          {[]pin.Part{{Form: pin.Tag, Text: "1.0"}, {Form: pin.Digest, Text: d1}}, "1.1@" + d2, "1.0@" + d1, "1.1@" + d2, "", []string{"1.1", d2}},
		"digest alone":            {[]pin.Part{{Form: pin.Digest, Text: d1}}, "1.1@" + d2, "@" + d1, "@" + d2, "", []string{d2}},
		"digest is missing":       {[]pin.Part{{Form: pin.Tag, Text: "1.0"}, {Form: pin.Digest, Text: d1}}, "1.1", "1.0@" + d1, "", "pinned by digest", nil},
		"tag is missing":          {[]pin.Part{{Form: pin.Tag, Text: "1.0"}}, "@" + d1, "1.0", "", "pinned by tag", nil},
		"both in one scalar":      {[]pin.Part{{Form: pin.Plain, Text: "1.0@" + d1}}, "1.1@" + d2, "1.0@" + d1, "1.1@" + d2, "", []string{"1.1@" + d2}},
		"image reference":         {[]pin.Part{{Form: pin.ImageRef, Text: "r:5000/a/b:1.0"}}, "1.1", "1.0", "1.1", "", []string{"r:5000/a/b:1.1"}},
		"reference with digest":   {[]pin.Part{{Form: pin.ImageRef, Text: "r:5000/a/b:1.0@" + d1}}, "1.1@" + d2, "1.0@" + d1, "1.1@" + d2, "", []string{"r:5000/a/b:1.1@" + d2}},
		"reference by digest":     {[]pin.Part{{Form: pin.ImageRef, Text: "r:5000/a/b@" + d1}}, "1.1@" + d2, "@" + d1, "@" + d2, "", []string{"r:5000/a/b@" + d2}},
		"remote":                  {[]pin.Part{{Form: pin.URLRef, Text: "https://h/x//y?ref=v1&timeout=9s"}}, "v2", "v1", "v2", "", []string{"https://h/x//y?ref=v2&timeout=9s"}},
		"remote, not first":       {[]pin.Part{{Form: pin.URLRef, Text: "https://h/x?timeout=9s&ref=v1&a=v1"}}, "v2", "v1", "v2", "", []string{"https://h/x?timeout=9s&ref=v2&a=v1"}},
		"remote, by its old name": {[]pin.Part{{Form: pin.URLRef, Text: "h/x?version=v1"}}, "v2", "v1", "v2", "", []string{"h/x?version=v2"}},
		"the same changes little": {[]pin.Part{{Form: pin.Tag, Text: "1.0"}, {Form: pin.Digest, Text: d1}}, "1.0@" + d2, "1.0@" + d1, "1.0@" + d2, "", []string{"", d2}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pin.New(pin.Key{Kind: pin.Image, Name: "x"}, c.parts...)
			if p.Version != c.has {
				t.Errorf("version %q, want %q", p.Version, c.has)
			}
			fit, err := p.Fit(c.version)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if fit != c.fit || err != nil {
				t.Fatalf("Fit = %q, %v; want %q", fit, err, c.fit)
			}
			var want, got []pin.Change
			for i, text := range c.texts {
				if text != "" {
					want = append(want, pin.Change{Old: c.parts[i].Text, New: text})
				}
			}
			got = p.Set(fit)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzSet requires that a pin to which a version was written says that version.
func FuzzSet(f *testing.F) {
	f.Add("r:5000/a/b:1.0", "1.1")
	f.Add("a@"+d1, "2@"+d2)
	f.Fuzz(func(t *testing.T, ref, version string) {
		for _, form := range []pin.Form{pin.Plain, pin.ImageRef} {
			p := pin.New(pin.Key{}, pin.Part{Form: form, Text: ref})
			fit, err := p.Fit(version)
			if err != nil || strings.ContainsAny(version, "/:") && !strings.Contains(version, "@sha256:") {
				continue
			}
			text := ref
			for _, c := range p.Set(fit) {
				text = c.New
			}
			if again := pin.New(pin.Key{}, pin.Part{Form: form, Text: text}); again.Version != fit && !strings.Contains(fit, "/") && strings.Count(fit, "@") < 2 {
				t.Errorf("%s %q set to %q reads %q", form, ref, fit, again.Version)
			}
		}
	})
}
