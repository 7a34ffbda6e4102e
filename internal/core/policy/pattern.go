package policy

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Placeholder is a part of a path that the policy's names fill.
type Placeholder string

// The placeholders. Every pattern has App, and Env or Cluster or both.
const (
	EnvPlaceholder     Placeholder = "env"
	ClusterPlaceholder Placeholder = "cluster"
	AppPlaceholder     Placeholder = "app"
)

// Segment is what stands between two slashes of a pattern: exactly one of a
// literal text and a placeholder. Extension is set on the last segment of a
// pattern whose overlays are files: they are named by the placeholder and it.
type Segment struct {
	Literal     string
	Placeholder Placeholder
	Extension   string // ".yaml", ".yml", or "" for a directory
}

// String is the segment as the policy spells it.
func (s Segment) String() string {
	if s.Placeholder != "" {
		return "{" + string(s.Placeholder) + "}" + s.Extension
	}
	return s.Literal
}

// Name is what the placeholder stands for in an entry of that name; ok is false
// if the entry is none that the segment means.
func (s Segment) Name(entry string) (name string, ok bool) {
	name, ok = strings.CutSuffix(entry, s.Extension)
	return name, ok && !isDotted(name) && (s.Placeholder != "" || s.Literal == entry)
}

// Pattern says where overlays lie: a path from the monorepo's root, some of
// whose segments are placeholders. Each placeholder occurs at most once.
type Pattern struct {
	segments []Segment
}

// Vars is what the placeholders of a pattern stand for in one path. A name
// whose placeholder the pattern lacks is empty. The names are as found: the
// policy may not know them, or may not put that cluster into that environment.
type Vars struct {
	Env     core.Env
	Cluster core.Cluster
	App     core.App
}

// String is the pattern as the policy spells it.
func (p Pattern) String() string {
	parts := make([]string, len(p.segments))
	for i, s := range p.segments {
		parts[i] = s.String()
	}
	return strings.Join(parts, "/")
}

// Segments returns the segments from the root down, so that a walk of the tree
// can open the literal directories and list only where a placeholder stands.
func (p Pattern) Segments() []Segment { return slices.Clone(p.segments) }

// Equal says whether both patterns are spelt alike.
func (p Pattern) Equal(o Pattern) bool { return slices.Equal(p.segments, o.segments) }

// Match takes the path of an overlay's directory or file, slash-separated and
// relative to the root, and says what the placeholders stand for. A path below or above an
// overlay does not match, and neither does one that is not clean.
func (p Pattern) Match(path string) (Vars, bool) {
	parts := strings.Split(path, "/")
	if len(parts) != len(p.segments) {
		return Vars{}, false
	}
	var v Vars
	for i, s := range p.segments {
		if !s.bind(parts[i], &v) {
			return Vars{}, false
		}
	}
	return v, true
}

// bind refuses names that are no names, so that Vars never lead out of a tree.
func (s Segment) bind(part string, v *Vars) bool {
	name, ok := s.Name(part)
	switch s.Placeholder {
	case EnvPlaceholder:
		v.Env = core.Env(name)
	case ClusterPlaceholder:
		v.Cluster = core.Cluster(name)
	case AppPlaceholder:
		v.App = core.App(name)
	}
	return ok
}

func isDotted(part string) bool { return part == "" || part == "." || part == ".." }

// ParsePattern reads a layout pattern such as "clusters/{cluster}/apps/{app}".
// Its errors are of kind core.Invalid and say what to write instead.
func ParsePattern(text string) (Pattern, error) {
	if err := checkPath(text); err != nil {
		return Pattern{}, err
	}
	var p Pattern
	for part := range strings.SplitSeq(text, "/") {
		s, err := parseSegment(part)
		if err != nil {
			return Pattern{}, err
		}
		switch {
		case s.Placeholder != "" && p.has(s.Placeholder):
			return Pattern{}, core.Errorf(core.Invalid, "%s stands twice in %s; keep one", Segment{Placeholder: s.Placeholder}, quote(text))
		case p.isFile():
			return Pattern{}, core.Errorf(core.Invalid, "%s goes on after %s, which is a file; leave the extension out, or end the pattern there", quote(text), p.segments[len(p.segments)-1])
		}
		p.segments = append(p.segments, s)
	}
	return p, p.checkPlaceholders()
}

