package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Problem is one thing in a policy file that must be corrected.
type Problem struct {
	File    string
	Line    int    // 1-based
	Column  int    // 1-based, in characters
	Path    string // where in the structure, such as "environments[1].from"; "" for the whole file
	Message string // what was found, and what to do about it
}

// String is "file:line:column: path: message", which editors can jump to.
func (p Problem) String() string {
	place := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		place += p.Path + ": "
	}
	return place + p.Message
}

// Problems is every problem of a policy file, in the file's order. It is the
// error inside the one that Parse returns.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps))
	for _, p := range ps[:min(len(ps), maxProblems)] {
		lines = append(lines, p.String())
	}
	if more := len(ps) - maxProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more problems like these", ps[0].File, more))
	}
	return strings.Join(lines, "\n")
}

// err is nil where there is no problem.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return core.Errorf(core.Invalid, "%w", ps)
}
