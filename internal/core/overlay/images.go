package overlay

import (
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// imageEntry is one entry of a kustomization's images.
type imageEntry struct {
	name    string
	pattern imagePattern // what kustomize makes of the name
	newName string
	parts   []pin.Part // newTag, digest or both; none if the entry only renames
	at      pin.Place
	empty   bool // nothing of a version is written in it
}

// imagePattern is kustomize's own: the name is a regular expression, and a tag
// with other characters, such as a variable, keeps an image from matching.
type imagePattern struct {
	name string         // of letters, digits, "/", "-", "_" and ".", which means any character
	odd  *regexp.Regexp // set if the name has others; compiling it costs more than all else about an entry
}

func newImagePattern(name string) (imagePattern, error) {
	if len(name) < maxPattern/2 && strings.Trim(name, plainName) == "" {
		return imagePattern{name: name}, nil
	}
	odd, err := compile("^" + name + imageVersion)
	return imagePattern{odd: odd}, err
}

const (
	plainName    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_."
	imageVersion = `(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`
)

var endsImage = regexp.MustCompile("^" + imageVersion)

// matches tells whether an image reference as a whole matches.
func (p imagePattern) matches(image string) bool {
	if p.odd != nil {
		return p.odd.MatchString(image)
	}
	for i := range len(p.name) {
		r, n := utf8.DecodeRuneInString(image)
		if n == 0 || r != rune(p.name[i]) && (p.name[i] != '.' || r == '\n') {
			return false
		}
		image = image[n:]
	}
	return endsImage.MatchString(image)
}

// untouched is an image that no entry has met.
func untouched(image *node) imaged {
	name := pin.ImageName(image.text)
	return imaged{name: name, now: name, version: strings.TrimPrefix(image.text[len(name):], ":")}
}

// text is the whole image reference.
func (i imaged) text() string {
	v := i.version
	if len(i.parts) > 0 {
		v = pin.New(pin.Key{}, i.parts...).Version
	}
	if v != "" && !strings.HasPrefix(v, "@") {
		v = ":" + v
	}
	return i.now + v
}

// apply changes the images of a resource by all entries in turn, and tells which
// of them met one. Later entries see what earlier ones made of a name, as in
// kustomize.
func (r *resource) apply(w *work, entries []imageEntry, matched []bool) {
	if r.kind() == "CustomResourceDefinition" {
		return
	}
	changed := maps.Clone(r.images)
	if changed == nil {
		changed = map[*node]imaged{}
	}
	images(w, r.root, func(image *node) {
		now, ok := changed[image]
		if !ok {
			now = untouched(image)
		}
		for i, e := range entries {
			if w.spend(1) && e.pattern.matches(now.text()) {
				now, matched[i], ok = e.change(now), true, true
			}
		}
		if ok {
			changed[image] = now
		}
	})
	r.images = changed
}

// forget is for a patch that may have written images anew: what entries made of
// them before no longer counts.
func (r *resource) forget(w *work, patch *node) {
	if len(r.images) == 0 || !w.spend(1) {
		return
	}
	if _, ok := r.images[patch]; ok {
		r.images = maps.Clone(r.images)
		delete(r.images, patch)
	}
	for _, item := range patch.items {
		r.forget(w, item)
	}
	for _, key := range patch.keys {
		r.forget(w, patch.fields[key])
	}
}

func (e imageEntry) change(now imaged) imaged {
	if e.newName != "" {
		now.now = e.newName
	}
	if len(e.parts) > 0 {
		now.parts = e.parts
	}
	now.by = e.at
	return now
}
