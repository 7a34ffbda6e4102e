package promoter

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// door is a GitLab that can be shut.
type door struct {
	Forge
	err   error
	asked int
}

func (d *door) Describe(context.Context) (plan.Project, error) {
	d.asked++
	return plan.Project{}, d.err
}

// TestOneAlarmWhileShutOut takes Sluice's rights away for three passes, with a
// hint in between, and gives them back.
func TestOneAlarmWhileShutOut(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	r, _, _ := ready(t, now)
	var log strings.Builder
	r.p.cfg.Logger, r.p.cfg.Sweep = slog.New(slog.NewTextHandler(&log, nil)), 5*time.Minute
	d := &door{err: core.Errorf(core.Denied, "read project: gitlab answered 401")}
	r.Forge = d
	for range 3 {
		next, _, err := r.pass(t.Context())
		if core.KindOf(err) != core.Denied {
			t.Fatal(err)
		}
		if wait, mayAsk := r.rest(next, err, 0); wait != time.Minute || mayAsk {
			t.Errorf("the next pass comes in %s, or with a hint: %t", wait, mayAsk)
		}
		if err := r.ready(now); core.KindOf(err) != core.Denied || !strings.Contains(err.Error(), "401") {
			t.Errorf("ready: %v", err)
		}
	}
	d.err = core.Errorf(core.Transient, "502")
	if _, _, err := r.pass(t.Context()); core.KindOf(err) != core.Transient {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "shut out"); n != 1 || d.asked != 4 || strings.Contains(log.String(), "let in again") {
		t.Errorf("%d alarms after %d passes:\n%s", n, d.asked, &log)
	}
	r.finish(t.Context(), now, nil)
	if !strings.Contains(log.String(), "let in again") || r.ready(now) != nil {
		t.Errorf("after a pass that succeeded: %v\n%s", r.ready(now), &log)
	}
	if _, mayAsk := r.rest(time.Time{}, core.Errorf(core.Denied, "one action was refused"), 0); !mayAsk {
		t.Error("one refused action keeps hints from being heard")
	}
}
