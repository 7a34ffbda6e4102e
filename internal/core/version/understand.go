package version

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// understand finds a version's scheme, shape and numbers.
func (v *Version) understand(all []token) {
	first := slices.IndexFunc(all, func(t token) bool { return t.kind == digits })
	if first < 0 || slices.ContainsFunc(all[:first], unordered) {
		return
	}
	prefix := skeleton(all[:first])
	if prefix == "v" {
		prefix = ""
	}
	n := coreLength(all[first:])
	core, tail := all[first:first+n], all[first+n:]
	tail, metadata := cutMetadata(tail)
	v.core = numbers(core)
	pre, variant := cutPrerelease(tail)
	v.pre = slices.DeleteFunc(slices.Clone(pre), func(t token) bool { return t.kind == separator })
	v.early = strings.TrimLeft(text(pre), "-_.")
	v.rest = numbers(variant)

	v.scheme = v.schemeOf(prefix, core, text(core)+text(tail)+text(metadata))
	v.shape = prefix + "|" + coreShape(v.scheme, core) + "|" + v.tailShape(pre, variant)
	if v.scheme == Opaque {
		*v = Version{raw: v.raw, text: v.text, pinned: v.pinned, sem: v.sem}
	}
}

// schemeOf chooses the scheme; rest is the text behind the prefix.
func (v *Version) schemeOf(prefix string, core []token, rest string) Scheme {
	dated := isYear(v.core[0])
	switch {
	case len(v.core) == 1 && stamp(v.core[0]) != "":
		return Timestamp
	case len(v.core) > 1 && dated:
		return Calendar
	case len(v.core) == 3 && strict(rest):
		return SemVer
	// With a name in front, which of several numbers counts most is anyone's guess.
	case prefix != "" && len(v.rest) > 0:
		return Opaque
	case prefix != "" && len(core) == 1:
		return Build
	default:
		return Numeric
	}
}

func strict(s string) bool {
	_, err := semver.StrictNewVersion(s)
	return err == nil
}

// coreLength is the number of tokens of the core that all begins with: numbers
// with dots between them, or a date with dashes.
func coreLength(all []token) int {
	if len(all) >= 5 && isYear(number(all[0].text)) && all[1].text == "-" && all[3].text == "-" && monthAndDay(all[2], all[4]) {
		return 5
	}
	n := 1
	for n+1 < len(all) && all[n].text == "." && all[n+1].kind == digits {
		n += 2
	}
	return n
}

func monthAndDay(month, day token) bool {
	return month.kind == digits && number(month.text).between(1, 12) && day.kind == digits && number(day.text).between(1, 31)
}

// coreShape is the core's part of the shape. Times of different precision have
// different shapes.
func coreShape(s Scheme, core []token) string {
	if s == Timestamp {
		return stamp(number(core[0].text))
	}
	return skeleton(core)
}

// tailShape is the part of the shape behind the core. A prerelease belongs to
// it only where commit ids would otherwise be sorted against words and numbers.
func (v *Version) tailShape(pre, variant []token) string {
	shape := ""
	if slices.ContainsFunc(pre, func(t token) bool { return t.kind == commit }) {
		shape = skeleton(pre)
	}
	if slices.ContainsFunc(variant, unordered) {
		v.rest = nil
		return shape + text(variant)
	}
	return shape + skeleton(variant)
}

// cutMetadata splits off SemVer's build metadata, which orders nothing.
func cutMetadata(tail []token) (before, metadata []token) {
	plus := slices.IndexFunc(tail, func(t token) bool { return t.text == "+" })
	if plus < 0 {
		return tail, nil
	}
	return tail[:plus:plus], tail[plus:]
}

// cutPrerelease splits what follows the core into a prerelease (words that say
// so, with their numbers) and a variant (all the rest).
func cutPrerelease(tail []token) (pre, variant []token) {
	start := 0
	for start < len(tail) && tail[start].kind == separator {
		start++
	}
	if start == len(tail) || start > 1 || !saysEarly(tail, start) {
		return nil, tail
	}
	end := start
	for i := start; i < len(tail); i++ {
		switch t := tail[i]; {
		case t.kind == word && !saysEarly(tail, i):
			return tail[:end], tail[end:]
		case t.kind != separator:
			end = i + 1
		}
	}
	return tail[:end], tail[end:]
}

// saysEarly tells whether the i-th token says that a release is still to come. The
// short words say so only with a number right behind them: b3, but not 1.1.1b.
func saysEarly(tail []token, i int) bool {
	switch t := tail[i]; strings.ToLower(t.text) {
	case "alpha", "beta", "rc", "pre", "preview", "prerelease", "dev", "snapshot", "nightly", "canary", "milestone", "ea", "next":
		return true
	case "a", "b", "m", "cr":
		return i+1 < len(tail) && tail[i+1].kind == digits
	default:
		return false
	}
}

// unordered tells whether a word says that the number behind it is a name, not
// a position: the number of a merge request, an issue, a commit.
func unordered(t token) bool {
	switch strings.ToLower(t.text) {
	case "pr", "mr", "pull", "merge", "feature", "feat", "bugfix", "issue", "ticket", "wip", "sha", "commit", "git":
		return t.kind == word
	default:
		return false
	}
}

// skeleton is a text with its numbers and commit ids taken out.
func skeleton(all []token) string {
	var b strings.Builder
	for _, t := range all {
		switch t.kind {
		case digits:
			b.WriteByte('#')
		case commit:
			b.WriteString("<commit>")
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}

func text(all []token) string {
	var b strings.Builder
	for _, t := range all {
		b.WriteString(t.text)
	}
	return b.String()
}

func numbers(all []token) []number {
	var out []number
	for _, t := range all {
		if t.kind == digits {
			out = append(out, number(t.text))
		}
	}
	return out
}
