package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// branches looks at how the default branch is protected, and whether Sluice's
// own branches are.
func (w *work) branches(ctx context.Context) {
	var rules []gitlab.Protection
	err := w.patiently(ctx, func() (err error) {
		rules, err = w.place.Protections(ctx)
		return err
	})
	if core.KindOf(err) == core.Denied && err != nil {
		w.branchAsSeen(ctx)
		return
	}
	if err != nil {
		w.trouble("branches", err, maintainer)
		return
	}
	w.rules = true
	w.defaultBranch(rules)
	w.ownBranches(rules)
}

// defaultBranch adds all rules that cover the branch: GitLab takes the most
// permissive one.
func (w *work) defaultBranch(rules []gitlab.Protection) {
	branch := w.settings.DefaultBranch
	var push, merge []gitlab.Grant
	for _, r := range rules {
		if r.Covers(branch) {
			w.protected = true
			push, merge = append(push, r.Push...), append(merge, r.Merge...)
		}
	}
	if !w.protected {
		w.say("branches", doubt, branch+" is not protected: whoever can push brings any version past Sluice's gates", "protect it; --apply does, with push and merge for maintainers")
		return
	}
	w.maySluiceMerge(w.granted(merge) || w.granted(push), slices.ContainsFunc(merge, func(g gitlab.Grant) bool { return g.Group != 0 }), names(merge))
	if who := pushers(push); who != "" {
		w.say("branches", doubt, fmt.Sprintf("%s may push to %s, and so bring any version past Sluice's gates", who, branch), `set "Allowed to push and merge" to "No one" once Flux is bootstrapped in each cluster, which pushes; it is left to you`)
	}
}

// granted tells whether the token's user is among those who may.
func (w *work) granted(list []gitlab.Grant) bool {
	return slices.ContainsFunc(list, func(g gitlab.Grant) bool {
		return g.User != 0 && g.User == w.me.ID || g.User == 0 && g.Group == 0 && g.Key == 0 && g.Level > 0 && w.level >= g.Level
	})
}

func (w *work) maySluiceMerge(may, byGroup bool, who string) {
	switch {
	case may:
		w.say("branches", fine, fmt.Sprintf("%s may merge into %s", w.me.Username, w.settings.DefaultBranch), "")
	case byGroup:
		w.say("branches", doubt, fmt.Sprintf("a group may merge into %s; whether %s is in it is not looked at", w.settings.DefaultBranch, w.me.Username), "")
	case w.merges():
		w.say("branches", failed, fmt.Sprintf("%s may not merge into %s, and the policy has an environment with merge: auto", w.me.Username, w.settings.DefaultBranch),
			fmt.Sprintf(`"Allowed to merge" has %s: give Sluice that role, or add its user there (Premium)`, who))
	default:
		w.say("branches", told, fmt.Sprintf("%s may not merge into %s; people do, unless an environment has merge: auto", w.me.Username, w.settings.DefaultBranch), "")
	}
}

// merges tells whether the policy has Sluice merge anything.
func (w *work) merges() bool {
	return w.policy != nil && slices.ContainsFunc(w.policy.Environments, func(e policy.Environment) bool { return e.Merge == policy.Auto })
}

func names(list []gitlab.Grant) string {
	var out []string
	for _, g := range list {
		switch {
		case g.User != 0:
			out = append(out, fmt.Sprintf("user %d", g.User))
		case g.Group != 0:
			out = append(out, fmt.Sprintf("group %d", g.Group))
		case g.Key != 0:
			out = append(out, fmt.Sprintf("deploy key %d", g.Key))
		case g.Level > 0:
			out = append(out, "the role "+roleName(g.Level))
		}
	}
	if len(out) == 0 {
		return "no one"
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

// pushers are those who may push, "" if nobody may.
func pushers(list []gitlab.Grant) string {
	if who := names(list); who != "no one" {
		return who
	}
	return ""
}

// ownBranches must be free to be force-pushed and deleted.
func (w *work) ownBranches(rules []gitlab.Protection) {
	for _, r := range rules {
		if r.Covers(plan.BranchPrefix+"env/app") || strings.HasPrefix(r.Name, plan.BranchPrefix) {
			w.say("branches", failed, fmt.Sprintf("the rule %q protects branches under %s, which Sluice must force-push and delete", r.Name, plan.BranchPrefix), "make the rule narrower")
			return
		}
	}
	w.say("branches", fine, "no rule protects branches under "+plan.BranchPrefix, "")
}

// branchAsSeen is for users who may not read the rules.
func (w *work) branchAsSeen(ctx context.Context) {
	var seen gitlab.BranchRights
	err := w.patiently(ctx, func() (err error) {
		seen, err = w.place.BranchRights(ctx, w.settings.DefaultBranch)
		return err
	})
	if err != nil {
		w.trouble("branches", err, developer)
		return
	}
	w.protected = seen.Protected
	if !seen.Protected {
		w.say("branches", doubt, w.settings.DefaultBranch+" is not protected: whoever can push brings any version past Sluice's gates", "protect it")
		return
	}
	may := seen.CanPush || seen.DevelopersMerge && w.level >= developer
	w.maySluiceMerge(may, false, "whom this user cannot see")
}
