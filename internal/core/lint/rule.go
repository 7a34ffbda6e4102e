package lint

// Rule is a kind of finding.
type Rule struct {
	ID       string
	Severity Severity
	Summary  string // what is so, as a title
	Why      string // what follows from it
}

// The rules' ids that more than one place of the code names.
const (
	ruleYAML       = "yaml"
	rulePolicy     = "policy"
	ruleBuild      = "build"
	rulePath       = "path"
	ruleFluxPath   = "flux-path"
	ruleDependsOn  = "depends-on"
	ruleNamespace  = "namespace"
	ruleSource     = "source"
	ruleDuplicate  = "duplicate"
	ruleVariable   = "variable"
	ruleSecret     = "secret"
	ruleWrite      = "write-access"
	ruleRemoved    = "api-removed"
	ruleSchema     = "schema"
	ruleMutable    = "mutable-tag"
	rulePin        = "pin"
	ruleDrift      = "drift"
	ruleUnused     = "unused"
	ruleCluster    = "cluster"
	ruleIgnore     = "ignore"
	ruleBypass     = "bypass"
	fluxRulePrefix = "flux-"
)

// Rules are all that there are, but for those of the package fluxlint, whose ids
// begin with "flux-".
func Rules() []Rule {
	return []Rule{
		{ruleYAML, Error, "a file is no YAML", "nothing in it is applied, and a build that reads it fails"},
		{rulePolicy, Error, "the policy is not valid", "Sluice stops moving versions until it is"},
		{ruleBuild, Error, "a kustomization does not build", "Flux applies nothing of it"},
		{rulePath, Error, "a kustomization names something that is not there", "Flux applies nothing of it"},
		{ruleFluxPath, Error, "a Flux Kustomization's path is not there", "it reports a failure and applies nothing"},
		{ruleDependsOn, Error, "a dependency is unknown or circular", "a Kustomization or HelmRelease waits for ever"},
		{ruleNamespace, Error, "an object lies in a namespace that nobody declares", "the API server refuses the object"},
		{ruleSource, Error, "a source is named that nobody declares", "Flux finds nothing to apply or to install"},
		{ruleDuplicate, Error, "two builds of a cluster hold the same object", "they take turns in overwriting it, and deleting one deletes it"},
		{ruleVariable, Error, "a variable has no value", "strict substitution fails, and a lax one leaves it empty"},
		{ruleSecret, Error, "a secret stands in Git in plain", "whoever can read the repository, or a clone of it, has it"},
		{ruleWrite, Note, "something here needs a key that may write", "whoever has the cluster can then change what all clusters run"},
		{ruleRemoved, Error, "an API version is gone", "the API server refuses the object"},
		{ruleSchema, Error, "an object is not what its API takes", "the API server refuses it, or drops what it does not know"},
		{ruleMutable, Warning, "an image of the last environment has a tag that moves", "what runs is not what was tested, and a restart can change it"},
		{rulePin, Warning, "a version cannot be promoted", "the app stays where it is until somebody moves it by hand"},
		{ruleDrift, Warning, "the overlays of an app build on different things", "what was tried in one environment is not what runs in the next"},
		{ruleUnused, Warning, "nothing builds on this", "it looks as if it were deployed, and is not"},
		{ruleCluster, Warning, "the policy and the directories name different clusters", "versions move in none that the policy does not name"},
		{ruleIgnore, Warning, "a comment ignores nothing, or does not say why", "the next reader cannot tell whether it still holds"},
		{ruleBypass, Error, "a change reaches a later environment without the gates of the chain", "nobody tries it before it runs there"},
	}
}

func severityOf(id string) Severity {
	for _, r := range Rules() {
		if r.ID == id {
			return r.Severity
		}
	}
	return Warning
}
