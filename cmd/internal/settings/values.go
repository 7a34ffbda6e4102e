package settings

import (
	"net/url"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Values are the settings of one run. A getter gives the zero value for a
// setting that has no value, and also for a name that is not in the table or
// is of another kind: use the constants of this package, and a wrong one shows
// in the first test. Values are safe for concurrent use.
type Values struct {
	// lookup gives the entry of a name, if there is one. It is a function because
	// fmt cannot look inside one: printed Values, also deep inside another struct
	// and with whatever verb, show no secret. The zero Values have none.
	lookup   func(name string) (entry, bool)
	readFile func(string) ([]byte, error)
}

// newValues takes the map over.
func newValues(entries map[string]entry, readFile func(string) ([]byte, error)) Values {
	lookup := func(name string) (entry, bool) {
		e, ok := entries[name]
		return e, ok
	}
	return Values{lookup: lookup, readFile: readFile}
}

func (v Values) find(name string) (entry, bool) {
	if v.lookup == nil {
		return entry{}, false
	}
	return v.lookup(name)
}

// entry refuses another kind, so that Values.String cannot give a secret away.
func (v Values) entry(name string, kind Kind) entry {
	if e, ok := v.find(name); ok && e.kind == kind {
		return e
	}
	return entry{}
}

// Given says whether a setting has a value, if only its default. A Bool that
// is false is not given.
func (v Values) Given(name string) bool {
	e, ok := v.find(name)
	return ok && e.given()
}

// String returns a String setting.
func (v Values) String(name string) string { return v.entry(name, String).text }

// Path returns a Path setting, as it was written.
func (v Values) Path(name string) string { return v.entry(name, Path).text }

// Bool returns a Bool setting.
func (v Values) Bool(name string) bool { return v.entry(name, Bool).flag }

// Int returns an Int setting.
func (v Values) Int(name string) int { return v.entry(name, Int).number }

// Duration returns a Duration setting.
func (v Values) Duration(name string) time.Duration { return v.entry(name, Duration).duration }

// List returns a List setting in the order it was written, without blanks.
func (v Values) List(name string) []string {
	items, _ := split(v.entry(name, List).text) // Resolve has split it before
	return items
}

// URL returns a copy of a URL setting, nil if it has no value.
func (v Values) URL(name string) *url.URL {
	u := v.entry(name, URL).url
	if u == nil {
		return nil
	}
	copied := *u
	return &copied
}

// Secret returns a function that gives a Secret setting's present content. It
// reads the file anew each time, so that a rotated secret is used from the
// next call on; a value from the environment stays as it is. A setting without
// a value gives an empty secret. The error is of kind core.Transient: a file
// that is being replaced is there again soon.
func (v Values) Secret(name string) func() (core.Secret, error) {
	read := v.secret(name, Secret)
	return func() (core.Secret, error) {
		text, err := read()
		return core.Secret(text), err
	}
}

// Secrets is Secret for a setting of kind Secrets. The order is as written.
func (v Values) Secrets(name string) func() ([]core.Secret, error) {
	read := v.secret(name, Secrets)
	return func() ([]core.Secret, error) {
		text, err := read()
		if err != nil {
			return nil, err
		}
		items, err := split(text)
		if err != nil {
			return nil, core.Errorf(core.Transient, "read %s again: %w", name, err)
		}
		return asSecrets(items), nil
	}
}

// SecretMap is Secret for a setting of kind SecretMap.
func (v Values) SecretMap(name string) func() (map[string][]core.Secret, error) {
	read := v.secret(name, SecretMap)
	return func() (map[string][]core.Secret, error) {
		text, err := read()
		if err != nil {
			return nil, err
		}
		lines, err := splitMap(text)
		if err != nil {
			return nil, core.Errorf(core.Transient, "read %s again: %w", name, err)
		}
		all := make(map[string][]core.Secret, len(lines))
		for key, items := range lines {
			all[key] = asSecrets(items)
		}
		return all, nil
	}
}

// secret is what the three kinds share: the text, from the file as it is now.
func (v Values) secret(name string, kind Kind) func() (string, error) {
	e := v.entry(name, kind)
	return func() (string, error) {
		if e.path == "" {
			return e.text, nil
		}
		text, err := content(v.readFile, e.path)
		if err != nil {
			return "", core.Errorf(core.Transient, "read %s again: %w", name, err)
		}
		return text, nil
	}
}

func asSecrets(items []string) []core.Secret {
	all := make([]core.Secret, len(items))
	for i, item := range items {
		all[i] = core.Secret(item)
	}
	return all
}
