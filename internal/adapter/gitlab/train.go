package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// wireCar is a merge request's place on a merge train.
type wireCar struct {
	Status string    `json:"status"`
	User   *wireUser `json:"user"`
}

func trainPath(id core.MRID) string { return fmt.Sprintf("merge_trains/merge_requests/%d", id) }

// car reads a merge request's place on the merge train; nil if it has none, or
// the project has no trains. One that was merged keeps its place in GitLab's
// list, which does not count.
func (p *Project) car(ctx context.Context, id core.MRID) (*plan.Car, error) {
	if !p.trains.Load() {
		return nil, nil
	}
	got, _, err := call[wireCar](ctx, p.client, p.get(fmt.Sprintf("read the merge train's place of merge request !%d", id), trainPath(id), nil))
	switch {
	case status(err) == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case slices.Contains([]string{"merged", "skip_merged"}, got.Status):
		return nil, nil
	}
	car := &plan.Car{Status: got.Status}
	if got.User != nil {
		car.By = core.UserID(got.User.ID)
	}
	return car, nil
}

// board puts a merge request on the train. Refusals by its state are
// core.Conflict, as those of a merge are.
func (p *Project) board(ctx context.Context, a plan.MergeMR) error {
	what := fmt.Sprintf("put merge request !%d at %s on the merge train", a.MR, a.SHA.Short())
	if a.SHA == "" {
		return core.Errorf(core.Invalid, "%s in %s: the sha is missing", what, p.path)
	}
	_, _, err := call[json.RawMessage](ctx, p.client, p.request(http.MethodPost, what, trainPath(a.MR), gl.AddMergeRequestToMergeTrainOptions{
		SHA: gl.Ptr(string(a.SHA)),
	}))
	switch status(err) {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict, http.StatusUnprocessableEntity:
		return core.Errorf(core.Conflict, "%w", err)
	}
	return err
}

// LeaveTrain takes a merge request off the merge train. It is core.Conflict if
// it is not on it any more, which includes that it has been merged.
func (p *Project) LeaveTrain(ctx context.Context, a plan.LeaveTrain) error {
	defer p.wrote(a.MR)
	what := fmt.Sprintf("take merge request !%d off the merge train", a.MR)
	_, _, err := call[json.RawMessage](ctx, p.client, p.request(http.MethodPost, what, mrPath(a.MR, "/cancel_merge_when_pipeline_succeeds"), nil))
	switch status(err) {
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		return core.Errorf(core.Conflict, "%w", err)
	}
	return err
}
