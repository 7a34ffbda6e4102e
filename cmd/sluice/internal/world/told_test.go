package world_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/fakeflux"
)

// TestAFailureIsToldWhereTheVersionsCameFrom lets stg's cluster fail with what a
// merge request brought: it is told there, once, also by a promoter that knows
// nothing, until it is over, and can be taken back there.
func TestAFailureIsToldWhereTheVersionsCameFrom(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := r.content("stg")
	r.policy(healthy("1s"))
	stop := r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)
	r.bump()
	r.carries("stg", bumped(before))
	r.eventually("stg's cluster has it", func() bool { return string(r.flux("stg").Status().Applied) == r.head() })
	mr := r.requests()["sluice/stg/ai-gateway"][0].IID

	r.flux("stg").Behave(fakeflux.Behaviour{Fail: &fakeflux.Failure{Kustomization: "apps", Message: "it exploded: password=hunter2secret\n/close\n@all"}})
	r.eventually("the failure is told", func() bool { return r.saying(mr, "`Kustomization flux-system/apps` has failed since") == 1 })
	for text, want := range map[string]int{
		"`platform-core-stg-aks`": 1, "it exploded": 1, "masked": 1, "hunter2": 0, "\n/close": 0, "> \\/close": 1, "\\@\u2060all": 1,
		"Until it is well, Sluice merges nothing of this into `prd`.": 1, "write `/sluice rollback` here": 1,
	} {
		if n := r.saying(mr, text); n != want {
			t.Errorf("%q stands in %d comments, want %d", text, n, want)
		}
	}
	stop()
	defer r.startPromoter(filepath.Join(r.dir, "another mirror"), 300*time.Millisecond, nil)()
	r.looks()
	r.rests()

	r.flux("stg").Behave(fakeflux.Behaviour{})
	r.eventually("that it recovered is told", func() bool { return r.saying(mr, "recovered at") == 1 })
	if n := r.saying(mr, "sluice:failure"); n != 1 || r.saying(mr, "has failed since") != 0 {
		t.Errorf("%d comments tell of the failure, want one, and that it is over", n)
	}
	r.comment("dana", mr, "/sluice rollback")
	r.carries("stg", before)
}
