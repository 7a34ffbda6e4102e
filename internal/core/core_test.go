package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestKindOf(t *testing.T) {
	base := errors.New("base")
	for name, c := range map[string]struct {
		err  error
		want core.Kind
	}{
		"unclassified is a defect":   {base, core.Internal},
		"classified":                 {core.Errorf(core.Denied, "no"), core.Denied},
		"wrapped by fmt":             {fmt.Errorf("read: %w", core.Errorf(core.NotFound, "no")), core.NotFound},
		"the outer kind wins":        {core.Errorf(core.Invalid, "read: %w", core.Errorf(core.NotFound, "no")), core.Invalid},
		"a context that ended":       {fmt.Errorf("read: %w", context.Canceled), core.Transient},
		"a deadline that passed":     {context.DeadlineExceeded, core.Transient},
		"asked to stay away":         {core.RetryAfter(time.Second, base), core.Transient},
		"the first of several joins": {errors.Join(core.Errorf(core.Conflict, "moved"), base), core.Conflict},
	} {
		if got := core.KindOf(c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if err := core.Errorf(core.Invalid, "read: %w", base); !errors.Is(err, base) || err.Error() != "read: base" {
		t.Errorf("%v does not wrap its cause", err)
	}
}

func TestWaitOf(t *testing.T) {
	short, long := core.RetryAfter(time.Second, errors.New("a")), core.RetryAfter(time.Minute, errors.New("b"))
	for name, c := range map[string]struct {
		err  error
		want time.Duration
	}{
		"none":             {nil, 0},
		"nobody asked":     {errors.New("x"), 0},
		"inside a chain":   {core.Errorf(core.Conflict, "x: %w", fmt.Errorf("y: %w", short)), time.Second},
		"among joined":     {core.Errorf(core.Conflict, "%w", errors.Join(errors.New("x"), short, long)), time.Minute},
		"the longest wins": {core.RetryAfter(time.Second, long), time.Minute},
	} {
		if got := core.WaitOf(c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestASecretIsNeverShown(t *testing.T) {
	const content = "glpat-0123456789"
	s := core.Secret(content)
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "token", s, "in", struct{ Token core.Secret }{s})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "token", s, "in", struct{ Token core.Secret }{s})
	fmt.Fprintf(&out, "%s %v %q %+v %#v %v", s, s, s, struct{ T core.Secret }{s}, s, []core.Secret{s})
	if err := json.NewEncoder(&out).Encode(map[string]core.Secret{"token": s}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&out, core.Errorf(core.Denied, "token %s refused", s))
	if strings.Contains(out.String(), content) {
		t.Errorf("shown in:\n%s", out.String())
	}
	if s.Reveal() != content {
		t.Error("Reveal does not reveal")
	}
}

func TestParseSHA(t *testing.T) {
	good := strings.Repeat("0a", 20)
	for _, s := range []string{good, strings.Repeat("f", 64)} {
		if got, err := core.ParseSHA(s); err != nil || string(got) != s {
			t.Errorf("ParseSHA(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", good[:39], good + "0", strings.ToUpper(good), strings.Repeat("g", 40), strings.Repeat("0", 40), strings.Repeat("0", 64), good[:39] + "\n"} {
		if got, err := core.ParseSHA(s); core.KindOf(err) != core.Invalid || err == nil {
			t.Errorf("ParseSHA(%q) = %q, %v", s, got, err)
		}
	}
	if got := core.SHA("abc").Short(); got != "abc" {
		t.Errorf("Short of a short text: %q", got)
	}
}
