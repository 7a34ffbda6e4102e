package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// Candidate is what a promotion into a target would change, judged from Git
// alone.
type Candidate struct {
	Target  core.Target
	From    core.Env
	Changes []Change // ordered by cluster and key; empty if the target already carries the source's versions
	// Blocked says why nothing may be promoted now; Changes may be set all the same.
	Blocked string
	// Members are the candidates of the apps of a group; the target's App is then
	// the group's name, and Changes holds theirs.
	Members []Candidate
	// Ahead is set with Blocked where the target carries something newer than
	// its source: an open merge request has then lost its purpose.
	Ahead bool
	// asked is the wish that it fulfils, nil if nobody asked. It may lower then.
	asked *wish
	// former is set with asked where the source has other versions now.
	former bool
	// Notices are what the comparison left aside. They stop nothing.
	Notices []overlay.Notice
}

// Change is one pin that gets a new version.
type Change struct {
	App     core.App // of a group's candidate: whose version it is; else ""
	Cluster core.Cluster
	Pin     pin.Pin // as it is now, in the target
	New     string
	Source  pin.Place // where the new version stands now
	// Unordered is set where the versions themselves do not tell which is the newer
	// one, and says why. Proof then says how it is known all the same, "" if it is not.
	Unordered, Proof string
	// Led is set where a newer version leads it that the policy couples it with.
	Led bool
}

