package settings

import "slices"

const (
	webhooksGroup  = "Webhooks"
	gitlabGroup    = "GitLab"
	promotionGroup = "Promotion"
)

// Receiver is the configuration of the receiver. It holds no credentials for
// GitLab: the program that the world can reach is able to verify and to publish,
// and to do nothing else.
func Receiver() Table {
	return Table{
		Program:  "receiver",
		Settings: slices.Concat(logging(), natsURL(), natsAccess(), listen(":8080", "address to take webhooks at"), webhooks()),
		Rules:    slices.Concat(natsRules(), webhookRules(), []Rule{verifiable()}),
	}
}

// Promoter is the configuration of the promoter. It knows none of the keys that
// prove a webhook, because it takes none.
func Promoter() Table {
	return Table{
		Program: "promoter",
		Settings: slices.Concat(logging(), natsURL(), natsAccess(),
			listen(":8081", "address to show metrics and health at"), gitlab(), promotion(), mirrors(), git()),
		Rules: slices.Concat(natsRules(), gitRules()),
	}
}

// Serve is the configuration of "sluice serve": both services in one process,
// with a NATS server inside unless the URL of another one is given.
func Serve() Table {
	return Table{
		Program: "sluice serve",
		Settings: slices.Concat(logging(), embeddedNATS(), natsAccess(),
			listen(":8080", "address to take webhooks and to show metrics and health at"), webhooks(), gitlab(), promotion(), data(), git()),
		Rules: slices.Concat(natsRules(), embeddedNATSRules(), webhookRules(), gitRules()),
	}
}

// DeadLetters is the configuration of "sluice dead-letters", which reaches NATS
// as "sluice serve" does.
func DeadLetters() Table {
	return Table{
		Program:  "sluice dead-letters",
		Settings: slices.Concat(embeddedNATS(), natsAccess(), data()),
		Rules:    slices.Concat(natsRules(), embeddedNATSRules()),
		Beside:   slices.Concat(Serve().Settings, Promoter().Settings),
	}
}

// Setup is the configuration of "sluice setup", which gives GitLab's webhook
// what the receiver is configured with.
func Setup() Table {
	return Table{
		Program:  "sluice setup",
		Settings: slices.Concat(webhookSecrets(), gitlabAccess(), policyPath()),
		Beside:   slices.Concat(Serve().Settings, Promoter().Settings, Receiver().Settings),
	}
}

// logging defaults to what a log collector wants; a person who starts a program
// by hand asks for text.
func logging() []Setting {
	const group = "Logging"
	return []Setting{
		{Name: LogLevel, Group: group, Default: "info", Choices: []string{"debug", "info", "warn", "error"}, Usage: "least severe level that is logged"},
		{Name: LogFormat, Group: group, Default: "json", Choices: []string{"json", "text"}, Usage: "form of a log line"},
	}
}

// listen differs in what is served, so each program words it by itself. The
// grace is shorter than the 30 s after which Kubernetes kills.
func listen(address, usage string) []Setting {
	const group = "Serving"
	return []Setting{
		{Name: Listen, Group: group, Default: address, Usage: usage},
		{Name: ShutdownGrace, Group: group, Kind: Duration, Default: "20s", Usage: "time that work in progress gets to finish on shutdown"},
	}
}

// webhooks are lists throughout, since replacing a secret needs a time in which
// the old and the new one are both taken.
func webhooks() []Setting {
	const group = webhooksGroup
	return append(webhookSecrets(), []Setting{
		{Name: RequireSignature, Group: group, Kind: Bool, Default: "false", Usage: "refuse GitLab webhooks that are not signed, even with the right secret token"},
		{Name: FluxKeys, Group: group, Kind: SecretMap, Usage: "keys of the clusters' generic-hmac providers, a line cluster=key for each"},
	}...)
}

func webhookSecrets() []Setting {
	return []Setting{
		{Name: GitLabWebhookSecrets, Group: webhooksGroup, Kind: Secrets, Usage: "secret tokens of the GitLab webhooks; several while one is being replaced"},
		{Name: GitLabSigningKeys, Group: webhooksGroup, Kind: Secrets, Usage: "signing tokens of the GitLab webhooks, each starting with whsec_"},
	}
}

func webhookRules() []Rule {
	return []Rule{
		{If: []string{RequireSignature}, Needs: []string{GitLabSigningKeys}, Because: "without a signing token every webhook would be refused"},
	}
}

// verifiable holds for the receiver alone: "sluice serve" does its work without
// webhooks too, only later.
func verifiable() Rule {
	return Rule{AnyOf: []string{GitLabWebhookSecrets, GitLabSigningKeys, FluxKeys}, Because: "what cannot be verified is refused, so nothing would be taken"}
}

// gitlab has no default for the projects. Taking every project that a token can
// see would put repositories under promotion that nobody meant.
func gitlab() []Setting {
	return append(gitlabAccess(), Setting{
		Name: Projects, Group: gitlabGroup, Kind: List, Required: true, Usage: "full paths of the monorepos' projects, such as ai-platform/platform-gitops",
	})
}

func gitlabAccess() []Setting {
	const group = gitlabGroup
	return []Setting{
		{Name: GitLabURL, Group: group, Kind: URL, Schemes: []string{"https", "http"}, Default: "https://gitlab.com", Required: true, Usage: "GitLab's address, without /api/v4"},
		{Name: GitLabToken, Group: group, Kind: Secret, Required: true, Usage: "access token with the scope api"},
		{Name: GitLabCAFile, Group: group, Kind: Path, Usage: "PEM certificates to trust beside the system's, for GitLab"},
	}
}

// promotion contains the one switch between looking and doing. It defaults to
// looking, because the first start against a real GitLab is the one with the
// mistakes in it.
func promotion() []Setting {
	const group = promotionGroup
	return []Setting{
		{Name: Act, Group: group, Kind: Bool, Default: "false", Usage: "do what is planned; while false, plans are made and logged, and nothing is changed"},
		{Name: SweepInterval, Group: group, Kind: Duration, Default: "5m", Usage: "longest time until a change is seen of which no webhook told"},
		policyPath()[0],
		{Name: FluxReceiversFile, Group: group, Kind: Path, Usage: "YAML or JSON file with the Flux Receivers to trigger: cluster, url, name, namespace, type and token-file of each"},
	}
}

func policyPath() []Setting {
	return []Setting{{Name: PolicyPath, Group: promotionGroup, Default: "sluice.yaml", Required: true, Usage: "the policy's path in each monorepo"}}
}

// mirrors keeps the word that nothing in the directory is state.
func mirrors() []Setting {
	return []Setting{
		{Name: MirrorDir, Group: gitGroup, Kind: Path, Default: "/var/lib/sluice/mirrors", Required: true, Usage: "directory of the bare mirrors; may be lost at any time"},
	}
}

// data takes the place of mirrors where the NATS server needs a directory too.
func data() []Setting {
	return []Setting{
		{Name: DataDir, Group: gitGroup, Kind: Path, Default: "/var/lib/sluice", Required: true, Usage: "directory of the embedded NATS server's store and of the bare mirrors; may be lost at any time"},
	}
}
