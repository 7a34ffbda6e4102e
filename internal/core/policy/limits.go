package policy

import "time"

// The limits of a policy. They are far above what a monorepo needs, and low
// enough that a hostile or generated file cannot make a pass slow.
const (
	maxFileBytes    = 256 << 10           // a policy that people cannot read through is refused
	maxProblems     = 50                  // reported at once; the rest is counted
	maxLayouts      = 20                  // each is walked in every pass, and compared with each other
	maxEnvironments = 50                  // order and cycles are found in quadratic time
	maxSources      = 20                  // environments in one from
	maxClusters     = 200                 // per environment
	maxApps         = 500                 // rules; each app is matched against each
	maxPrincipals   = 50                  // per environment; each group costs a request per person
	maxAfter        = 20                  // apps that one app waits for; each is judged in every pass
	maxApprovals    = 20                  // a count that nobody can reach is a mistake
	maxLimit        = 1000                // merge requests; more than anybody reads is no limit
	maxIssue        = 1 << 31             // GitLab numbers issues within a project
	maxSoak         = 90 * 24 * time.Hour // a soak longer than a quarter is a mistake
	maxWindows      = 20                  // per environment; each is laid out over three weeks to find the next opening
	maxExpressions  = 20                  // per environment; all are evaluated in each pass
	maxFreezes      = 100                 // per list; a year of them fits, and past ones may stay for a while
	maxPhrase       = 200                 // characters of a text that goes into sentences
	maxNameLength   = 63                  // of environments and clusters; they become parts of branch names, labels and headers
	maxGroupDepth   = 20                  // GitLab's own limit for nested groups
	maxFields       = 50                  // each is looked for in every object
	maxFieldSteps   = 20                  // of a field's path
	maxGroup        = 253                 // characters of an API's group, as Kubernetes allows
	maxMembers      = 20                  // that one rule couples
	maxTagGlobs     = 50                  // per rule; each tag is matched against each
	maxTag          = 128                 // characters of a tag, as registries allow
	maxConstraint   = 200                 // characters of a version constraint
	maxPathLength   = 300                 // characters of a layout pattern
	maxShown        = 60                  // characters of foreign text in an error
	maxDepth        = 10                  // levels of nesting; the deepest key of a policy is at 6
)
