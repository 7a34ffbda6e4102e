package fakegitlab

import (
	"net/http"
	"slices"
)

// approvedBy reports whether a user's approval stands.
func (mr *mergeRequest) approvedBy(u *user) bool {
	return slices.ContainsFunc(mr.approvals, func(a approval) bool { return a.user == u })
}

// mayApprove follows the policy: whoever may work on the project, and the
// author unless a Premium setting forbids it.
func (s *Server) mayApprove(mr *mergeRequest, u *user) bool {
	if u == nil || s.level(mr.project, u) < Developer || !mr.open() {
		return false
	}
	return mr.author != u || !mr.project.opts.DenyAuthorApproval
}

// renderApprovals is the answer of all approval endpoints. With no approval
// required it says approved: true even if nobody has approved, as GitLab does;
// who relies on people must count approved_by.
func (c *call) renderApprovals(mr *mergeRequest) obj {
	need := mr.project.opts.ApprovalsRequired
	by := render(mr.approvals, func(a approval) obj {
		return obj{"user": c.basicUser(a.user), "approved_at": stamp(a.at)}
	})
	return obj{
		"id": mr.id, "iid": mr.iid, "project_id": mr.project.id, "title": mr.title, "description": mr.description, "state": mr.state,
		"created_at": stamp(mr.createdAt), "updated_at": stamp(mr.updatedAt), "merge_status": c.oldMergeStatus(mr),
		"approved": len(mr.approvals) >= need, "approvals_required": need, "approvals_left": max(need-len(mr.approvals), 0),
		"require_password_to_approve": false, "approved_by": by, "suggested_approvers": []obj{}, "approvers": []obj{}, "approver_groups": []obj{},
		"user_has_approved": mr.approvedBy(c.user), "user_can_approve": c.mayApprove(mr, c.user) && !mr.approvedBy(c.user),
		"approval_rules_left": []obj{}, "has_approval_rules": need > 0, "merge_request_approvers_available": false, "multiple_approval_rules_available": false,
	}
}

// getApprovals is GET /approvals.
func getApprovals(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(c.renderApprovals(mr))
}

// approve answers 401 to everybody whose approval does not count, also to who
// has approved before, and 409 when sha is not the head any more.
func approve(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	if sha := c.params.text("sha"); sha != "" && sha != mr.sha {
		return reply{}, fail(http.StatusConflict, "SHA does not match HEAD of source branch: "+mr.sha)
	}
	if !c.addApproval(mr, c.user) {
		return reply{}, unauthorized()
	}
	return created(c.renderApprovals(mr))
}

// unapprove answers 404 when there is nothing to take back.
func unapprove(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	if !c.dropApproval(mr, c.user) {
		return reply{}, notFound("")
	}
	return created(c.renderApprovals(mr))
}

// addApproval reports false for whoever may not approve or has done so.
func (s *Server) addApproval(mr *mergeRequest, u *user) bool {
	if !s.mayApprove(mr, u) || mr.approvedBy(u) {
		return false
	}
	old := *mr
	mr.approvals = append(slices.Clone(mr.approvals), approval{u, s.now()})
	s.systemNote(mr, u, "approved this merge request")
	s.touch(mr)
	action := "approved"
	if len(mr.approvals) < mr.project.opts.ApprovalsRequired {
		action = "approval"
	}
	s.emitMR(mr, u, action, nil, mrChanges(&old, mr))
	s.tryAuto(mr)
	return true
}

// dropApproval reports false when there was no approval. The hook says
// `unapproved` if the merge request was approved until now, else `unapproval`.
func (s *Server) dropApproval(mr *mergeRequest, u *user) bool {
	if !mr.approvedBy(u) || !mr.open() {
		return false
	}
	action := "unapproved"
	if len(mr.approvals) < mr.project.opts.ApprovalsRequired {
		action = "unapproval"
	}
	mr.approvals = slices.DeleteFunc(slices.Clone(mr.approvals), func(a approval) bool { return a.user == u })
	s.systemNote(mr, u, "unapproved this merge request")
	s.touch(mr)
	s.emitMR(mr, u, action, nil, nil)
	return true
}

// resetApprovals is the Premium setting at work: the pusher shows as the user
// of the hook, and it is marked as the system's doing.
func (s *Server) resetApprovals(mr *mergeRequest, pusher *user) {
	if !mr.project.opts.ResetApprovalsOnPush || len(mr.approvals) == 0 {
		return
	}
	mr.approvals = nil
	s.touch(mr)
	s.emitMR(mr, pusher, "unapproved", obj{"system": true, "system_action": "approvals_reset_on_push"}, nil)
}
