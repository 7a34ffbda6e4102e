package core

import (
	"log/slog"
)

// Secret is a text that no log, error, panic trace of fmt or JSON document of
// ours may show. Reveal is the one way to its content, so that every use of it
// can be found by searching for that name.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret itself. Call it where the text leaves the process
// on purpose, and nowhere else.
func (s Secret) Reveal() string { return string(s) }

// String hides the content from %s, %v and %q.
func (Secret) String() string { return redacted }

// GoString hides the content from %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides the content from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the content from encoding/json and its like.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
