package policy

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// FieldPath leads from an object's root to fields of it.
type FieldPath []FieldStep

// FieldStep is one step of a path: a mapping's key, or everything in a
// collection.
type FieldStep struct {
	Key  string
	Each Each
}

// Each says what a step that is no key goes through.
type Each string

// What a step can go through. The zero value is that of a key.
const (
	EachItem  Each = "[]" // every item of a list
	EachValue Each = "*"  // every value of a mapping, whatever its key
)

// String is the path as the policy spells it, quoted only where it must be.
func (p FieldPath) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Each == EachItem:
			b.WriteString("[]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		switch {
		case s.Each == EachValue:
			b.WriteByte('*')
		case plainFieldKey(s.Key):
			b.WriteString(s.Key)
		default:
			b.WriteString(`"` + s.Key + `"`)
		}
	}
	return b.String()
}

func plainFieldKey(key string) bool { return matches(`[A-Za-z0-9_/-]+`, key) }

// parseFieldPath reads keys with dots between them. Behind a key, [] means
// every item of the list; * in place of a key means every value of a mapping;
// a key with other characters than letters, digits, "_", "-" and "/" stands in
// double quotes, and holds none itself.
func parseFieldPath(text string) (FieldPath, error) {
	if len(text) > maxPathLength {
		return nil, core.Errorf(core.Invalid, "the path has %d characters; at most %d are allowed", len(text), maxPathLength)
	}
	var p FieldPath
	for rest := text; ; {
		step, after, ok := cutFieldStep(rest)
		if !ok {
			return nil, core.Errorf(core.Invalid, `found %s; write keys with dots between them, [] behind the key of a list, * for any key, and other keys in double quotes, such as spec.models[].image`, quote(text))
		}
		p = append(p, step)
		for strings.HasPrefix(after, "[]") {
			p, after = append(p, FieldStep{Each: EachItem}), after[len("[]"):]
		}
		if len(p) > maxFieldSteps {
			return nil, core.Errorf(core.Invalid, "the path has more than %d steps; no object is nested so deep", maxFieldSteps)
		}
		if after == "" {
			return p, nil
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			rest = "" // which is no step
		}
	}
}

// cutFieldStep takes the first key off a path.
func cutFieldStep(text string) (step FieldStep, rest string, ok bool) {
	if quoted, isQuoted := strings.CutPrefix(text, `"`); isQuoted {
		key, rest, closed := strings.Cut(quoted, `"`)
		return FieldStep{Key: key}, rest, closed && key != "" && !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' })
	}
	end := strings.IndexAny(text, `.["`)
	if end < 0 {
		end = len(text)
	}
	if text[:end] == "*" {
		return FieldStep{Each: EachValue}, text[end:], true
	}
	return FieldStep{Key: text[:end]}, text[end:], plainFieldKey(text[:end])
}
