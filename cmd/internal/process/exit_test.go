package process

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestCode(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		code int
		says string
	}{
		"success":                  {nil, OK, ""},
		"a failure":                {errors.New("it broke"), Failed, "it broke\n"},
		"bad input":                {core.Errorf(core.Invalid, "want 1, found 2"), Usage, "want 1, found 2\n"},
		"a code alone":             {&Exit{Code: 7}, 7, ""},
		"a code that is success":   {&Exit{Code: OK}, OK, ""},
		"a code for bad input":     {&Exit{Code: Failed, Err: core.Errorf(core.Invalid, "want 1")}, Failed, "want 1\n"},
		"a code inside a sentence": {core.Errorf(core.Transient, "plan: %w", &Exit{Code: 7, Err: errors.New("x")}), 7, "plan: x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := Code(Env{Stderr: &stderr}, tc.err); code != tc.code || stderr.String() != tc.says {
				t.Errorf("code %d and %q, want %d and %q", code, stderr.String(), tc.code, tc.says)
			}
		})
	}
}
