package settings_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
)

func tables() []settings.Table {
	return []settings.Table{settings.Receiver(), settings.Promoter(), settings.Serve()}
}

func TestTablesAreSound(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, table := range tables() {
		taken := map[string]string{}
		take := func(what, name string) {
			if other, ok := taken[what]; ok {
				t.Errorf("%s: %s belongs to %s and to %s", table.Program, what, other, name)
			}
			taken[what] = name
		}
		for _, s := range table.Settings {
			if !kebab.MatchString(s.Name) {
				t.Errorf("%s: %q is not in kebab case", table.Program, s.Name)
			}
			take("--"+s.Flag(), s.Name)
			take(s.Env(), s.Name)
			if s.EnvFile() != "" {
				take(s.EnvFile(), s.Name)
			}
			if s.Group == "" || s.Usage == "" || strings.HasSuffix(s.Usage, ".") {
				t.Errorf("%s: %s needs a group and a usage without full stop", table.Program, s.Name)
			}
			if s.Kind == settings.URL && len(s.Schemes) == 0 {
				t.Errorf("%s: %s allows no scheme", table.Program, s.Name)
			}
			if s.Kind >= settings.Secret && s.Default != "" {
				t.Errorf("%s: the secret %s has a default", table.Program, s.Name)
			}
			if strings.HasSuffix(s.Name, "-port") || strings.HasSuffix(s.Name, "-service-host") {
				t.Errorf("%s: %s looks like a variable that Kubernetes sets", table.Program, s.Name)
			}
		}
		for _, rule := range table.Rules {
			for _, name := range slices.Concat(rule.If, rule.Needs, rule.AnyOf, rule.Excludes) {
				known := slices.ContainsFunc(table.Settings, func(s settings.Setting) bool { return s.Name == name })
				if name != "" && !known {
					t.Errorf("%s: a rule speaks of %s, which is no setting", table.Program, name)
				}
			}
		}
	}
}

// minimal is what each program needs and has no default for.
func minimal(program string) []string {
	if program == "receiver" {
		return []string{"SLUICE_GITLAB_WEBHOOK_SECRETS=s3cret"}
	}
	return []string{"SLUICE_GITLAB_TOKEN=glpat-x", "SLUICE_PROJECTS=ai-platform/platform-gitops"}
}

// It is run where "sluice serve" runs, with all that this needs in its environment.
func TestDeadLettersTakesTheEnvironmentOfServe(t *testing.T) {
	if _, err := settings.Resolve(settings.DeadLetters(), nil, append(minimal("serve"), "SLUICE_MIRROR_DIR=/m"), noFiles); err != nil {
		t.Error(err)
	}
	if _, err := settings.Resolve(settings.DeadLetters(), nil, []string{"SLUICE_DATA_DIRS=/x"}, noFiles); err == nil {
		t.Error("a misspelt variable is taken")
	}
}

func TestSmallestConfigurationIsEnough(t *testing.T) {
	for _, table := range tables() {
		values, err := settings.Resolve(table, nil, minimal(table.Program), noFiles)
		if err != nil {
			t.Errorf("%s: %v", table.Program, err)
			continue
		}
		if table.Program != "receiver" && (values.Bool(settings.Act) || values.Duration(settings.SweepInterval) != 5*time.Minute) {
			t.Errorf("%s: want a dry run that sweeps every 5 minutes by default", table.Program)
		}
		if got := values.URL(settings.NATSURL); (got == nil) != (table.Program == "sluice serve") {
			t.Errorf("%s: NATS URL is %v by default", table.Program, got)
		}
	}
}

func TestNoConfigurationSaysWhatIsMissing(t *testing.T) {
	want := map[string][]string{
		"receiver":     {"none of gitlab-webhook-secrets, gitlab-signing-keys, flux-keys is set"},
		"promoter":     {"gitlab-token is required: set --gitlab-token-file, SLUICE_GITLAB_TOKEN or SLUICE_GITLAB_TOKEN_FILE", "projects is required"},
		"sluice serve": {"gitlab-token is required", "projects is required"},
	}
	for _, table := range tables() {
		_, err := settings.Resolve(table, nil, nil, noFiles)
		for _, text := range want[table.Program] {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %v does not say %q", table.Program, err, text)
			}
		}
	}
}

