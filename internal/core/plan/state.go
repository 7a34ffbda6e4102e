package plan

import (
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// State is all that one pass has observed of one monorepo. Everything that
// comes from Git belongs to the commit Head.
type State struct {
	Project   Project
	Head      core.SHA                        // the default branch's head
	Inventory *overlay.Inventory              // what every overlay deploys at Head
	Past      map[core.SHA]*overlay.Inventory // the same at the revisions that clusters reported; absent means unknown to the mirror
	Witnesses map[core.Cluster][]gate.Witness // who else was asked about a cluster; absent means nobody
	Reports   map[core.Cluster][]gate.Report  // what each cluster's Flux objects said; absent means nothing yet
	Triggers  map[core.Cluster]TriggerRecord  // the last call to each cluster's Flux Receiver
	// Footprints are what clusters that can be called are made from, at Head and at
	// the revisions that they reported; one that is absent is not looked at.
	Footprints map[Site]overlay.Footprint
	Branches   map[string]Branch       // the heads under sluice/, by branch name
	Open       []MergeRequest          // open merge requests of ours
	Closed     map[string]MergeRequest // the newest closed one per branch, where no open one exists, with its comments
	Recent     []MergeRequest          // ours that were closed or merged lately, with their comments and without versions and approvals
	Control    []Note                  // the comments of the issue that the policy names for commands
	// ControlLost is why that issue cannot be read, "" if it can or there is none.
	ControlLost string
	// RecentFrom is the time from which on Recent is complete.
	RecentFrom time.Time
	People     map[core.UserID]Person // everyone who gave a command that is read, or approved a merge request of ours
	Receivers  map[core.Cluster]bool  // the clusters whose Flux Receiver can be called
	// Rendered is what promotions change in the manifests at Head, as far as that
	// is known: what Plan.Unrendered asked for.
	Rendered map[core.Target]Rendering
	// Attempts are the merges that GitLab refused; a target whose last merge was
	// accepted is absent. Who forgets them tries again earlier, and nothing more.
	Attempts map[core.Target]Attempt
	// History is what targets deployed before Head, for those that [Planner.Recall]
	// asks about; where one of them is absent, its past is unknown.
	History map[core.Target]history.Course
	// Origins tell how commits came to the default branch, as far as that is known:
	// what [Planner.Origins] asks for.
	Origins map[core.SHA]Origin
	// Resumed is when a person who may do so last said that promotion into a target
	// goes on although it was lowered. It lifts what was lowered until then, and
	// nothing that is lowered later.
	Resumed map[core.Target]time.Time
	// Refused says why the last action on a target was refused for good; a target
	// whose last action went well, or was only disturbed, is absent.
	Refused map[core.Target]string
}

// Project is the GitLab project that holds the monorepo.
type Project struct {
	ID            int64
	Path          string // full path, such as "ai-platform/flux"
	WebURL        string
	DefaultBranch string
	Archived      bool
	Trains        bool        // merge requests are merged by merge trains
	Bot           core.UserID // the user whose token Sluice uses
	BotName       string      // its user name, without "@"
}

// Branch is a branch under sluice/ as the mirror has it.
type Branch struct {
	Name    string
	Head    core.SHA
	Tree    core.SHA   // the head commit's tree
	Parents []core.SHA // the head commit's parents
	Rooted  bool       // the first parent is a commit of the default branch
	Message string     // the head commit's whole message, trailers included
	// Changed maps each path that differs between the head commit and its first
	// parent to the blob now there ("" where the path was removed, or became
	// something else than the kind of file it was). It is nil when there are more of them than any promotion could touch.
	Changed map[string]core.SHA
	// Base maps the same paths to the blobs in the first parent ("" where there
	// was none): a merge applies the difference between the two, not Changed.
	Base map[string]core.SHA
}

// MRState is the state of a merge request as GitLab names it.
type MRState string

// The states. Locked means that a merge is under way: it counts as open.
const (
	Opened MRState = "opened"
	Closed MRState = "closed"
	Merged MRState = "merged"
	Locked MRState = "locked"
)

// MergeRequest is one merge request whose source branch lies under sluice/, in
// the same project.
type MergeRequest struct {
	ID          core.MRID
	URL         string
	State       MRState
	Source      string   // source branch
	Target      string   // target branch
	Head        core.SHA // what GitLab takes for the source branch's head; may lag behind a push
	HeadMessage string   // for those that are not open: the head commit's message, as far as it was asked for
	Title       string
	Description string
	Labels      []string
	Draft       bool
	Author      core.UserID
	AuthorName  string      // the user name, without "@"
	ClosedBy    core.UserID // 0 unless closed
	ClosedAt    time.Time   // zero unless closed
	Ended       time.Time   // when it was closed or merged; zero while it is open
	Landed      core.SHA    // the commit that a merge added to the target branch, "" if it is not merged
	CreatedAt   time.Time
	Prepared    bool   // GitLab has finished its preparation after the creation
	MergeStatus string // GitLab's detailed_merge_status, as delivered
	MergeError  string
	Pipeline    *Pipeline      // the head pipeline, nil if there is none
	Statuses    []CommitStatus // of the head pipeline's commit, or of the head if there is none: the newest of each name in each pipeline
	Train       *Car           // its place on the merge train, nil if it is on none
	Versions    []Version      // the diff versions, newest first
	Approvals   []Approval     // GitLab's own approvals
	Notes       []Note         // oldest first, without system notes
}

// Pipeline is a merge request's head pipeline.
type Pipeline struct {
	ID     int64
	SHA    core.SHA
	Head   core.SHA // the head of the source branch that it ran for: SHA, or the one that a merged result at SHA was made of; "" if that is not known
	Ref    string   // a branch, or refs/merge-requests/N/head, …/merge, …/train
	Status string   // as GitLab delivers it
	URL    string
}

// CommitStatus is a job of a pipeline, or what a program outside of GitLab says
// of a commit.
type CommitStatus struct {
	ID          int64 // grows with time
	Name        string
	Pipeline    int64
	State       string // as GitLab delivers it
	Description string
	Author      core.UserID // 0 if GitLab names none
	Optional    bool        // the pipeline can succeed without it
}

// Car is a merge request's place on a merge train.
type Car struct {
	Status string // as GitLab delivers it
	By     core.UserID
}

// Attempt is what became of the merges of a target that were tried last.
type Attempt struct {
	SHA   core.SHA  // the head that was to be merged
	Count int       // refusals in a row
	At    time.Time // of the last one
}

// Version is one state of a merge request's source branch that GitLab recorded.
type Version struct {
	Head      core.SHA
	CreatedAt time.Time
}

// Approval is one approval by GitLab's own button.
type Approval struct {
	User core.UserID
	At   time.Time // zero if this GitLab does not tell
}

// Note is one comment.
type Note struct {
	ID        core.NoteID
	Author    core.UserID
	Body      string
	CreatedAt time.Time
	UpdatedAt time.Time
	Internal  bool
	Diff      bool // belongs to a line of the diff
	// Resolvable is set for what belongs to a thread; Resolved says how it stands.
	Resolvable, Resolved bool
}

// Person is a GitLab user in relation to the project, looked up for this pass.
type Person = gate.Person

// Site is a cluster at a revision.
type Site struct {
	Revision core.SHA
	Cluster  core.Cluster
}

// TriggerRecord is what became of the calls to a cluster's Flux Receiver.
type TriggerRecord struct {
	Revision core.SHA
	At       time.Time // when the last call was ordered
	Attempts int       // calls ordered so far for this revision
	Called   time.Time // when the Receiver took the last one; zero while it is being made, and after GaveUp
	// Trouble is what the Receiver, or the way to it, answered to the last try, ""
	// if it took it. GaveUp tells that another try will not help before a person
	// has changed something.
	Trouble string
	GaveUp  bool
}
