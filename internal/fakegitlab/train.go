package fakegitlab

import (
	"net/http"

	"github.com/sluice-gitops/sluice/internal/core"
)

// car is a merge request's place on the merge train of its target branch. The
// train does not move by itself: see RunTrain.
type car struct {
	id     int64
	by     *user
	status string // idle, merged
	opts   mergeOptions
}

func (c *call) renderCar(mr *mergeRequest) obj {
	car := mr.car
	return obj{
		"id": car.id, "merge_request": obj{"id": mr.id, "iid": mr.iid, "project_id": mr.project.id, "title": mr.title, "state": mr.state},
		"user": c.nullUser(car.by), "pipeline": nil, "target_branch": mr.target, "status": car.status,
	}
}

// trainOfPath is 404 in a project without trains.
func (c *call) trainOfPath() (*mergeRequest, error) {
	if !c.project.opts.MergeTrains {
		return nil, notFound("")
	}
	return c.mrOfPath()
}

func getCar(c *call) (reply, error) {
	mr, err := c.trainOfPath()
	if err != nil {
		return reply{}, err
	}
	if mr.car == nil {
		return reply{}, notFound("")
	}
	return ok(c.renderCar(mr))
}

// addToTrain puts a merge request on the train if it could be merged now.
func addToTrain(c *call) (reply, error) {
	mr, err := c.trainOfPath()
	if err != nil {
		return reply{}, err
	}
	if code := c.faults.mergeAnswer(); code != 0 {
		return reply{}, mergeRefusal(code, mr)
	}
	if !c.mayMerge(c.project, c.user, mr.target) {
		return reply{}, forbidden()
	}
	c.recheck(mr)
	sha := c.params.text("sha")
	switch {
	case sha != "" && sha != mr.sha:
		return reply{}, fail(http.StatusConflict, "SHA does not match HEAD of source branch: "+mr.sha)
	case mr.car != nil && mr.auto != nil, c.detailedStatus(mr) != "mergeable":
		return reply{}, badRequest("Merge request could not be added to the merge train")
	}
	mr.car = &car{id: c.next(), by: c.user, status: "idle", opts: c.mergeOptions(mr)}
	c.setAuto(mr, c.user, mr.car.opts)
	return created([]obj{c.renderCar(mr)})
}

// RunTrain merges, one after the other, what is on a project's merge trains, as
// if the pipelines of all had succeeded.
func (s *Server) RunTrain(projectPath string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projectByPath(projectPath)
	if p == nil {
		return core.Errorf(core.NotFound, "no project %q", projectPath)
	}
	for _, mr := range p.openMRs(func(mr *mergeRequest) bool { return mr.car != nil && mr.auto != nil }) {
		s.recheck(mr)
		if err := s.merge(mr, mr.car.by, mr.car.opts); err != nil {
			return err
		}
		mr.car.status = "merged"
	}
	return nil
}
