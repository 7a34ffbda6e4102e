package offline

import (
	"bytes"
	"encoding/json"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// document is what "sluice plan --format json" prints. Its names are relied
// upon by scripts: fields may come, and none may go or change its meaning.
type document struct {
	Head       core.SHA    `json:"head"`
	Promotions []promotion `json:"promotions"`
	Notices    []notice    `json:"notices"`
}

// promotion is one target that differs from where its versions come from.
type promotion struct {
	App     string      `json:"app"`
	From    string      `json:"from"`
	To      string      `json:"to"`
	Group   string      `json:"group"`
	Reason  string      `json:"reason"`
	Blocked string      `json:"blocked"`
	Pins    []pinChange `json:"pins"`
}

// pinChange is one pin that gets a new version.
type pinChange struct {
	Cluster string `json:"cluster"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Path    string `json:"path"`
	Old     string `json:"old"`
	New     string `json:"new"`
	Origin  string `json:"origin"`
	// Added tells that the pin gets an entry that is not there yet: it has a path
	// and neither line nor column.
	Added bool `json:"added,omitempty"`
}

// notice is something that a person should know and that is no promotion. A
// part that does not apply is empty.
type notice struct {
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	App      string `json:"app"`
	Env      string `json:"env"`
	Message  string `json:"message"`
}

func promotionOf(s *plan.Status) promotion {
	return promotion{
		App: string(s.Target.App), From: string(s.Candidate.From), To: string(s.Target.Env), Group: string(s.Group),
		Reason: s.Reason, Blocked: blocked(s), Pins: pinsOf(s.Candidate),
	}
}

func pinsOf(c plan.Candidate) []pinChange {
	pins := []pinChange{}
	for _, ch := range c.Changes {
		at := ch.Pin.Target()
		pins = append(pins, pinChange{
			Cluster: string(ch.Cluster), File: at.File, Line: at.Line, Column: at.Column,
			Kind: string(ch.Pin.Kind), Name: ch.Pin.Name, Path: at.Path.String(),
			Old: ch.Pin.Version, New: ch.New, Origin: place(ch.Source.File, ch.Source.Line),
			Added: ch.Pin.Override != nil,
		})
	}
	return pins
}

// encode writes one JSON value and a line break; indent is "" for JSON lines.
func encode(v any, indent string) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // messages are full of < and >, and this is no web page
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, core.Errorf(core.Internal, "encode the answer: %w", err)
	}
	return out.Bytes(), nil
}
