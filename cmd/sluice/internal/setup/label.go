package setup

import (
	"context"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// label ensures the label by which Sluice finds its merge requests. GitLab
// makes it by itself when a merge request names it, without a word of what it
// is; what people made of it stays.
func (w *work) label(ctx context.Context) {
	var seen gitlab.LabelState
	err := w.patiently(ctx, func() (err error) {
		seen, err = w.place.LabelState(ctx)
		return err
	})
	switch {
	case err != nil:
		w.trouble("label", err, developer)
	case !seen.Exists:
		w.write(ctx, "label", "created "+plan.Label, "create "+plan.Label, developer, func() error { return w.place.EnsureLabel(ctx) })
	case seen.Plain:
		w.write(ctx, "label", "described "+plan.Label, "describe "+plan.Label+", which has no description", developer, func() error { return w.place.DescribeLabel(ctx) })
	default:
		w.say("label", fine, plan.Label+" is there", "")
	}
}
