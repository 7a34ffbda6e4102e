package promoting

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/services/promoter"
)

const (
	// maxTargets bounds the targets that are shown of one monorepo. Those that are
	// current are left out first.
	maxTargets = 1000
	// maxVersions bounds the versions that are shown of one target.
	maxVersions = 20
	// maxWords bounds a reason, in characters: what Flux or GitLab said can be long.
	maxWords = 500
)

// statusDoc is the answer of /status. Its fields are only ever added to.
type statusDoc struct {
	Monorepos []monorepoDoc `json:"monorepos"`
}

type monorepoDoc struct {
	Project  string       `json:"project"`
	Head     core.SHA     `json:"head,omitempty"`
	LastPass time.Time    `json:"lastPass,omitzero"` // the last that succeeded
	Trouble  string       `json:"trouble,omitempty"` // of the last pass
	Targets  []targetDoc  `json:"targets"`
	LeftOff  int          `json:"leftOff,omitempty"` // targets that are not shown
	Clusters []clusterDoc `json:"clusters"`
}

type targetDoc struct {
	Env      core.Env     `json:"env"`
	App      core.App     `json:"app"`
	Group    core.App     `json:"group,omitempty"`
	Phase    plan.Phase   `json:"phase"`
	MR       core.MRID    `json:"mr,omitempty"`
	Reason   string       `json:"reason"`
	Versions []versionDoc `json:"versions"`
}

// versionDoc is one version of a target: what it has, and what it is to get.
type versionDoc struct {
	Cluster core.Cluster `json:"cluster,omitempty"`
	What    string       `json:"what"`
	Has     string       `json:"has"`
	Next    string       `json:"next,omitempty"`
}

type clusterDoc struct {
	Name     core.Cluster `json:"name"`
	Env      core.Env     `json:"env"`
	Heard    time.Time    `json:"heard,omitzero"`
	Every    string       `json:"every,omitempty"`
	Revision core.SHA     `json:"revision,omitempty"`
	Behind   string       `json:"behind,omitempty"`
	Trigger  *triggerDoc  `json:"trigger,omitempty"`
}

