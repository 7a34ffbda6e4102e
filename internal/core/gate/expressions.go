package gate

import (
	"time"

	"github.com/sluice-gitops/sluice/internal/core/expression"
)

// recheck is how often an expression that depends on the time is evaluated
// again: nothing tells when its answer will change.
const recheck = time.Minute

// Expressions is the verdict of the gate "expressions": all of them are true.
func Expressions(list []expression.Expression, f expression.Facts) Verdict {
	v := pass("expressions", "all are true")
	for _, e := range list {
		if answer, why := e.Evaluate(f); answer != expression.Yes {
			v = refuted(e, why)
			break
		}
	}
	for _, e := range list {
		if v.State != Block && e.Uses("now", "soaked") {
			v.Until = f.Now.UTC().Truncate(recheck).Add(recheck)
		}
	}
	return v
}

// refuted waits where the answer can change for the same versions, and blocks
// where it cannot.
func refuted(e expression.Expression, why string) Verdict {
	reason := e.String() + " " + why
	switch {
	case e.Uses("now", "soaked"):
		return wait("expressions", reason, "it is true; Sluice looks every minute")
	case e.Uses("mr"):
		return wait("expressions", reason, "somebody changes the merge request so that it is true")
	}
	return block("expressions", reason, "another version is promoted for which it is true, or somebody changes it in the policy")
}
