package lint

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says what a finding means for a merge request.
type Severity string

// The severities. An Error keeps Flux from applying something, or must not be
// merged for another reason; a Warning will hurt one day; a Note is good to know
// and never fails a pipeline.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Finding is one thing that is wrong, and how to get out of it.
type Finding struct {
	File     string // from the monorepo's root
	Line     int    // 1-based; 0 if the whole file is meant
	Column   int    // 1-based, in characters; 0 if the whole line is meant
	Rule     string // one of Rules
	Severity Severity
	Reason   string // what is so, and what follows; no value of a secret
	Fix      string // what to do
}

// String is the finding as tools print it, on one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s (%s); %s", f.Place(), f.Severity, f.Reason, f.Rule, f.Fix)
}

// Place is file:line:column, without what is not known.
func (f Finding) Place() string {
	place := f.File
	for _, n := range []int{f.Line, f.Column} {
		if n > 0 {
			place += fmt.Sprintf(":%d", n)
		}
	}
	return place
}

// tidy orders findings by place and drops those that were found twice.
func tidy(list []Finding) []Finding {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.CompactFunc(list, func(a, b Finding) bool {
		// What a pod runs is told where its tag is written, however it is found.
		return a == b || a.Rule == ruleMutable && a.Rule == b.Rule && a.Place() == b.Place()
	})
}