type triggerDoc struct {
	Revision core.SHA  `json:"revision"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Trouble  string    `json:"trouble,omitempty"`
}

// Status serves where every monorepo stands: as JSON, or with ?format=text as a
// table. It shows no secret, and bounds what it shows. Without boards, because
// the projects have not been found yet, it shows no monorepo.
func Status(boards func() []promoter.Board) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc := statusDoc{Monorepos: []monorepoDoc{}}
		for _, b := range boards() {
			doc.Monorepos = append(doc.Monorepos, monorepoOf(b))
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch format := r.URL.Query().Get("format"); format {
		case "", "json":
			w.Header().Set("Content-Type", "application/json")
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			_ = e.Encode(doc) // whoever asked has gone away
		case "text":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			doc.table(w)
		default:
			http.Error(w, fmt.Sprintf("format=%s is neither json nor text", message.Plain(format, 20)), http.StatusBadRequest)
		}
	})
}

func monorepoOf(b promoter.Board) monorepoDoc {
	doc := monorepoDoc{Project: b.Path, Head: b.Head, LastPass: second(b.Passed), Targets: []targetDoc{}, Clusters: []clusterDoc{}}
	if b.Trouble != nil {
		doc.Trouble = words(b.Trouble.Error())
	}
	targets := b.Targets
	if len(targets) > maxTargets {
		doc.LeftOff = len(targets) - maxTargets
		targets = slices.Clone(targets)
		slices.SortStableFunc(targets, func(a, b *plan.Status) int { return cmp.Compare(rank(a), rank(b)) })
		targets = targets[:maxTargets]
	}
	for _, s := range targets {
		doc.Targets = append(doc.Targets, targetDoc{
			Env: s.Target.Env, App: s.Target.App, Group: s.Group, Phase: s.Phase, MR: s.MR, Reason: words(s.Reason), Versions: versionsOf(b, s),
		})
	}
	for _, c := range b.Clusters {
		doc.Clusters = append(doc.Clusters, clusterOf(c))
	}
	return doc
}

func rank(s *plan.Status) int {
	if s.Phase == plan.Current {
		return 1
	}
	return 0
}

func versionsOf(b promoter.Board, s *plan.Status) []versionDoc {
	out := []versionDoc{}
	for _, d := range b.Inventory.Of(s.Target) {
		for _, p := range d.Pins {
			v := versionDoc{Cluster: d.Cluster, What: words(p.Key.String()), Has: words(p.Version)}
			for _, ch := range s.Candidate.Changes {
				if ch.Cluster == d.Cluster && ch.Pin.Key == p.Key && (ch.App == "" || ch.App == s.Target.App) {
					v.Next = words(ch.New)
				}
			}
			if len(out) < maxVersions {
				out = append(out, v)
			}
		}
	}
	return out
}

func clusterOf(c plan.ClusterStatus) clusterDoc {
	doc := clusterDoc{Name: c.Name, Env: c.Env, Heard: second(c.Heard), Revision: c.Revision, Behind: words(c.Behind)}
	if c.Every > 0 {
		doc.Every = c.Every.String()
	}
	if c.Trigger.Attempts > 0 {
		doc.Trigger = &triggerDoc{Revision: c.Trigger.Revision, At: second(c.Trigger.At), Attempts: c.Trigger.Attempts, Trouble: words(c.Trigger.Trouble)}
	}
	return doc
}

// words makes what others said fit to be shown. Looking for secrets takes time
// that grows with the text, so it is not done far beyond what is shown.
func words(text string) string {
	if r := []rune(text); len(r) > 2*maxWords {
		text = string(r[:2*maxWords])
	}
	return message.Plain(message.Mask(text), maxWords)
}

func second(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

// table writes the same for a terminal.
func (doc statusDoc) table(w io.Writer) {
	for _, m := range doc.Monorepos {
		fmt.Fprintf(w, "%s  head %s  last pass %s\n", m.Project, cmp.Or(m.Head.Short(), "-"), moment(m.LastPass))
		if m.Trouble != "" {
			fmt.Fprintf(w, "trouble: %s\n", m.Trouble)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "\nENV\tAPP\tPHASE\tMR\tVERSIONS\tREASON")
		for _, s := range m.Targets {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Env, message.Plain(string(s.App), 60), s.Phase, mrText(s.MR), s.brief(), message.Plain(s.Reason, 160))
		}
		fmt.Fprintln(t, "\nCLUSTER\tENV\tHEARD\tEVERY\tREVISION\tTRIGGERED\tBEHIND")
		for _, c := range m.Clusters {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, c.Env, moment(c.Heard), cmp.Or(c.Every, "-"), cmp.Or(c.Revision.Short(), "-"), c.Trigger.brief(), cmp.Or(message.Plain(c.Behind, 160), "-"))
		}
		_ = t.Flush() // whoever asked has gone away
		if m.LeftOff > 0 {
			fmt.Fprintf(w, "%d more targets are not shown.\n", m.LeftOff)
		}
		fmt.Fprintln(w)
	}
}

// brief is each version once, as far as they fit.
func (s targetDoc) brief() string {
	var out []string
	for _, v := range s.Versions {
		text := message.Plain(v.Has, 40)
		if v.Next != "" {
			text += "→" + message.Plain(v.Next, 40)
		}
		if !slices.Contains(out, text) && len(out) < 4 {
			out = append(out, text)
		}
	}
	return cmp.Or(strings.Join(out, ","), "-")
}

func (t *triggerDoc) brief() string {
	if t == nil {
		return "-"
	}
	text := fmt.Sprintf("%s ×%d", moment(t.At), t.Attempts)
	if t.Trouble != "" {
		text += ": " + message.Plain(t.Trouble, 80)
	}
	return text
}

func mrText(id core.MRID) string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprintf("!%d", id)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
