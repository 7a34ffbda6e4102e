package settings

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sluice-gitops/sluice/internal/core"
)

// ReadFile reads a mounted file for Resolve, up to the size a setting may have.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileBytes+1))
}

// Resolve finds the value of every setting. The flags are those of Register,
// already parsed, or nil; environ has the form of os.Environ; readFile is
// ReadFile outside of tests and is kept by the Values to read secrets again.
//
// The error is of kind core.Invalid and holds everything that is wrong, one
// line each, in the order of the table. It shows no secret.
func Resolve(t Table, flags *pflag.FlagSet, environ []string, readFile func(string) ([]byte, error)) (Values, error) {
	r := resolver{flags: flags, env: variables(environ), readFile: readFile}
	problems := unknown(t, r.env)
	entries := make(map[string]entry, len(t.Settings))
	clean := true
	for _, s := range t.Settings {
		e, err := r.resolve(s)
		if err != nil {
			problems, clean = append(problems, err), false
			continue
		}
		entries[s.Name] = e
	}
	values := newValues(entries, readFile)
	if clean {
		// A rule about a value that could not be read would only confuse.
		problems = append(problems, broken(t, values)...)
	}
	if len(problems) > 0 {
		return Values{}, core.Errorf(core.Invalid, "configure %s: %w", t.Program, errors.Join(problems...))
	}
	return values, nil
}

// variables keeps what is ours and not empty. Of a name that occurs twice the
// last one counts, as in os/exec.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, envPrefix) {
			vars[name] = text
		}
	}
	maps.DeleteFunc(vars, func(_, text string) bool { return text == "" })
	return vars
}

// resolver is what one call of Resolve looks into.
type resolver struct {
	flags    *pflag.FlagSet
	env      map[string]string
	readFile func(string) ([]byte, error)
}

// source is a place that gives a setting a value. Its label goes in front of
// every complaint about the value, so that the reader knows where to mend it.
type source struct {
	label  string // as an error names it
	text   string // the value, or a path
	isFile bool   // text is the path of a file with the value
}

// resolve takes the first source, after making sure that no other contradicts
// it. The text of a source that loses is not even looked at: a flag must be able
// to help somebody whose environment is wrong.
func (r resolver) resolve(s Setting) (entry, error) {
	sources := r.sources(s)
	if err := contradiction(s, sources); err != nil {
		return entry{}, err
	}
	from := source{label: "default", text: s.Default}
	if len(sources) > 0 {
		from = sources[0]
	}
	if s.Required && from.text == "" {
		return entry{}, fmt.Errorf("%s is required: set %s", s.Name, s.places())
	}
	if !from.isFile {
		return parse(s, from)
	}
	text, err := content(r.readFile, from.text)
	if err != nil {
		return entry{}, fmt.Errorf("%s: %s: %w", s.Name, from.label, err)
	}
	e, err := parse(s, source{label: from.label, text: text})
	e.path = from.text
	return e, err
}

// sources lists the places that give a value, the strongest first.
func (r resolver) sources(s Setting) []source {
	var found []source
	if r.flags != nil && r.flags.Changed(s.Flag()) {
		text := r.flags.Lookup(s.Flag()).Value.String()
		found = append(found, source{label: "--" + s.Flag(), text: text, isFile: s.Kind.secret()})
	}
	if text, ok := r.env[s.Env()]; ok {
		found = append(found, source{label: s.Env(), text: text})
	}
	if text, ok := r.env[s.EnvFile()]; ok {
		found = append(found, source{label: s.EnvFile(), text: text, isFile: true})
	}
	return found
}

// contradiction refuses a value beside a file. A flag may override a variable,
// which is how one run is made different from the others; a secret has one
// source, so that rotating it there is enough.
func contradiction(s Setting, sources []source) error {
	if len(sources) < 2 {
		return nil
	}
	last := sources[len(sources)-1]
	if !s.Kind.secret() && !last.isFile {
		return nil
	}
	return fmt.Errorf("%s: both %s and %s are set: keep one of them", s.Name, sources[0].label, last.label)
}

// content reads a value from a file. The newline that every editor and echo
// appends is not part of it. More than that is not removed: a secret may end in
// a space, and Flux hashes its tokens as they are.
func content(readFile func(string) ([]byte, error), path string) (string, error) {
	data, err := readFile(path)
	if err != nil {
		return "", err
	}
	if len(data) > maxFileBytes {
		return "", fmt.Errorf("file %s is larger than %d bytes, which no setting is", path, maxFileBytes)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("file %s is empty", path)
	}
	return text, nil
}
