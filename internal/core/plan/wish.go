package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// trailerRequest names, in a promotion's commit, the comment that asked for it.
const trailerRequest = "Sluice-Request"

// wish is what a person asked a target to have. It is in force from its comment
// on, for as long as merge requests are read after their end, until one that
// was made for it is merged or closed. The newest of a target counts.
type wish struct {
	note    core.NoteID
	by      string
	at      time.Time
	target  core.Target
	version string // the version that it names; "" means what the source has
	back    bool   // back to what the target had before
}

// String says what was asked for, within a sentence.
func (w wish) String() string {
	switch {
	case w.back:
		return fmt.Sprintf("%s asked to go back to what %s had before", w.by, w.target)
	case w.version != "":
		return fmt.Sprintf("%s asked for %s of %s in %s", w.by, message.Plain(w.version, 100), w.target.App, w.target.Env)
	}
	return fmt.Sprintf("%s asked for what the source of %s has", w.by, w.target)
}

// requests are what people asked for, over all threads.
type requests struct {
	wishes  map[core.Target]wish
	resumed map[core.Target]time.Time
}

// asked gathers the requests, once per computation.
func (c *computation) asked() *requests {
	if c.requests != nil {
		return c.requests
	}
	if s := c.state; c.policy == nil || len(s.Open)+len(s.Recent)+len(s.Closed)+len(s.Control) == 0 {
		c.requests = &requests{}
		return c.requests
	}
	c.requests = &requests{wishes: map[core.Target]wish{}, resumed: map[core.Target]time.Time{}}
	for _, t := range c.threads() {
		c.listen(t, func(ls *listener, s said) string {
			if seen, done := ls.known[s.ID]; !done || seen.Accepted {
				c.note(t, s)
			}
			return ""
		})
	}
	return c.requests
}

// threads are all conversations in which something may be asked for.
func (c *computation) threads() []thread {
	var out []thread
	if c.policy.Commands.Issue != 0 {
		out = append(out, c.controlThread())
	}
	for _, mr := range slices.SortedFunc(slices.Values(c.state.Open), func(a, b MergeRequest) int { return cmp.Compare(a.ID, b.ID) }) {
		out = append(out, thread{place: chatops.Open, mr: mr.ID, target: targetOf(mr.Source), notes: mr.Notes})
	}
	for _, mr := range c.state.done() {
		out = append(out, doneThread(mr))
	}
	return out
}

// note keeps one request, if it makes sense.
func (c *computation) note(t thread, s said) {
	switch s.cmd.Verb {
	case "promote", "rollback":
		if w, why := c.wish(t, s); why == "" {
			if old, ok := c.requests.wishes[w.target]; !ok || w.at.After(old.at) || w.at.Equal(old.at) && w.note > old.note {
				c.requests.wishes[w.target] = w
			}
		}
	case "resume":
		if target, why := c.about(t, s.cmd.Args); why == "" && s.CreatedAt.After(c.requests.resumed[target]) {
			c.requests.resumed[target] = s.CreatedAt
		}
	}
}

// resumedAt is when somebody last said that promotion into a target goes on.
func (c *computation) resumedAt(t core.Target) time.Time {
	at := c.state.Resumed[t]
	if said := c.asked().resumed[t]; said.After(at) {
		return said
	}
	return at
}

// wish reads a request for a version. What keeps it from being one is said in
// words.
func (c *computation) wish(t thread, s said) (wish, string) {
	w := wish{note: s.ID, by: s.by.Username, at: s.CreatedAt, back: s.cmd.Verb == "rollback"}
	args := s.cmd.Args
	if w.back {
		if mr := c.ended(t.mr); mr != nil && len(args) == 0 && (mr.State != Merged || c.mergedAfter(*mr) != 0) {
			return w, "This merge request is not the last that changed its target."
		}
		var why string
		w.target, why = c.about(t, args)
		return w, why
	}
	rest, env := args, string(t.target.Env)
	if n := len(args); n >= 2 && args[n-2] == "to" {
		rest, env = args[:n-2], args[n-1]
	}
	app := string(t.target.App)
	switch {
	case len(rest) > 2:
		return w, "That is too much. Write `/sluice promote [app] [version] [to env]`."
	case len(rest) == 2:
		app, w.version = rest[0], rest[1]
	case len(rest) == 1 && (app == "" || c.deploys(core.App(rest[0]))):
		app = rest[0]
	case len(rest) == 1:
		w.version = rest[0]
	}
	var why string
	w.target, why = c.promoted(app, env)
	return w, why
}

