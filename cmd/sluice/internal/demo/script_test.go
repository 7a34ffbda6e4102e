package demo

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestAStepThatDoesNotHappenSaysWhatItWaitedForAndWhatItSaw(t *testing.T) {
	for name, c := range map[string]struct {
		sees string
		err  error
		want string
	}{
		"something else": {"it is opened", nil, "seen instead: it is opened"},
		"nothing":        {"", nil, "seen instead: nothing"},
		"an error":       {"", errors.New("no answer"), "seen instead: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				err := new(script).until(t.Context(), "!1 is merged", func(context.Context) (bool, string, error) { return false, c.sees, c.err })
				if err == nil || core.KindOf(err) == core.Invalid || !strings.Contains(err.Error(), "waited 20s for this: !1 is merged\n"+c.want) {
					t.Errorf("error %v", err)
				}
				if waited := time.Since(begun); waited < patience || waited > patience+time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

func TestAnInterruptedStepSaysWhatItWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := new(script).until(ctx, "!1 is merged", func(context.Context) (bool, string, error) { return false, "", nil })
	if err == nil || !strings.Contains(err.Error(), "stopped while waiting for this: !1 is merged") {
		t.Errorf("error %v", err)
	}
}

func TestTheChecklistIsReadFromADescription(t *testing.T) {
	said := checklist("text\n- [x] **healthy**: yes\n- [ ] **approvals**: 0 of 2\nmore\n")
	if !waitsOnlyFor(said, "approvals") || waitsOnlyFor(said, "soak") || waitsOnlyFor(nil, "approvals") {
		t.Errorf("%q is read wrongly", said)
	}
	if waitsOnlyFor([]string{"[ ] **healthy**: no", "[ ] **approvals**: 0 of 2"}, "approvals") {
		t.Error("another open gate is overlooked")
	}
	if waitsOnlyFor(said, "hold", "approvals") || !waitsOnlyFor([]string{"[ ] **freezes**: yes", "[ ] **approvals**: 0 of 2"}, "approvals", "freezes") {
		t.Error("a gate that is not there counts as open, or the order counts")
	}
}