// checkPath keeps every pattern within the monorepo.
func checkPath(text string) error {
	switch {
	case text == "":
		return core.Errorf(core.Invalid, "found an empty path; write one such as clusters/{cluster}/apps/{app}")
	case len(text) > maxPathLength:
		return core.Errorf(core.Invalid, "the path has %d characters; at most %d are allowed", len(text), maxPathLength)
	case strings.HasPrefix(text, "/"):
		return core.Errorf(core.Invalid, "found the absolute path %s; write it relative to the monorepo's root", quote(text))
	case slices.ContainsFunc(strings.Split(text, "/"), isDotted):
		return core.Errorf(core.Invalid, `%s has an empty, "." or ".." segment; write the plain path from the monorepo's root`, quote(text))
	}
	return nil
}

func parseSegment(part string) (Segment, error) {
	name, isVar := strings.CutPrefix(part, "{")
	name, extension, isClosed := strings.Cut(name, "}")
	switch {
	case !strings.ContainsAny(part, "{}"):
		return Segment{Literal: part}, checkLiteral(part)
	case !isVar || !isClosed || strings.ContainsAny(name, "{}") || !slices.Contains([]string{"", ".yaml", ".yml"}, extension):
		return Segment{}, core.Errorf(core.Invalid, "found the segment %s; a segment is either plain text or one placeholder, which for a file is followed by .yaml or .yml", quote(part))
	case !slices.Contains(placeholders(), name):
		return Segment{}, core.Errorf(core.Invalid, "unknown placeholder %s%s; the placeholders are {env}, {cluster} and {app}",
			quote("{"+name+"}"), didYouMean(name, placeholders()))
	}
	return Segment{Placeholder: Placeholder(name), Extension: extension}, nil
}

// checkLiteral keeps to names that every file system and URL can hold, so that
// a glob written by mistake is found here and not as an empty inventory.
func checkLiteral(part string) error {
	if !matches(`[A-Za-z0-9._][A-Za-z0-9._+@ -]*`, part) {
		return core.Errorf(core.Invalid, "the segment %s has characters that no directory name here may have; a layout is no glob, write {app}, {cluster} or {env} for what varies", quote(part))
	}
	return nil
}

func placeholders() []string {
	return []string{string(EnvPlaceholder), string(ClusterPlaceholder), string(AppPlaceholder)}
}

func (p Pattern) has(ph Placeholder) bool {
	return slices.ContainsFunc(p.segments, func(s Segment) bool { return s.Placeholder == ph })
}

// isFile says whether the overlays are files.
func (p Pattern) isFile() bool { return len(p.segments) > 0 && p.extension() != "" }

func (p Pattern) checkPlaceholders() error {
	switch {
	case !p.has(AppPlaceholder):
		return core.Errorf(core.Invalid, "%s lacks {app}; say where the app's name stands", quote(p.String()))
	case !p.has(ClusterPlaceholder) && !p.has(EnvPlaceholder):
		return core.Errorf(core.Invalid, "%s has neither {cluster} nor {env}; say where the cluster's or the environment's name stands", quote(p.String()))
	}
	return nil
}

// overlaps says whether one directory or file could match both patterns, or
// could match one and lie inside a directory that matches the other.
func (p Pattern) overlaps(o Pattern) bool {
	short, long := p, o
	if len(o.segments) < len(p.segments) {
		short, long = o, p
	}
	for i, a := range short.segments {
		b := long.segments[i]
		if a.Placeholder == "" && b.Placeholder == "" && a.Literal != b.Literal {
			return false
		}
	}
	if len(short.segments) == len(long.segments) {
		return short.extension() == long.extension()
	}
	return !short.isFile() // nothing lies inside a file
}

func (p Pattern) extension() string { return p.segments[len(p.segments)-1].Extension }
