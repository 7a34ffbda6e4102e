package gate

import (
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Checks is what the project's CI says of a merge request.
type Checks struct {
	Exist  bool     // GitLab shows a pipeline
	Head   core.SHA // the head of the branch that it ran for; "" if that is not known
	Status string   // in GitLab's words, without Sluice's own part in it; "" if nothing else takes part
	URL    string
}

// Pipeline is the verdict of the gate "pipeline": the project's CI has run for
// exactly this head of the branch, with success.
func Pipeline(head core.SHA, c Checks) Verdict {
	v := c.judge(head)
	v.URL = c.URL
	return v
}

func (c Checks) judge(head core.SHA) Verdict {
	const succeeds = "the project's CI has succeeded for this commit"
	switch {
	case !c.Exist:
		return wait("pipeline", fmt.Sprintf("no pipeline has been started for %s yet", head.Short()), succeeds)
	case c.Head == "":
		return wait("pipeline", "GitLab does not tell for which commit of the branch its pipeline ran", succeeds)
	case c.Head != head:
		return wait("pipeline", fmt.Sprintf("the newest pipeline is that of %s, and the branch is at %s", c.Head.Short(), head.Short()), succeeds)
	case c.Status == "":
		return wait("pipeline", fmt.Sprintf("no job of the project's CI has run for %s, only Sluice's own status is there", head.Short()), succeeds)
	}
	return c.ofHead(head)
}

// ofHead knows the statuses that people must do something about. What GitLab may
// invent later is waited for.
func (c Checks) ofHead(head core.SHA) Verdict {
	status := strings.ReplaceAll(c.Status, "_", " ") + " for " + head.Short()
	switch c.Status {
	case "success":
		return pass("pipeline", status)
	case "failed", "canceled", "skipped":
		return block("pipeline", status, "somebody runs it again with success, or corrects what it tests")
	case "manual":
		return wait("pipeline", "a manual job stops it for "+head.Short(), "somebody starts that job and it succeeds")
	}
	return wait("pipeline", status, "it succeeds")
}
