package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what may be done about an error. It is a closed set: retries,
// acknowledgements and HTTP statuses are decided by it and by nothing else.
type Kind int

// The kinds. Internal is the zero value, so an error that nobody classified is
// treated as a defect and never as something that a retry would mend.
const (
	Internal  Kind = iota // a defect or a broken invariant: stop this item and say so
	Invalid               // input that can never be right: correct the input
	NotFound              // what was named does not exist, or may not be seen
	Conflict              // it moved, or is so already: observe again, then decide
	Denied                // credentials or rights are missing: a person must act
	Transient             // may work later, unchanged
)

// String names the kind as logs and metrics spell it.
func (k Kind) String() string {
	return [...]string{"internal", "invalid", "not found", "conflict", "denied", "transient"}[k]
}

// Error is an error with a kind and, where the other side asked for it, the
// time to stay away.
type Error struct {
	Kind  Kind
	After time.Duration // how long the other side asked to be left alone; 0 if it did not say
	err   error
}

// Error is the message alone: the kind is for machines.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.err }

// Errorf makes an error of a kind; the format takes %w as fmt.Errorf does.
// A kind given further out wins over one further in.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, err: fmt.Errorf(format, args...)}
}

// RetryAfter is a Transient error that carries the wait the other side asked for.
func RetryAfter(wait time.Duration, err error) error {
	return &Error{Kind: Transient, After: wait, err: err}
}

// KindOf returns the outermost kind in the chain. An ended context counts as
// Transient, and an error that carries no kind as Internal.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Transient
	default:
		return Internal
	}
}

// WaitOf returns the longest wait that any error asks for, in the chain or
// among those that were joined.
func WaitOf(err error) time.Duration {
	var wait time.Duration
	if e, ok := err.(*Error); ok {
		wait = e.After
	}
	switch inner := err.(type) {
	case interface{ Unwrap() error }:
		wait = max(wait, WaitOf(inner.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, err := range inner.Unwrap() {
			wait = max(wait, WaitOf(err))
		}
	}
	return wait
}
