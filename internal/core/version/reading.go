package version

import (
	"slices"
	"strconv"
	"strings"
)

// ParseAs understands a text by a scheme that somebody who knows the texts has
// chosen: SemVer, Calendar, Build or Timestamp. Any other scheme leaves the
// choice to Parse. Two texts that were read differently have no order.
//
// As SemVer, everything behind a hyphen is a prerelease, -alpine and -57 too. As
// Calendar, all numbers from the year on count, from left to right. As Build,
// the last number counts, and everything else must be the same but for commit
// ids. As Timestamp, the one time in the text counts, and then what is behind it.
//
// A text that does not have the scheme is Opaque, and Explain says so.
func ParseAs(s Scheme, raw string) Version {
	v := Parse(raw)
	if len(raw) > maxVersion || v.scheme == Digest || s != SemVer && v.scheme == s {
		return v
	}
	all, ok := lex(v.text), false
	switch s {
	case SemVer:
		ok = v.bySpecification()
	case Calendar:
		ok = v.asCalendar(all)
	case Build:
		ok = v.asBuild(all)
	case Timestamp:
		ok = v.asTimestamp(all)
	default:
		return v
	}
	if !ok {
		return Version{raw: v.raw, text: v.text, pinned: v.pinned, sem: v.sem, pre: v.pre, asked: s}
	}
	v.scheme = s
	return v
}

// Plain understands nothing of a text: it is the Same as itself and has no
// order otherwise.
func Plain(raw string) Version { return Version{raw: raw, text: raw} }

func (v *Version) bySpecification() bool {
	if v.sem == nil {
		return false
	}
	v.core = nil
	for _, n := range []uint64{v.sem.Major(), v.sem.Minor(), v.sem.Patch()} {
		v.core = append(v.core, number(strconv.FormatUint(n, 10)))
	}
	v.early, v.rest, v.shape = v.sem.Prerelease(), nil, "as semver"
	v.pre = slices.DeleteFunc(lex(v.early), func(t token) bool { return t.kind == separator })
	return true
}

func (v *Version) asCalendar(all []token) bool {
	first := slices.IndexFunc(all, func(t token) bool { return t.kind == digits && mayBeYear(number(t.text)) })
	if first < 0 {
		return false
	}
	v.ordered(numbers(all[first:]), text(all[:first])+"|"+skeleton(all[first:]))
	return true
}

// mayBeYear also takes years of two digits.
func mayBeYear(n number) bool { return isYear(n) || len(n) == 2 && n.between(15, 99) }

func (v *Version) asBuild(all []token) bool {
	last := -1
	for i, t := range all {
		if t.kind == digits {
			last = i
		}
	}
	if last < 0 {
		return false
	}
	v.ordered([]number{number(all[last].text)}, literal(all[:last])+"#"+literal(all[last+1:]))
	return true
}

func (v *Version) asTimestamp(all []token) bool {
	is := func(t token) bool { return t.kind == digits && stamp(number(t.text)) != "" }
	i := slices.IndexFunc(all, is)
	if i < 0 || slices.ContainsFunc(all[i+1:], is) {
		return false
	}
	v.ordered(numbers(all[i:]), skeleton(all[:i])+"|"+stamp(number(all[i].text))+"|"+skeleton(all[i+1:]))
	return true
}

// ordered makes some numbers all that counts. The prerelease remains known, but
// orders nothing.
func (v *Version) ordered(core []number, shape string) {
	v.core, v.shape, v.early, v.rest = core, "as "+shape, "", nil
}

// literal is a text with its commit ids alone taken out.
func literal(all []token) string {
	var b strings.Builder
	for _, t := range all {
		if t.kind == commit {
			b.WriteString("<commit>")
			continue
		}
		b.WriteString(t.text)
	}
	return b.String()
}
