package policy

import (
	"github.com/sluice-gitops/sluice/internal/core"
)

// Commands says where else commands in comments are read, and who may give the
// one that passes over gates.
type Commands struct {
	Issue    core.IssueID // the issue of the same project in which commands are read; 0 for none
	Override []Principal  // those who may override gates; nobody if it is empty
	Internal bool         // internal comments are read as well
}

// commands starts from what is safe: no issue, nobody, and no internal comments.
func (d *decoder) commands(at place) Commands {
	var c Commands
	keys := d.mapping(at,
		field{"issue", false, func(at place) {
			n, _ := d.integer(at, 1, maxIssue)
			c.Issue = core.IssueID(n)
		}},
		field{"override", false, func(at place) { c.Override = d.principals(at) }},
		field{"internal", false, func(at place) { c.Internal = d.boolean(at, false) }},
	)
	if len(keys) == 0 && len(at.Content) == 0 {
		d.report(at, "commands says nothing; fill it or leave the key out")
	}
	return c
}
