// Package fluxlint finds, in the manifests of one cluster, what keeps Flux from
// telling Sluice the truth, or from being told: Kustomizations that report
// "applied" as if it were "healthy", Alerts that leave the heartbeat out,
// Providers that lose events, Receivers that reconcile what is old.
//
// It reads texts and returns findings. What is no YAML, or no object of Flux,
// it passes over: others say so.
package fluxlint

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Finding is one trap, and how to get out of it.
type Finding struct {
	File         string
	Line, Column int
	Rule         string
	Reason       string // what is so, and what follows
	Fix          string // what to write
}

// String is the finding as tools print it.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s (%s); %s", f.File, f.Line, f.Column, f.Reason, f.Rule, f.Fix)
}

// The rules, by their ids.
const (
	RuleWait       = "flux-wait"
	RuleRootHealth = "flux-root-health"
	RuleSuspended  = "flux-suspended"
	RuleNATS       = "flux-provider-nats"
	RuleUnsigned   = "flux-provider-unsigned"
	RuleTimeout    = "flux-provider-timeout"
	RuleSeverity   = "flux-alert-severity"
	RuleSources    = "flux-alert-sources"
	RuleExclusion  = "flux-alert-exclusion"
	RuleInclusion  = "flux-alert-inclusion"
	RuleOldFirst   = "flux-receiver-old-first"
	RuleNoSecret   = "flux-receiver-secret"
	RuleFilter     = "flux-receiver-filter"
)

// heartbeat is a message of the kind that the gates live on.
const heartbeat = "Reconciliation finished in 1.5s, next run in 10m0s"

// minTimeout leaves room for three of Flux's own repetitions of a delivery.
const minTimeout = 30 * time.Second

// linter collects what is found.
type linter struct {
	found []Finding
	// kustomizations and alerts are judged together, at the end.
	kustomizations []object
	alerts         []object
	providers      map[string]bool // names of those that carry the heartbeat
}

// object is one object of Flux and where it stands.
type object struct {
	file string
	node yamledit.Node
}

func (o object) text(keys ...string) string {
	n, _ := o.node.Get(keys...)
	return n.Text()
}

func (o object) name() string { return o.text("metadata", "name") }

// Lint reads the files of one cluster, by path. Findings are ordered by place.
func Lint(files map[string][]byte) []Finding {
	l := &linter{providers: map[string]bool{}}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		f, err := yamledit.Parse(files[path])
		if err != nil {
			continue
		}
		for i := range f.Len() {
			root, _ := f.Doc(i)
			l.object(object{path, root})
		}
	}
	l.carriers()
	l.sources()
	slices.SortStableFunc(l.found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Rule, b.Rule))
	})
	return l.found
}

func (l *linter) object(o object) {
	group, _, _ := strings.Cut(o.text("apiVersion"), "/")
	switch kind := o.text("kind"); {
	case group == "kustomize.toolkit.fluxcd.io" && kind == "Kustomization":
		l.kustomizations = append(l.kustomizations, o)
		l.suspended(o, "it neither applies nor reports")
	case group != "notification.toolkit.fluxcd.io":
	case kind == "Provider":
		l.provider(o)
		l.suspended(o, "it sends nothing")
	case kind == "Alert":
		l.alerts = append(l.alerts, o)
		l.suspended(o, "it sends nothing")
	case kind == "Receiver":
		l.receiver(o)
		l.suspended(o, "it answers every call with 503")
	}
}

// add reports at the deepest of the keys that is there.
func (l *linter) add(o object, rule, reason, fix string, keys ...string) {
	at := o.node
	for i := range keys {
		if n, ok := o.node.Get(keys[:i+1]...); ok {
			at = n
		}
	}
	l.found = append(l.found, Finding{File: o.file, Line: at.Line(), Column: at.Column(), Rule: rule, Reason: reason, Fix: fix})
}

func (l *linter) suspended(o object, effect string) {
	if o.text("spec", "suspend") == "true" {
		l.add(o, RuleSuspended, fmt.Sprintf("%s %s is suspended: %s", o.text("kind"), o.name(), effect), "remove spec.suspend", "spec", "suspend")
	}
}

// healthy tells whether a Kustomization's success means health.
func (o object) healthy() bool {
	checks, _ := o.node.Get("spec", "healthChecks")
	return o.text("spec", "wait") == "true" || len(checks.Items()) > 0
}

// root tells the Kustomization that "flux bootstrap" makes.
func (o object) root() bool {
	return o.name() == "flux-system" && o.text("metadata", "namespace") == "flux-system"
}

func (l *linter) carriers() {
	alone := !slices.ContainsFunc(l.kustomizations, func(o object) bool { return !o.root() })
	for _, o := range l.kustomizations {
		switch {
		case o.healthy():
		case o.root() && alone:
			l.add(o, RuleRootHealth, "the root Kustomization applies everything and waits for nothing: its success means applied, not healthy",
				"let Kustomizations of their own, with wait: true, apply the apps", "spec")
		case !o.root():
			l.add(o, RuleWait, fmt.Sprintf("Kustomization %s has neither wait: true nor healthChecks: its success means applied, not healthy", o.name()),
				"add wait: true to spec", "spec")
		}
	}
}

