package initial

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// proposal is the policy that is proposed, with what could not be told.
type proposal struct {
	layouts []*shape
	envs    []environment
	doubts  []string
	hints   hints
}

// environment is one environment of a proposal.
type environment struct {
	stage    stage
	name     string
	why      string
	clusters []string
	guessed  bool // the clusters' names are not in sight
}

// propose tries each shape by reading the monorepo with it, and takes those
// that find versions, as long as they agree with those before. The proposal is
// nil if nothing can be proposed; the doubts then say why.
func (s *survey) propose() (*proposal, []string, error) {
	shapes := s.shapes()
	reader := overlay.NewReader()
	var why []string
	for _, sh := range shapes[:min(len(shapes), maxTried)] {
		p, doubts := s.with([]*shape{sh})
		why = append(why, doubts...)
		if _, err := parse(p); p != nil && err != nil {
			first, _, _ := strings.Cut(err.Error(), "\n")
			text, _ := sh.layout()
			why = append(why, "how to name what "+text+" finds: "+first)
		}
		inv, err := s.read(reader, p)
		if err != nil {
			return nil, nil, err
		}
		if inv != nil {
			sh.score = versions(inv)
		}
	}
	slices.SortStableFunc(shapes, func(a, b *shape) int { return b.score - a.score })
	best, left := s.combine(shapes)
	if best == nil {
		slices.Sort(why)
		return nil, append(slices.Compact(why), s.hopeless(shapes, len(why) > 0)...), nil
	}
	inv, err := s.read(reader, best)
	if err != nil {
		return nil, nil, err
	}
	best.doubts = left
	best.doubt(inv)
	best.hint(inv)
	return best, nil, nil
}

// combine takes the shapes that find versions and can stand in one policy, and
// says which of them it leaves out.
func (s *survey) combine(shapes []*shape) (best *proposal, left []string) {
	var chosen []*shape
	for _, sh := range shapes {
		if sh.score == 0 {
			continue
		}
		p, doubts := s.with(append(slices.Clone(chosen), sh))
		if _, err := parse(p); err == nil {
			chosen, best = p.layouts, p
			continue
		}
		text, _ := sh.layout()
		left = append(left, "whether "+text+" is a layout as well; it finds versions, and does not go with those above")
		left = append(left, doubts...)
	}
	return best, left
}

func parse(p *proposal) (*policy.Policy, error) {
	if p == nil {
		return nil, fmt.Errorf("there is no proposal")
	}
	return policy.Parse(policy.FileName, []byte(p.text()))
}

// read is the inventory by a proposal, nil if that is no policy.
func (s *survey) read(reader *overlay.Reader, p *proposal) (*overlay.Inventory, error) {
	rules, err := parse(p)
	if err != nil {
		return nil, nil
	}
	return reader.Read(s.tree, rules)
}

// with makes a proposal of some shapes, or says what keeps it from one.
func (s *survey) with(shapes []*shape) (*proposal, []string) {
	p := &proposal{layouts: shapes}
	for _, sh := range shapes {
		_, byCluster := sh.layout()
		for _, name := range slices.Sorted(maps.Keys(sh.names)) {
			if doubt := p.name(name, byCluster); doubt != "" {
				return nil, []string{doubt}
			}
		}
	}
	slices.SortStableFunc(p.envs, func(a, b environment) int { return a.stage.rank - b.stage.rank })
	for i := 1; i < len(p.envs); i++ {
		if a, b := p.envs[i-1], p.envs[i]; a.stage.rank == b.stage.rank {
			return nil, []string{fmt.Sprintf("whether %s or %s comes first; write environments, each with from: and the environment before it", a.name, b.name)}
		}
	}
	if len(p.envs) < 2 {
		return nil, []string{"a second environment; there is one alone to be seen, and nothing to promote it to"}
	}
	p.findClusters(s.clusters())
	return p, nil
}

// name adds a name as an environment or as a cluster of one.
func (p *proposal) name(name string, byCluster bool) (doubt string) {
	st, _, _ := stageOf(name)
	i := slices.IndexFunc(p.envs, func(e environment) bool { return e.stage.words[0] == st.words[0] })
	if i < 0 {
		i = len(p.envs)
		p.envs = append(p.envs, environment{stage: st})
	}
	e := &p.envs[i]
	switch {
	case byCluster:
		if !slices.Contains(e.clusters, name) {
			e.clusters = append(e.clusters, name)
		}
		if e.name == "" {
			e.name, e.why = wordIn(name, st), "the clusters' names say so"
		}
	case e.why == "a directory or file is called so" && e.name != name:
		return fmt.Sprintf("whether %s and %s are one environment; write environments, and a layout that finds one of them", e.name, name)
	default:
		e.name, e.why = name, "a directory or file is called so"
	}
	return ""
}

// wordIn is the word by which a name tells its stage.
func wordIn(name string, s stage) string {
	best := ""
	for _, word := range s.words {
		if strings.Contains(strings.ToLower(name), word) && len(word) > len(best) {
			best = word
		}
	}
	if best == "" {
		return s.words[0]
	}
	return best
}

// findClusters fills in clusters where the layout does not name them.
func (p *proposal) findClusters(seen []string) {
	for i := range p.envs {
		e := &p.envs[i]
		if len(e.clusters) > 0 {
			continue
		}
		for _, c := range seen {
			if st, _, ok := stageOf(c); ok && st.words[0] == e.stage.words[0] {
				e.clusters = append(e.clusters, c)
			}
		}
		if len(e.clusters) == 0 {
			e.clusters, e.guessed = []string{e.name}, true
		}
	}
}

// doubt notes what the inventory by the proposal did not understand.
func (p *proposal) doubt(inv *overlay.Inventory) {
	for i, problem := range inv.Problems {
		if i == maxNamed {
			p.doubts = append(p.doubts, fmt.Sprintf("%d more like these; sluice plan lists them", len(inv.Problems)-i))
			return
		}
		at := problem.File
		if problem.Line > 0 {
			at += fmt.Sprintf(":%d", problem.Line)
		}
		p.doubts = append(p.doubts, at+": "+problem.Message)
	}
}

// hopeless says why there is no proposal at all, as far as it is not explained
// already.
func (s *survey) hopeless(shapes []*shape, explained bool) []string {
	var out []string
	switch {
	case explained:
	case len(s.leaves) == 0 && len(s.files) == 0:
		out = append(out, "anything: there is no YAML file and no kustomization")
	case len(shapes) == 0:
		out = append(out, "the environments: no two directories or files are named after steps such as dev, stg and prd")
	default:
		out = append(out, "the layout: no app has a version that is understood in two environments; looked at "+example(shapes))
	}
	for _, dir := range slices.Sorted(maps.Keys(s.named)) {
		var unknown []string
		for _, name := range s.named[dir] {
			if _, _, ok := stageOf(name); !ok {
				unknown = append(unknown, name)
			}
		}
		if len(unknown) > 0 {
			out = append(out, fmt.Sprintf("what in %s follows what: %s", dir, list(unknown)))
		}
	}
	return out
}

func example(shapes []*shape) string {
	var texts []string
	for _, sh := range shapes {
		text, _ := sh.layout()
		texts = append(texts, text)
	}
	return list(texts)
}

// list names the first of many.
func list(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
