package linting

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// asText is for people: one finding after the other, and what the change reaches
// as a table in Markdown that a comment can hold.
func asText(w io.Writer, r *result) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n  fix: %s\n", show(f.Place()), f.Severity, show(f.Reason), f.Rule, show(f.Fix))
	}
	if r.radius {
		b.WriteString(table(r.Reached))
	}
	if len(r.Findings) == 0 {
		b.WriteString("nothing is wrong\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// show spells out what a terminal would act on.
func show(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}

// table tells what a change reaches, in Markdown.
func table(reached []lint.Reached) string {
	if len(reached) == 0 {
		return "The change makes no difference in any cluster.\n"
	}
	var b strings.Builder
	b.WriteString("| environment | cluster | build | changed | added | removed |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range reached {
		env := string(r.Env)
		if env == "" {
			env = "none"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", cell(env), cell(string(r.Cluster)), cell(r.Dir), cells(r.Changed), cells(r.Added), cells(r.Removed))
	}
	return b.String()
}

// cell is a text in which GitLab finds no mention, no command and no end of the
// cell.
func cell(text string) string {
	return "`" + strings.NewReplacer("|", "¦", "`", "'").Replace(message.Plain(text, 200)) + "`"
}

func cells(list []string) string {
	const most = 5
	var out []string
	for i, one := range list {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		out = append(out, cell(one))
	}
	return strings.Join(out, ", ")
}

// finding and reached are the shape of --format json.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Reason   string `json:"reason"`
	Fix      string `json:"fix"`
}

type reached struct {
	Environment string   `json:"environment,omitempty"`
	Cluster     string   `json:"cluster"`
	Dir         string   `json:"dir"`
	Changed     []string `json:"changed,omitempty"`
	Added       []string `json:"added,omitempty"`
	Removed     []string `json:"removed,omitempty"`
}

func asJSON(w io.Writer, r *result) error {
	out := struct {
		Version  int       `json:"version"`
		Findings []finding `json:"findings"`
		Reached  []reached `json:"reached,omitempty"`
	}{Version: 1, Findings: []finding{}}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, finding{f.File, f.Line, f.Column, f.Rule, string(f.Severity), f.Reason, f.Fix})
	}
	for _, one := range r.Reached {
		out.Reached = append(out.Reached, reached{string(one.Env), string(one.Cluster), one.Dir, one.Changed, one.Added, one.Removed})
	}
	return encode(w, out)
}

func encode[T any](w io.Writer, v T) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// quality is one entry of GitLab's Code Quality report.
type quality struct {
	Description string `json:"description"`
	Check       string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

// asCodeQuality is for the widget of a merge request. A finding keeps its
// fingerprint when lines move.
func asCodeQuality(w io.Writer, r *result) error {
	severities := map[lint.Severity]string{lint.Error: "critical", lint.Warning: "minor", lint.Note: "info"}
	out, seen := []quality{}, map[string]int{}
	for _, f := range r.Findings {
		id := f.File + "\x00" + f.Rule + "\x00" + f.Reason
		seen[id]++
		sum := sha256.Sum256([]byte(id + "\x00" + strconv.Itoa(seen[id])))
		q := quality{Description: f.Reason + "; " + f.Fix, Check: f.Rule, Fingerprint: hex.EncodeToString(sum[:16]), Severity: severities[f.Severity]}
		q.Location.Path, q.Location.Lines.Begin = f.File, max(1, f.Line)
		out = append(out, q)
	}
	return encode(w, out)
}
