package settings

// The names of all settings, for Values. What each means stands in the tables,
// and of which kind it is; the getter must be of that kind.
const (
	LogLevel  = "log-level"
	LogFormat = "log-format"

	NATSURL             = "nats-url"
	NATSCredentialsFile = "nats-credentials-file"
	NATSUser            = "nats-user"
	NATSPassword        = "nats-password"
	NATSToken           = "nats-token"
	NATSCAFile          = "nats-ca-file"
	NATSCertFile        = "nats-cert-file"
	NATSKeyFile         = "nats-key-file"

	Listen               = "listen"
	ShutdownGrace        = "shutdown-grace"
	GitLabWebhookSecrets = "gitlab-webhook-secrets"
	GitLabSigningKeys    = "gitlab-signing-keys"
	RequireSignature     = "require-signature"
	FluxKeys             = "flux-keys"

	GitLabURL    = "gitlab-url"
	GitLabToken  = "gitlab-token"
	GitLabCAFile = "gitlab-ca-file"
	Projects     = "projects"

	PolicyPath        = "policy-path"
	SweepInterval     = "sweep-interval"
	Act               = "act"
	FluxReceiversFile = "flux-receivers-file"

	MirrorDir         = "mirror-dir"
	DataDir           = "data-dir"
	GitSSHKey         = "git-ssh-key"
	GitSSHHost        = "git-ssh-host"
	GitKnownHostsFile = "git-known-hosts-file"
	GitUserName       = "git-user-name"
	GitUserEmail      = "git-user-email"
)
