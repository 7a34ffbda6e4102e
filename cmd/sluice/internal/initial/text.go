package initial

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// text is the policy as it is written, with a comment for each guess.
func (p *proposal) text() string {
	var b strings.Builder
	b.WriteString("# Proposed by sluice init. Every comment is a guess to be checked; sluice plan shows what comes of it.\nversion: 1\n\nlayout:\n")
	for _, sh := range p.layouts {
		text, _ := sh.layout()
		fmt.Fprintf(&b, "  # %d of %d apps here have versions in more than one environment: %s\n", sh.score, len(sh.apps), list(slices.Sorted(maps.Keys(sh.apps))))
		fmt.Fprintf(&b, "  - %s\n", strconv.Quote(text))
	}
	b.WriteString("\nenvironments:\n")
	for i, e := range p.envs {
		p.environment(&b, i, e)
	}
	b.WriteString(p.hints.text())
	if len(p.doubts) > 0 {
		b.WriteString("\n")
	}
	comments(&b, p.doubts)
	return b.String()
}

func (p *proposal) environment(b *strings.Builder, i int, e environment) {
	fmt.Fprintf(b, "  - name: %s # %s\n", e.name, e.why)
	if e.guessed {
		fmt.Fprintf(b, "    # could not tell: the clusters' names; write those under which their Flux reports\n")
	}
	fmt.Fprintf(b, "    clusters: [%s]\n", strings.Join(e.clusters, ", "))
	if i == 0 {
		return
	}
	fmt.Fprintf(b, "    from: %s # what such names usually follow\n    merge: manual # a person merges; auto lets Sluice do it once the gates pass\n", p.envs[i-1].name)
	b.WriteString("    gates:\n      healthy: true\n")
	if i == len(p.envs)-1 {
		b.WriteString("      approvals: # the last environment: somebody else than the author agrees\n        count: 1\n        from: [role:maintainer]\n")
	}
}

// comments writes what could not be told. Control characters are spelt out, so
// that nothing in the monorepo can end a comment.
func comments(b *strings.Builder, doubts []string) {
	for _, d := range doubts {
		quoted := strconv.Quote(d)
		fmt.Fprintf(b, "# could not tell: %s\n", strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`))
	}
}

// refusal is what is printed where there is no policy to propose.
func refusal(doubts []string) string {
	var b strings.Builder
	b.WriteString("# sluice init proposes no policy.\n")
	comments(&b, doubts)
	b.WriteString(`#
# To write it by hand, say where overlays lie and which environment follows which:
#
#   version: 1
#   layout:
#     - clusters/{cluster}/apps/{app}
#   environments:
#     - name: first
#       clusters: [its-cluster]
#     - name: second
#       from: first
#       clusters: [its-cluster]
#
# The layouts that are understood are in docs/layouts.md, all keys in docs/policy.md.
`)
	return b.String()
}
