package settings

import "strings"

const (
	envPrefix  = "SLUICE_"
	fileSuffix = "_FILE"
)

// Kind is the type of a setting's value.
type Kind int

// The kinds. The three of secrets are never shown in an error, and their flag
// takes the name of a file.
const (
	String    Kind = iota
	Path           // of a file or directory; has no _FILE variable, being one
	URL            // absolute, without user and password
	Bool           // true or false
	Int            // not negative
	Duration       // longer than zero, as Go writes it: 90s, 5m, 24h
	List           // separated by commas or newlines
	Secret         // one secret
	Secrets        // several, separated by commas or newlines
	SecretMap      // lines of name=secret; a name may have several
)

// String names the kind as the documentation and the help text do.
func (k Kind) String() string {
	return [...]string{"text", "path", "url", "bool", "number", "duration", "list", "secret", "secrets", "name=secret lines"}[k]
}

// secret relies on the secrets being the last of the kinds.
func (k Kind) secret() bool { return k >= Secret }

// Setting is one line of a table. What can be derived from its name is: the
// flag, the two variables, and with them the words of every error.
type Setting struct {
	Name     string // in kebab case; the flag is named so too
	Group    string // the heading it stands under in the documentation
	Kind     Kind
	Default  string // as a person would write it; never for a secret
	Required bool
	Choices  []string // the only values allowed, for String
	Schemes  []string // the only schemes allowed, for URL
	Usage    string   // one phrase, lower case, no full stop
}

// Env is the setting's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// EnvFile is the environment variable that names a file with the setting's
// value, and empty for a Path.
func (s Setting) EnvFile() string {
	if s.Kind == Path {
		return ""
	}
	return s.Env() + fileSuffix
}

// Flag is the setting's flag, without dashes. That of a secret ends in -file,
// which tells its user that it takes no secret.
func (s Setting) Flag() string {
	if s.Kind.secret() {
		return s.Name + "-file"
	}
	return s.Name
}

// places lists, for an error, where the setting may be given.
func (s Setting) places() string {
	all := []string{"--" + s.Flag(), s.Env()}
	if file := s.EnvFile(); file != "" {
		all = append(all, file)
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// Rule is a demand on several settings together. A setting counts as given if
// its value is not empty and not false. Rules are data, so that the
// documentation can state them.
type Rule struct {
	If       []string // the rule is about each of these that is given
	Needs    []string // then all of these must be given
	Excludes []string // then none of these may be given
	AnyOf    []string // at least one of these must be given, whatever If says
	Because  string   // follows a colon, in the error and in the documentation
}

// Table is the configuration of one program. Its order is that of the
// documentation and of the errors. Names are unique within it, also with
// _FILE appended.
type Table struct {
	Program  string // as its user calls it
	Settings []Setting
	Rules    []Rule
	// Beside are settings of a program beside which this one is started: their
	// variables are no mistake and mean nothing.
	Beside []Setting
}
