package plan

import (
	"github.com/sluice-gitops/sluice/internal/core"
)

// Action is one change to the world outside. Each is an "ensure": carrying it
// out twice leaves what carrying it out once leaves, and it carries what was
// seen, so that it fails with core.Conflict when the world has moved since.
// The implementations are the structs of this file and no others.
type Action interface {
	// About names what the action concerns; the zero Target where it concerns a cluster.
	About() core.Target
	// Because is the reason in words, as a person should read it.
	Because() string
	action()
}

// Cause is the part that all actions share.
type Cause struct {
	Target core.Target
	Reason string
}

// About implements Action.
func (c Cause) About() core.Target { return c.Target }

// Because implements Action.
func (c Cause) Because() string { return c.Reason }

func (Cause) action() {}

// File is a file's whole new content.
type File struct {
	Path    string
	Content []byte
}

// PushBranch makes Branch point to one new commit on top of Parent that
// replaces the content of Files and touches nothing else.
type PushBranch struct {
	Cause
	Branch  string
	Parent  core.SHA
	Expect  core.SHA // the branch's head as seen; "" if it must not exist yet
	Files   []File
	Message string
}

// DeleteBranch removes a branch that is no longer needed.
type DeleteBranch struct {
	Cause
	Branch string
	Expect core.SHA // the branch's head as seen
}

// OpenMR makes sure that an open merge request leads from Branch to Into.
type OpenMR struct {
	Cause
	Branch      string
	Into        string
	Title       string
	Description string
	Labels      []string
}

// EditMR replaces a merge request's title and description, and adds labels
// that it lacks.
type EditMR struct {
	Cause
	MR          core.MRID
	Title       string // "" leaves it as it is
	Description string
	Labels      []string
}

// WriteNote writes a comment: a new one if Note is 0, else that one's new text.
// It stands on a merge request or, if Issue is set, on that issue.
type WriteNote struct {
	Cause
	MR    core.MRID
	Issue core.IssueID
	Note  core.NoteID
	Body  string
}

// DeleteNote deletes a comment of Sluice's own, on a merge request or an issue.
type DeleteNote struct {
	Cause
	MR    core.MRID
	Issue core.IssueID
	Note  core.NoteID
}

// React puts an emoji on somebody's comment, on a merge request or an issue.
type React struct {
	Cause
	MR    core.MRID
	Issue core.IssueID
	Note  core.NoteID
	Emoji string // its name, without colons
}

// SetStatus sets the commit status StatusName. One that is in this state
// already stays as it is, with the text that it has.
type SetStatus struct {
	Cause
	MR          core.MRID
	SHA         core.SHA
	Branch      string // the commit's branch, for where there is no pipeline
	Pipeline    int64  // the pipeline that it belongs to; 0 if there is none for this commit
	State       string
	Description string // at most 255 characters
	URL         string
}

// GuardThread makes sure that a merge request has a thread with this text by
// Sluice, and that it is resolved or not.
type GuardThread struct {
	Cause
	MR       core.MRID
	Body     string
	Resolved bool
}

// MergeMR merges a merge request whose source branch's head is SHA.
type MergeMR struct {
	Cause
	MR  core.MRID
	SHA core.SHA
	// Train puts it on the merge train instead, which merges it when its turn has
	// come.
	Train bool
}

// LeaveTrain takes a merge request off the merge train.
type LeaveTrain struct {
	Cause
	MR core.MRID
}

// CloseMR closes a merge request without merging it.
type CloseMR struct {
	Cause
	MR core.MRID
}

// Trigger orders a call of the Flux Receiver of a cluster. It takes the place
// of an order for the same cluster that has not been carried out yet.
type Trigger struct {
	Cause
	Cluster  core.Cluster
	Revision core.SHA // the revision that the cluster is expected to report
	Since    core.SHA // the revision that it has reported, "" if none
	Attempt  int      // the how manieth call for this revision it is, from 1
}
