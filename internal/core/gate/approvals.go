package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Person is a GitLab user in relation to the project, looked up for this pass.
type Person struct {
	ID       core.UserID
	Username string
	Level    int // GitLab's access level in the project, inherited and invited groups included; 0 is none
	Active   bool
	Groups   []string // of the groups that the policy names: those that count the user as a member
	Email    string   // that the user shows to everybody, "" if none
}

// Is tells whether a principal of the policy picks this person. Somebody who
// is blocked, or who has no access to the project at all, is picked by none.
func (p Person) Is(who policy.Principal) bool {
	if !p.Active || p.Level == 0 {
		return false
	}
	switch who.Kind {
	case policy.Role:
		return p.Level >= who.Level
	case policy.Group:
		return slices.Contains(p.Groups, who.Name)
	case policy.User:
		return strings.EqualFold(p.Username, who.Name)
	}
	return false
}

// Refusal says why this person's approval does not count, or "" if it does.
// authors are those who made the change.
func Refusal(rule policy.Approvals, p Person, authors []core.UserID, brought Bringers) string {
	into, his := brought.by(p)
	switch {
	case rule.Author != policy.AuthorAllow && slices.Contains(authors, p.ID):
		return "the author of a change cannot approve it"
	case !slices.ContainsFunc(rule.From, p.Is):
		return "an approval must come from " + Principals(rule.From)
	case rule.Bumper != policy.AuthorAllow && his:
		return fmt.Sprintf("who brought the version to %s cannot approve its promotion unless the policy says bumper: allow; it takes somebody else of %s", into, Principals(rule.From))
	}
	return ""
}

// Approvals is the verdict of the gate "approvals", given the people who
// approved this very content and do so still. Each counts once.
func Approvals(rule policy.Approvals, approvers []Person, authors []core.UserID, brought Bringers) Verdict {
	if rule.Bumper == policy.AuthorAllow {
		brought = Bringers{}
	}
	counted := map[core.UserID]string{}
	for _, p := range approvers {
		if Refusal(rule, p, authors, brought) == "" {
			counted[p.ID] = p.Username
		}
	}
	names := slices.Sorted(maps.Values(counted))
	have := fmt.Sprintf("%d of %d approvals", len(names), rule.Count)
	if len(names) > 0 {
		have += ": " + strings.Join(names, ", ")
	}
	if len(names) >= rule.Count && brought.Unasked == "" {
		return pass("approvals", have+brought.doubt())
	}
	if len(names) >= rule.Count {
		return wait("approvals", have+"; "+brought.Unasked, "Sluice learns that from GitLab")
	}
	missing := fmt.Sprintf("%d more of those people write /sluice approve", rule.Count-len(names))
	return wait("approvals", have+"; needed from "+Principals(rule.From)+brought.except()+brought.doubt(), missing)
}

// Principals names people of the policy in words. The policy's own spelling has a colon, which
// GitLab would take for the beginning of an emoji.
func Principals(from []policy.Principal) string {
	texts := make([]string, len(from))
	for i, p := range from {
		texts[i] = "the " + string(p.Kind) + " " + p.Name
	}
	return strings.Join(texts, " or ")
}