// ID identifies the content of the promotion by value: which pins get which
// versions. It does not change when unrelated parts of the monorepo do.
func (c Candidate) ID() string {
	h := sha256.New()
	for _, ch := range c.Changes {
		at := ch.Pin.Target()
		fmt.Fprintf(h, "%q %q %d %q %q\n", ch.Cluster, at.File, at.Doc, at.Path, ch.New)
		if ch.Pin.Override != nil { // entries to come at one place are told apart by what they are for
			fmt.Fprintf(h, "%q\n", ch.Pin.Key)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// propose says what a promotion into a target would change.
func propose(p *policy.Policy, inv *overlay.Inventory, env policy.Environment, app core.App) Candidate {
	c := draw(p, inv, env, app)
	c.share(p, inv)
	return c
}

// draw compares a target with the environments that it is promoted from, without
// regard to others.
func draw(p *policy.Policy, inv *overlay.Inventory, env policy.Environment, app core.App) Candidate {
	c := Candidate{Target: core.Target{Env: env.Name, App: app}}
	rule := p.Rule(app)
	target := inv.Of(c.Target)
	c.From = env.From[0]
	switch {
	case rule.Promote == policy.Never:
		c.Blocked = "the policy never promotes it"
	case len(target) == 0:
		c.Blocked = fmt.Sprintf("%s has no overlay for it; add one to have it promoted", env.Name)
	case len(target) < clusters(env, target):
		c.Blocked = fmt.Sprintf("only some clusters of %s have an overlay for it: %s", env.Name, deployedIn(target))
	default:
		c.compare(inv, env, target, rule)
	}
	return c
}

// clusters is how many overlays the target must have: one per cluster, or one
// for all where the layout has one per environment.
func clusters(env policy.Environment, target []*overlay.Deployment) int {
	if len(target) == 1 && target[0].Cluster == "" {
		return 1
	}
	return len(env.Clusters)
}

func deployedIn(target []*overlay.Deployment) string {
	var names []string
	for _, d := range target {
		names = append(names, string(d.Cluster))
	}
	return strings.Join(names, ", ")
}

func (c *Candidate) compare(inv *overlay.Inventory, env policy.Environment, target []*overlay.Deployment, rule policy.AppRule) {
	for _, d := range target {
		if d.Broken != nil {
			c.block("%s", locate(*d.Broken))
			return
		}
	}
	wanted, reason := sourceVersions(inv, env, c.Target.App)
	if reason != "" {
		c.block("%s", reason)
		return
	}
	for _, d := range target {
		common, led := false, led(d, wanted, rule)
		for _, p := range d.Pins {
			want, ok := wanted[p.Key]
			common = common || ok
			if ok {
				c.weigh(d, p, want, rule, led)
			}
		}
		c.couple(d, wanted, rule)
		c.kin(d, wanted)
		switch {
		case common:
			c.aside(d, wanted)
		case c.Blocked != "":
		case len(wanted) > 0:
			c.block("%s fixes none of the versions that %s fixes, such as %s, so there is nothing to compare", d.Dir, c.From, first(wanted))
		case len(d.Pins) > 0:
			c.block("%s fixes no version of it, while %s does, such as %s, so there is nothing to compare", c.From, d.Dir, d.Pins[0].Key)
		}
	}
}

// first is the least key, for an example.
func first(pins map[pin.Key]pin.Pin) pin.Key {
	return slices.SortedFunc(maps.Keys(pins), pin.Key.Compare)[0]
}

// sourceVersions is what the source environments deploy, if all their clusters
// deploy the same.
func sourceVersions(inv *overlay.Inventory, env policy.Environment, app core.App) (map[pin.Key]pin.Pin, string) {
	wanted := map[pin.Key]pin.Pin{}
	for _, from := range env.From {
		source := inv.Of(core.Target{Env: from, App: app})
		if len(source) == 0 {
			return nil, fmt.Sprintf("%s has no overlay for it", from)
		}
		for _, d := range source {
			if d.Broken != nil {
				return nil, locate(*d.Broken)
			}
			for _, p := range d.Pins {
				old, ok := wanted[p.Key]
				if ok && old.Version != p.Version {
					return nil, fmt.Sprintf("its sources disagree about %s: %s says %s, %s says %s",
						p.Key, old.At.File, old.Version, p.At.File, p.Version)
				}
				if ok && old.Of != p.Of {
					return nil, fmt.Sprintf("its sources disagree about what %s stands for, since there are several versions of it: %s in %s, %s in %s",
						p.Key, cmp.Or(old.Of, "all that have it"), old.At.File, cmp.Or(p.Of, "all that have it"), p.At.File)
				}
				wanted[p.Key] = p
			}
		}
	}
	return wanted, ""
}

// weigh asks whether a pin carries what its source carries, as far as it can:
// a pin without a digest is not behind one with it.
func (c *Candidate) weigh(d *overlay.Deployment, have, want pin.Pin, rule policy.AppRule, led bool) {
	fit, err := have.Fit(want.Version)
	switch {
	case isRange(have, want):
		// Which version a range comes to is decided in the cluster. Each
		// environment's range is its own choice, and there is nothing to bring over.
	case want.Version == have.Version:
	case confused(d, have, want):
		c.Changes = append(c.Changes, Change{Cluster: d.Cluster, Pin: have, New: want.Version, Source: want.At})
		if c.Blocked == "" {
			c.block("%s stands for %s in %s and for %s in %s, since there are several versions of it, and which is which is not known; promote it by hand, or bring them to one version",
				have.Key, want.Of, c.From, cmp.Or(have.Of, "all that have it"), c.Target.Env)
		}
	case err != nil:
		c.Changes = append(c.Changes, Change{Cluster: d.Cluster, Pin: have, New: want.Version, Source: want.At})
		if c.Blocked == "" {
			c.block("%v", err)
		}
	case fit != have.Version:
		want.Version = fit
		c.change(d, have, want, rule, led)
	}
}

// change judges one pin. Where the versions have no order, that is left to what
// the past tells; see [computation.recall]. The first reason against any pin
// blocks the whole promotion: a target's versions move together or not at all.
func (c *Candidate) change(d *overlay.Deployment, have, want pin.Pin, rule policy.AppRule, led bool) {
	c.Changes = append(c.Changes, Change{Cluster: d.Cluster, Pin: have, New: want.Version, Source: want.At})
	if c.Blocked != "" {
		return
	}
	isChart, isSetting := have.Kind == pin.Chart, have.Kind == pin.Setting
	read := reading(rule, have.Kind)
	next, now := read(want.Version), read(have.Version)
	order := version.Compare(next, now)
	switch {
	case order == version.Incomparable && led && isCoupled(have, rule):
		c.Changes[len(c.Changes)-1].Led = true
	case order == version.Incomparable:
		c.Changes[len(c.Changes)-1].Unordered = unordered(have.Kind, next, now)
	}
	switch {
	case order == version.Older && c.asked == nil:
		c.Ahead = true
		c.block("%s is ahead of %s: it has %s %s, %s has %s, and versions are never lowered unasked",
			c.Target.Env, c.From, have.Key, have.Version, c.From, want.Version)
	case !isSetting && rule.Forbids(next, isChart) != "":
		c.block("%s: %s", have.Key, rule.Forbids(next, isChart))
	case have.Shared() != nil && have.Override == nil:
		at := have.Shared()
		c.block("%s comes from the base (%s:%d), which other environments share%s; give the overlay its own entry to have it promoted",
			have.Key, at.File, at.Line, because(have.Bound))
	case have.Override == nil && have.Fixed() != nil:
		at := have.Fixed()
		c.block("%s stands in a text that cannot be edited in place (%s:%d); move it to a file of its own, or into a literal block, to have it promoted",
			have.Key, at.File, at.Line)
	case have.Override == nil && have.Owned() != nil && rule.Automation != policy.Override:
		at := have.Owned()
		c.block("%s belongs to Flux's image automation (%s:%d, policy %s), which would overwrite what is promoted; remove the marker behind it, or write automation: override for the app in the policy, to have it promoted",
			have.Key, at.File, at.Line, at.Owner)
	default:
		if ok, reason := rule.Allows(next); !ok && !isSetting {
			c.block("the policy allows %s for it, and %s does not fit: %s", rule.Versions, have.Key, reason)
		}
	}
}

func because(bound string) string {
	if bound == "" {
		return ""
	}
	return ", and " + bound
}

func (c *Candidate) block(format string, args ...any) { c.Blocked = fmt.Sprintf(format, args...) }

// locate spells a problem the way compilers do.
func locate(p overlay.Problem) string {
	at := p.File
	if p.Line > 0 {
		at += fmt.Sprintf(":%d:%d", p.Line, max(1, p.Column))
	}
	return at + ": " + p.Message
}
