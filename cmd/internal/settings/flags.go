package settings

import (
	"strings"

	"github.com/spf13/pflag"
)

// Register adds the table's flags, each with the name of its environment
// variable in the help text. Their values are checked by Resolve, together
// with all others, and not while the flags are parsed.
func Register(t Table, flags *pflag.FlagSet) {
	for _, s := range t.Settings {
		flag := flags.VarPF(&flagValue{kind: s.Kind, text: s.Default}, s.Flag(), "", help(s))
		if s.Kind == Bool {
			flag.NoOptDefVal = "true"
		}
	}
}

// help is the flag's line in the help text. A person who reads it in a
// terminal wants to know the variable for the deployment next.
func help(s Setting) string {
	if s.Kind.secret() {
		return "file with the " + s.Usage + " (" + s.EnvFile() + ", or the value in " + s.Env() + ")"
	}
	text := s.Usage
	if len(s.Choices) > 0 {
		text += ": " + strings.Join(s.Choices, ", ")
	}
	if s.Required && s.Default == "" {
		text += ", required"
	}
	return text + " (" + s.Env() + ")"
}

// flagValue keeps what stands on the command line, unparsed. A value is then
// checked in one place with one message, wherever it came from.
type flagValue struct {
	kind Kind
	text string
	set  bool
}

// Set replaces the text; a repeated list adds to it.
func (v *flagValue) Set(text string) error {
	if v.kind == List && v.set {
		text = v.text + "," + text
	}
	v.text, v.set = text, true
	return nil
}

// String is the text as it was given.
func (v *flagValue) String() string { return v.text }

// Type is the word for the value in the help text.
func (v *flagValue) Type() string {
	if v.kind.secret() {
		return Path.String()
	}
	return v.kind.String()
}