func (l *linter) provider(o object) {
	if kind := o.text("spec", "type"); kind != "nats" && !o.ours() {
		return // of somebody else
	}
	switch o.text("spec", "type") {
	case "nats":
		l.add(o, RuleNATS, "a Provider of type nats loses events while NATS is away, and never gets the heartbeat", "use type generic-hmac with the address of Sluice", "spec", "type")
	case "generic":
		l.add(o, RuleUnsigned, "a Provider of type generic does not sign, and Sluice refuses what is not signed", "use type generic-hmac and a Secret with the key token", "spec", "type")
		l.providers[o.name()] = true
	case "generic-hmac":
		l.providers[o.name()] = true
		l.timeout(o)
	}
}

// ours tells whether a Provider leads to Sluice, as far as its own file says: an
// address can also stand in its Secret.
func (o object) ours() bool {
	address := o.text("spec", "address")
	return address == "" || strings.Contains(address, "/hooks/flux/")
}

func (l *linter) timeout(o object) {
	text := o.text("spec", "timeout")
	if d, err := time.ParseDuration(text); err == nil && d >= minTimeout {
		return
	}
	l.add(o, RuleTimeout, fmt.Sprintf("Provider %s gives up an event after %s: too soon for Flux's own repetitions", o.name(), cmp.Or(text, "15s, the default,")), "write timeout: 60s", "spec", "timeout")
}

// sources judges the Alerts that go to Sluice.
func (l *linter) sources() {
	for _, o := range l.alerts {
		if !l.providers[o.text("spec", "providerRef", "name")] {
			continue
		}
		if o.text("spec", "eventSeverity") == "error" {
			l.add(o, RuleSeverity, fmt.Sprintf("Alert %s sends errors only, so no success and no heartbeat arrives", o.name()), "write eventSeverity: info", "spec", "eventSeverity")
		}
		l.exclusions(o)
		l.covers(o)
	}
}

func (l *linter) exclusions(o object) {
	only, _ := o.node.Get("spec", "inclusionList")
	if items := only.Items(); len(items) > 0 && !slices.ContainsFunc(items, lets) {
		l.add(o, RuleInclusion, fmt.Sprintf("Alert %s lets only messages through that the heartbeat is none of", o.name()),
			"add ^Reconciliation finished to inclusionList, or remove the list", "spec", "inclusionList")
	}
	list, _ := o.node.Get("spec", "exclusionList")
	for _, item := range list.Items() {
		if lets(item) {
			l.found = append(l.found, Finding{File: o.file, Line: item.Line(), Column: item.Column(), Rule: RuleExclusion,
				Reason: fmt.Sprintf("Alert %s leaves out %q, and with that the heartbeat", o.name(), item.Text()), Fix: "narrow the expression, or remove it"})
		}
	}
}

// lets tells whether an expression fits the heartbeat.
func lets(expression yamledit.Node) bool {
	re, err := regexp.Compile(expression.Text())
	return err == nil && re.MatchString(heartbeat)
}

// covers asks whether the Alert names the Kustomizations that are here. One with
// matchLabels may.
func (l *linter) covers(o object) {
	list, _ := o.node.Get("spec", "eventSources")
	for _, k := range l.kustomizations {
		if k.root() {
			continue
		}
		named := slices.ContainsFunc(list.Items(), func(n yamledit.Node) bool {
			source := object{o.file, n}
			namespace := cmp.Or(source.text("namespace"), o.text("metadata", "namespace"))
			name := source.text("name")
			return source.text("kind") == "Kustomization" && (name == "*" || name == k.name()) && namespace == cmp.Or(k.text("metadata", "namespace"), "flux-system")
		})
		if !named {
			l.add(o, RuleSources, fmt.Sprintf("Alert %s does not name Kustomization %s, so nothing is heard of it", o.name(), k.name()),
				`add {kind: Kustomization, name: "*", namespace: flux-system} to eventSources`, "spec", "eventSources")
			return
		}
	}
}

func (l *linter) receiver(o object) {
	whole, _ := o.node.Get("spec", "resourceFilter")
	l.filter(o, whole)
	list, _ := o.node.Get("spec", "resources")
	for _, item := range list.Items() {
		each, _ := item.Get("filter")
		l.filter(o, each)
		if kind := (object{o.file, item}).text("kind"); kind == "Kustomization" || kind == "HelmRelease" {
			l.found = append(l.found, Finding{File: o.file, Line: item.Line(), Column: item.Column(), Rule: RuleOldFirst,
				Reason: fmt.Sprintf("Receiver %s reconciles a %s before its source has been fetched: the old revision is applied, and reported, once more", o.name(), kind),
				Fix:    "name the GitRepository alone; what it feeds follows by itself"})
		}
	}
	if kind := o.text("spec", "type"); kind != "generic-oidc" && o.text("spec", "secretRef", "name") == "" {
		l.add(o, RuleNoSecret, fmt.Sprintf("Receiver %s has no secret, from which its path and its signatures are made", o.name()), "add secretRef with the name of a Secret that has the key token", "spec")
	}
}
