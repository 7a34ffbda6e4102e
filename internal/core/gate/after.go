package gate

import (
	"fmt"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Predecessor is an app that the policy has another one come after, in the
// environment that the other is promoted into.
type Predecessor struct {
	App     core.App
	Absent  bool    // the environment does not deploy it
	Pending bool    // it is to be promoted there
	Blocked string  // why it cannot be promoted there; "" if it can, or need not
	Health  *Health // there; nil if the policy does not ask for it
}

// After is the verdict of the gate "after": each app that is to come first has
// in the environment what its sources have, and is healthy there.
func After(env core.Env, list []Predecessor) Verdict {
	for _, p := range list {
		if v := p.judge(env); v.State != Pass {
			return v
		}
	}
	if len(list) == 1 {
		return pass("after", fmt.Sprintf("%s is up to date in %s", list[0].App, env))
	}
	return pass("after", fmt.Sprintf("all %d are up to date in %s", len(list), env))
}

func (p Predecessor) judge(env core.Env) Verdict {
	switch {
	case p.Absent:
		return block("after", fmt.Sprintf("the policy names %s, which has no overlay in %s", p.App, env), fmt.Sprintf("somebody adds that overlay, or takes %s out of after in the policy", p.App))
	case p.Blocked != "":
		return block("after", fmt.Sprintf("%s comes first, and it cannot be promoted into %s: %s", p.App, env, p.Blocked), "that is put right, and it has been promoted")
	case p.Pending:
		return wait("after", fmt.Sprintf("%s comes first, and it is still to be promoted into %s", p.App, env), "it has been promoted")
	case p.Health != nil && !p.Health.Healthy:
		return wait("after", fmt.Sprintf("%s comes first, and it is not healthy in %s: %s", p.App, env, p.Health.Reason), "Flux reports it ready there")
	}
	return pass("after", "")
}