func TestRules(t *testing.T) {
	key := "SLUICE_GIT_SSH_KEY=-----BEGIN"
	creds := "SLUICE_NATS_CREDENTIALS_FILE=/creds"
	remote := "SLUICE_NATS_URL=nats://nats:4222"
	tests := []struct {
		name  string
		table settings.Table
		env   []string
		want  string // part of the error; empty for none
	}{
		{"ssh key without known hosts", settings.Promoter(), []string{key}, "git-ssh-key is set without git-known-hosts-file"},
		{"ssh key with known hosts", settings.Promoter(), []string{key, "SLUICE_GIT_KNOWN_HOSTS_FILE=/hosts"}, ""},
		{"credentials and user", settings.Receiver(), []string{creds, "SLUICE_NATS_USER=u", "SLUICE_NATS_PASSWORD=p"}, "nats-credentials-file and nats-user are both set"},
		{"credentials and token", settings.Receiver(), []string{creds, "SLUICE_NATS_TOKEN=t"}, "nats-credentials-file and nats-token are both set"},
		{"token and user", settings.Promoter(), []string{"SLUICE_NATS_TOKEN=t", "SLUICE_NATS_USER=u", "SLUICE_NATS_PASSWORD=p"}, "nats-token and nats-user are both set"},
		{"user without password", settings.Receiver(), []string{"SLUICE_NATS_USER=u"}, "nats-user is set without nats-password"},
		{"password without user", settings.Receiver(), []string{"SLUICE_NATS_PASSWORD=p"}, "nats-password is set without nats-user"},
		{"certificate without key", settings.Receiver(), []string{"SLUICE_NATS_CERT_FILE=/crt"}, "nats-cert-file is set without nats-key-file"},
		{"certificate with key", settings.Receiver(), []string{"SLUICE_NATS_CERT_FILE=/crt", "SLUICE_NATS_KEY_FILE=/key"}, ""},
		{"signature required, no key", settings.Receiver(), []string{"SLUICE_REQUIRE_SIGNATURE=true"}, "require-signature is set without gitlab-signing-keys"},
		{"signature not required, no key", settings.Receiver(), []string{"SLUICE_REQUIRE_SIGNATURE=false"}, ""},
		{"credentials for the embedded server", settings.Serve(), []string{creds}, "nats-credentials-file is set without nats-url"},
		{"credentials for a remote server", settings.Serve(), []string{creds, remote}, ""},
		{"setting of another program", settings.Receiver(), []string{"SLUICE_SWEEP_INTERVAL=1m"}, "SLUICE_SWEEP_INTERVAL is no setting of receiver"},
		{"password in a URL", settings.Receiver(), []string{"SLUICE_NATS_URL=nats://u:hunter2@nats"}, "must not carry a user or a password"},
		{"scheme of another service", settings.Promoter(), []string{"SLUICE_GITLAB_URL=ssh://gitlab.com"}, `want a URL that starts with https:// or http://, found "ssh://gitlab.com"`},
		{"unknown log format", settings.Receiver(), []string{"SLUICE_LOG_FORMAT=xml"}, `log-format: SLUICE_LOG_FORMAT: want one of json, text, found "xml"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := settings.Resolve(tt.table, nil, append(minimal(tt.table.Program), tt.env...), noFiles)
			check(t, err, tt.want)
		})
	}
}

func TestEveryFlagParsesAndSaysItsVariable(t *testing.T) {
	for _, table := range tables() {
		flags := pflag.NewFlagSet(table.Program, pflag.ContinueOnError)
		settings.Register(table, flags)
		for _, s := range table.Settings {
			f := flags.Lookup(s.Flag())
			if f == nil || !strings.Contains(f.Usage, s.Env()) {
				t.Errorf("%s: --%s is missing or does not name %s", table.Program, s.Flag(), s.Env())
			}
			if s.Kind >= settings.Secret && flags.Lookup(s.Name) != nil {
				t.Errorf("%s: the secret %s can be given on the command line", table.Program, s.Name)
			}
		}
	}
}