// ended is a merge request that is not open any more, nil if it is.
func (c *computation) ended(id core.MRID) *MergeRequest {
	i := slices.IndexFunc(c.state.Recent, func(mr MergeRequest) bool { return mr.ID == id })
	if i < 0 || id == 0 {
		return nil
	}
	return &c.state.Recent[i]
}

// about reads "[app] [env]", in any order, where the thread's own target stands
// for what is left out.
func (c *computation) about(t thread, args []string) (core.Target, string) {
	app, env := string(t.target.App), string(t.target.Env)
	for _, arg := range args[:min(len(args), 2)] {
		if _, ok := c.policy.Environment(core.Env(arg)); ok {
			env = arg
		} else {
			app = arg
		}
	}
	return c.promoted(app, env)
}

// promoted is a target that something can be promoted into, or why there is
// none.
func (c *computation) promoted(app, env string) (core.Target, string) {
	t := core.Target{App: core.App(app), Env: core.Env(env)}
	e, ok := c.policy.Environment(t.Env)
	switch {
	case app == "":
		return t, "Say which app."
	case env == "":
		return t, "Say which environment."
	case !ok:
		return t, "There is no environment " + message.Inline(env, 63) + " in the policy."
	case e.Root():
		return t, "Nothing is promoted into " + message.Inline(env, 63) + ": its versions are changed there by hand."
	case c.policy.Rule(t.App).Group == t.App:
		return t, message.Inline(app, 63) + " has the name of its group, whose branch would be the same: rename the group in the policy to ask for the app alone."
	case len(c.state.Inventory.Of(t)) == 0:
		return t, message.Inline(env, 63) + " deploys no app " + message.Inline(app, 63) + "."
	}
	return t, ""
}

// wishOf is the wish for a target that is in force, nil if there is none.
func (c *computation) wishOf(t core.Target) *wish {
	w, ok := c.asked().wishes[t]
	if !ok || c.over(w) {
		return nil
	}
	return &w
}

// over tells whether a wish is not in force any more, as far as that is known:
// what might have come true already is not done again.
func (c *computation) over(w wish) bool {
	if w.at.Before(c.state.RecentFrom) {
		return true
	}
	for _, mr := range c.state.Recent {
		if mr.Source == BranchOf(w.target) && !mr.Ended.Before(w.at) && (mr.HeadMessage == "" || trailer(mr.HeadMessage, trailerRequest) == w.trailer()) {
			return true
		}
	}
	return false
}

func (w wish) trailer() string { return strconv.FormatInt(int64(w.note), 10) }

// Unsure lists the merge requests among the recent ones whose head's message
// must be known to tell whether a wish has come true.
func Unsure(p *policy.Policy, s *State) []core.MRID {
	c := &computation{policy: p, state: s}
	var out []core.MRID
	for _, mr := range s.Recent {
		w, ok := c.asked().wishes[targetOf(mr.Source)]
		if ok && mr.HeadMessage == "" && !mr.Ended.Before(w.at) {
			out = append(out, mr.ID)
		}
	}
	return out
}

// wished lists the targets with a wish that is in force.
func (c *computation) wished() []core.Target {
	var out []core.Target
	for _, t := range slices.SortedFunc(maps.Keys(c.asked().wishes), core.Target.Compare) {
		if c.wishOf(t) != nil {
			out = append(out, t)
		}
	}
	return out
}

// saidWish says what is to be said about a request, "" if nothing.
func (c *computation) saidWish(t thread, s said) string {
	w, why := c.wish(t, s)
	if why != "" {
		return why + " Nothing was started."
	}
	if newest := c.asked().wishes[w.target]; newest.note != w.note || c.over(w) {
		return "" // done, or somebody has asked for something else since
	}
	env, _ := c.policy.Environment(w.target.Env)
	switch found := c.grant(env, w); {
	case found.Blocked != "":
		return "This cannot be done: " + message.Quote(found.Blocked, 500) + "."
	case len(found.Changes) == 0:
		return message.Inline(w.target.String(), 120) + " has that already."
	}
	return ""
}
