package promoter

import (
	"errors"

	"github.com/sluice-gitops/sluice/internal/core"
)

// shutOut is what a monorepo is in while nothing of it can be observed for want
// of rights: a token that has expired, a user that lost its role, a project that
// was archived. A hint does not mend that, and asking again and again gets the
// token's address blocked.
type shutOut struct{ error }

// Unwrap gives the reason.
func (e shutOut) Unwrap() error { return e.error }

// shut marks an error of an observation that is for want of rights.
func shut(err error) error {
	if core.KindOf(err) == core.Denied {
		return shutOut{err}
	}
	return err
}

func isShut(err error) bool {
	var e shutOut
	return errors.As(err, &e)
}

// alarm says once that the monorepo is shut out, and once that it no longer is.
// What lies between shows in the metric and in Ready.
func (r *repo) alarm(err error) {
	switch {
	case isShut(err) && !r.shut:
		r.p.cfg.Logger.Error("shut out: nothing is promoted until a person gives the rights back", "repo", r.Path, "kind", core.KindOf(err), "error", err)
		r.shut = true
	case err == nil && r.shut:
		r.p.cfg.Logger.Info("let in again", "repo", r.Path)
		r.shut = false
	}
	r.p.meter.shut(r.Path, r.shut)
}
