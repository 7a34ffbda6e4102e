package clusters

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// problem is one thing that must be corrected.
type problem struct {
	line, column int
	text         string
}

// reader collects what is wrong with a file.
type reader struct {
	file     string
	problems []problem
}

// report collects a problem at a node. The format says what was found and what
// to do; no value of a file that is named there may get into it.
func (r *reader) report(at *yaml.Node, path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	r.problems = append(r.problems, problem{max(1, at.Line), max(1, at.Column), text})
}

// err is nil where there is no problem, and else has a line for each.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var lines []string
	for _, p := range r.problems[:min(len(r.problems), maxProblems)] {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", r.file, p.line, p.column, p.text))
	}
	if more := len(r.problems) - maxProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more problems like these", r.file, more))
	}
	return core.Errorf(core.Invalid, "%s", strings.Join(lines, "\n"))
}

// document returns the root of the file's one document; nil if it is empty or
// no YAML, of which the latter has been reported.
func (r *reader) document(src []byte) *yaml.Node {
	top := &yaml.Node{}
	if len(src) > maxFileBytes {
		r.report(top, "", "the file has more than %d bytes; split it", maxFileBytes)
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(src))
	var doc, next yaml.Node
	if err := d.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			r.reportSyntax(err)
		}
		return nil
	}
	switch err := d.Decode(&next); {
	case err == nil:
		r.report(&next, "", "found a second document; remove the line --- and what follows it")
	case !errors.Is(err, io.EOF):
		r.reportSyntax(err)
	}
	return doc.Content[0]
}

// reportSyntax moves the line that the parser names to where it belongs.
func (r *reader) reportSyntax(err error) {
	text, at := strings.TrimPrefix(err.Error(), "yaml: "), &yaml.Node{}
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	where := "correct it near here"
	if at.Line == 0 {
		where = "correct it"
	}
	r.report(at, "", "the file is no YAML (%s); %s, and indent with spaces", text, where)
}

// pair is a key and its value.
type pair struct{ key, value *yaml.Node }

// mapping reads a mapping whose keys are all known. What a merge key brings
// counts where the mapping itself says nothing.
func (r *reader) mapping(n *yaml.Node, path string, known []string) map[string]pair {
	out := map[string]pair{}
	r.collect(resolved(n), path, known, out, maxMerges)
	return out
}

func (r *reader) collect(n *yaml.Node, path string, known []string, out map[string]pair, merges int) {
	if n.Kind != yaml.MappingNode || merges < 0 {
		r.report(n, path, "found %s; write a mapping with the keys %s", describe(n), strings.Join(known, ", "))
		return
	}
	own, merged := map[string]bool{}, []*yaml.Node(nil)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolved(n.Content[i+1])
		switch name := key.Value; {
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, name):
			r.report(key, path, "unknown key %s%s; the keys here are %s", quote(name), didYouMean(name, known), strings.Join(known, ", "))
		case own[name]:
			r.report(key, path, "the key %s stands here twice; keep one", name)
		default:
			own[name] = true
			if _, nearer := out[name]; !nearer {
				out[name] = pair{key, value}
			}
		}
	}
	for _, m := range merged {
		for _, from := range mergeSources(m) {
			r.collect(from, path, known, out, merges-1)
		}
	}
}

// mergeSources are the mappings that a merge key names: one, or a list of them.
func mergeSources(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	out := make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		out[i] = resolved(n.Content[i])
	}
	return out
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func didYouMean(found string, known []string) string {
	if near := policy.Nearest(strings.ToLower(found), known); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}

// describe names what stands in the file.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return quote(n.Value)
}

func quote(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "…"
	}
	return strconv.Quote(s)
}
