package linting

import (
	"io"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core/lint"
)

// The shapes are those of SARIF 2.1.0, as far as it asks for them.
type sarif struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name  string      `json:"name"`
			URI   string      `json:"informationUri"`
			Rules []sarifRule `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
	Full  sarifText `json:"fullDescription"`
}

type sarifResult struct {
	Rule      string          `json:"ruleId"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	} `json:"physicalLocation"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

func asSARIF(w io.Writer, r *result) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver.Name, run.Tool.Driver.URI = "sluice lint", "https://github.com/sluice-gitops/sluice"
	run.Tool.Driver.Rules = []sarifRule{}
	for _, rule := range lint.Rules() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{rule.ID, sarifText{rule.Summary}, sarifText{rule.Why}})
	}
	for _, f := range r.Findings {
		known := func(rule sarifRule) bool { return rule.ID == f.Rule }
		if !slices.ContainsFunc(run.Tool.Driver.Rules, known) {
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Rule, sarifText{f.Rule}, sarifText{"Flux does not tell what is so, or is not told"}})
		}
		location := sarifLocation{}
		location.Physical.Artifact.URI = f.File
		if f.Line > 0 {
			location.Physical.Region = &sarifRegion{f.Line, f.Column}
		}
		run.Results = append(run.Results, sarifResult{f.Rule, string(f.Severity), sarifText{f.Reason + "; " + f.Fix}, []sarifLocation{location}})
	}
	return encode(w, sarif{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}
