package chatops

import (
	"slices"
)

// Place is where a command may stand.
type Place string

// The places. Done is a merge request of Sluice's that was merged or closed
// lately; Control is the issue that the policy names for commands.
const (
	Open    Place = "an open merge request of Sluice's"
	Done    Place = "a merged or closed merge request of Sluice's"
	Control Place = "the issue that the policy names"
)

// GitLab's lowest access levels for the verbs whose right no policy sets.
const (
	Asking = 10 // guest: whoever may see the project may ask
	Acting = 30 // developer: whoever may push may also stop and start
)

// Verb is one command that exists. Its texts are Markdown without tables.
type Verb struct {
	Name        string
	Usage       string // the verb with its arguments; optional ones in brackets
	Description string // what it does, in sentences
	Example     string // a whole line
	Who         string // who may use it, as the end of "is for"
	Level       int    // the lowest access level; where the policy names people, what they need besides
	Places      []Place
	Asks        bool // it changes nothing, so an edited comment may ask as well
}

// At tells whether the verb can be used in a place.
func (v Verb) At(p Place) bool { return slices.Contains(v.Places, p) }

// Lookup returns the verb of that name.
func Lookup(name string) (Verb, bool) {
	all := Verbs()
	i := slices.IndexFunc(all, func(v Verb) bool { return v.Name == name })
	if i < 0 {
		return Verb{}, false
	}
	return all[i], true
}

// Verbs returns every command that exists, in the order of the help.
func Verbs() []Verb {
	return slices.Concat(judging(), moving(), wishing(), asking())
}

// Who may use a verb, by its level.
const (
	developers = "developers and above"
	everyone   = "everyone with access to the project"
)

// judging are the verbs about one promotion as it stands.
func judging() []Verb {
	here := []Place{Open}
	return []Verb{
		{
			Name: "approve", Usage: "approve [commit]", Example: "/sluice approve 1f3c9a2b", Level: Asking, Places: here,
			Description: "Agrees to this promotion as it stands. It counts for the content that the branch had then, and lapses when that changes; a mere rebase leaves it in force. With a commit, it counts for what that commit holds.",
			Who:         "the people whom the policy names for this environment; the author, and who brought the version to its source, only if the policy allows it",
		},
		{
			Name: "unapprove", Usage: "unapprove", Example: "/sluice unapprove", Level: Asking, Places: here,
			Description: "Takes your own approval back, however you gave it.",
			Who:         everyone,
		},
		{
			Name: "retry", Usage: "retry", Example: "/sluice retry", Level: Acting, Places: here,
			Description: "Makes the branch anew on the newest commit of the default branch, so that its pipeline runs again. If it is on that commit already and GitLab has refused to merge it, merges it at once instead of after the pause.",
			Who:         developers,
		},
		{
			Name: "take-over", Usage: "take-over", Example: "/sluice take-over", Level: Acting, Places: here,
			Description: "Gives the branch back to Sluice after somebody else has pushed to it. What was pushed is thrown away.",
			Who:         developers,
		},
		{
			Name: "skip", Usage: "skip [version]", Example: "/sluice skip 2.48.0", Level: Acting, Places: here,
			Description: "Closes this promotion for good: it stays away until there is another version. With a version, only if that is what it brings.",
			Who:         developers,
		},
		{
			Name: "reopen", Usage: "reopen", Example: "/sluice reopen", Level: Acting, Places: []Place{Done},
			Description: "Has a promotion proposed again that somebody closed or skipped.",
			Who:         developers,
		},
		{
			Name: "override", Usage: "override <gate> <reason>", Example: "/sluice override soak the fix cannot wait until tomorrow", Level: Asking, Places: here,
			Description: "Passes over one gate for the content that the branch has now: healthy, soak, windows, freezes, pipeline, expressions or after. The merge request shows who did it and why. Holds and approvals cannot be overridden.",
			Who:         "the people whom the policy names under `commands.override`; by default nobody",
		},
	}
}

// moving are the verbs that stop and start.
func moving() []Verb {
	return []Verb{
		{
			Name: "hold", Usage: "hold [all, app NAME, env NAME] [reason]", Example: "/sluice hold the load test runs until noon", Level: Acting, Places: []Place{Open, Control},
			Description: "Keeps Sluice from merging until somebody lifts the hold. On a merge request it holds this promotion, and all words are the reason. On the issue it holds what is named: an app, an environment, an app in an environment, or everything; while everything is held, nothing new is opened either.",
			Who:         developers,
		},
		{
			Name: "unhold", Usage: "unhold [all, app NAME, env NAME]", Example: "/sluice unhold", Level: Acting, Places: []Place{Open, Control},
			Description: "Lifts the hold on this promotion or, on the issue, the hold that was put on exactly this. The gates still apply.",
			Who:         developers,
		},
	}
}

// wishing are the verbs that ask for versions.
func wishing() []Verb {
	return []Verb{
		{
			Name: "promote", Usage: "promote [app] [version] [to env]", Example: "/sluice promote ai-gateway 2.47.0 to prd", Level: Acting, Places: []Place{Open, Done, Control},
			Description: "Proposes a version that the environment's source has, or had before; an older one too. The merge request says who asked, and waits for its gates like any other. On a merge request, its app and environment need not be named.",
			Who:         developers,
		},
		{
			Name: "rollback", Usage: "rollback [app] [env]", Example: "/sluice rollback ai-gateway prd", Level: Acting, Places: []Place{Open, Done, Control},
			Description: "Proposes the versions that the environment had before its last change, and touches nothing else. Approvals, windows and freezes apply; how the source does is not looked at. On a merge request, its app and environment need not be named; on a merged one it takes that one back, if nothing was merged after it.",
			Who:         developers,
		},
		{
			Name: "resume", Usage: "resume [app] [env]", Example: "/sluice resume ai-gateway prd", Level: Acting, Places: []Place{Open, Done, Control},
			Description: "Lets promotion into an environment go on after somebody has lowered a version there.",
			Who:         developers,
		},
	}
}

// asking are the verbs that change nothing.
func asking() []Verb {
	return []Verb{
		{
			Name: "status", Usage: "status", Example: "/sluice status", Level: Asking, Places: []Place{Open, Done, Control}, Asks: true,
			Description: "Says what this promotion waits for; on the issue, what every promotion does that is under way.",
			Who:         everyone,
		},
		{
			Name: "explain", Usage: "explain [app NAME] [env NAME]", Example: "/sluice explain", Level: Asking, Places: []Place{Open, Done, Control}, Asks: true,
			Description: "Says it gate by gate: what each one found, who or what can change it, and when Sluice looks again.",
			Who:         everyone,
		},
		{
			Name: "help", Usage: "help", Example: "/sluice help", Level: Asking, Places: []Place{Open, Done, Control}, Asks: true,
			Description: "Shows this list.",
			Who:         everyone,
		},
	}
}

func names() []string {
	var names []string
	for _, v := range Verbs() {
		names = append(names, v.Name)
	}
	return names
}
