package yamledit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Error says where in a text something is wrong. It is the cause of every
// core.Invalid, core.NotFound and core.Conflict error of this package that has
// a place; errors.As finds it. Callers put the file's name in front.
type Error struct {
	Line   int // 1-based
	Column int // 1-based, in characters; 0 if only the line is known
	Reason string
}

// Error is "line:column: reason", or "line: reason" where the column is unknown.
func (e *Error) Error() string {
	if e.Column == 0 {
		return strconv.Itoa(e.Line) + ": " + e.Reason
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason)
}

// position is a place in a text as people count: from 1, in characters.
type position struct{ line, column int }

func (p position) errorf(kind core.Kind, format string, args ...any) error {
	return core.Errorf(kind, "%w", &Error{Line: p.line, Column: p.column, Reason: fmt.Sprintf(format, args...)})
}

// clip bounds a foreign text that goes into an error, and shows where it was cut.
func clip(s string) string {
	if len(s) <= maxClip {
		return s
	}
	return strings.ToValidUTF8(s[:maxClip], "") + "…"
}
