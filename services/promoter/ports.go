package promoter

import (
	"context"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// Forge is what the promoter asks GitLab about one project.
type Forge interface {
	Describe(ctx context.Context) (plan.Project, error)
	// MergeRequests returns the open ones of ours, as they were a short time ago
	// where nothing seems to have happened to them since.
	MergeRequests(ctx context.Context) ([]plan.MergeRequest, error)
	// Heard says that something happened to a merge request or a commit, or, with
	// neither, anywhere: what was read of it before must not be returned again.
	Heard(id core.MRID, commit core.SHA)
	// MergeRequest reads one of them anew; false if it is not open any more.
	MergeRequest(ctx context.Context, id core.MRID) (plan.MergeRequest, bool, error)
	// Recent returns those that were closed or merged and have changed since a
	// time, and the time from which on they are complete.
	Recent(ctx context.Context, since time.Time) ([]plan.MergeRequest, time.Time, error)
	// LastClosed returns the newest one of a branch that was closed unmerged.
	LastClosed(ctx context.Context, branch string) (plan.MergeRequest, bool, error)
	Voices
}

// Voices is what the promoter asks about people and what they say outside of
// merge requests.
type Voices interface {
	Person(ctx context.Context, id core.UserID, groups []string) (plan.Person, error)
	// Issue returns the comments of an issue, oldest first.
	Issue(ctx context.Context, id core.IssueID) ([]plan.Note, error)
	// Message returns the message of a commit, "" if it is gone.
	Message(ctx context.Context, commit core.SHA) (string, error)
	// Origin tells how a commit came to the default branch; false if GitLab shows
	// nothing of that.
	Origin(ctx context.Context, commit core.SHA) (plan.Origin, bool, error)
}

// Desk is what the promoter does to merge requests. Each method is an
// "ensure", as plan.Action describes.
type Desk interface {
	Requests
	Voice
}

// Requests is the way of a merge request.
type Requests interface {
	OpenMR(ctx context.Context, a plan.OpenMR) (core.MRID, error)
	EditMR(ctx context.Context, a plan.EditMR) error
	Merge(ctx context.Context, a plan.MergeMR) error
	LeaveTrain(ctx context.Context, a plan.LeaveTrain) error
	CloseMR(ctx context.Context, a plan.CloseMR) error
}

// Voice is what people and GitLab are told on a merge request.
type Voice interface {
	WriteNote(ctx context.Context, a plan.WriteNote) error
	DeleteNote(ctx context.Context, a plan.DeleteNote) error
	React(ctx context.Context, a plan.React) error
	SetStatus(ctx context.Context, a plan.SetStatus) error
	GuardThread(ctx context.Context, a plan.GuardThread) error
}

// Mirror is the local copy of the monorepo, and the way to its branches.
type Mirror interface {
	Fetch(ctx context.Context, branch string) (git.Refs, error)
	Tree(sha core.SHA) (overlay.Tree, error)
	// Trail lists the first parents of a commit, and what each changed.
	Trail(ctx context.Context, head, known core.SHA, heads int) ([]history.Commit, history.End, error)
	Branch(ctx context.Context, name string, sha core.SHA) (plan.Branch, error)
	Push(ctx context.Context, p plan.PushBranch) (core.SHA, error)
	Delete(ctx context.Context, p plan.DeleteBranch) error
	Ancestry
}

// Ancestry is what the promoter asks about commits. It may be asked while
// anything else of the mirror is at work.
type Ancestry interface {
	// Contains tells whether ancestor is sha itself or in its history; NotFound if
	// the mirror lacks one of the two.
	Contains(ctx context.Context, ancestor, sha core.SHA) (bool, error)
}

// Bus is what the promoter needs of NATS.
type Bus interface {
	Consume(ctx context.Context, r bus.Reading, handle bus.Handler) error
	Publish(ctx context.Context, m events.Message) (duplicate bool, err error)
	Watch(ctx context.Context, bucket, pattern string, changed func(bus.Entry), synced func()) error
	Get(ctx context.Context, bucket, key string) (bus.Entry, error)
	Create(ctx context.Context, bucket, key string, value []byte) (uint64, error)
	Update(ctx context.Context, bucket, key string, value []byte, revision uint64) (uint64, error)
}

// Renderer renders an overlay of a commit as it is and with some files
// replaced, and tells what differs and what that was made from. It always
// answers.
type Renderer interface {
	Render(ctx context.Context, t overlay.Tree, o plan.Overlay, files []plan.File) (message.Difference, render.Inputs)
}

// APIServer reads the Flux objects of one cluster.
type APIServer interface {
	Objects(ctx context.Context) ([]kube.Object, error)
}

// Statuses reads what Flux wrote on commits.
type Statuses interface {
	FluxStatuses(ctx context.Context, commit core.SHA) ([]gitlab.FluxStatus, error)
}

// Caller calls the Flux Receiver of a cluster.
type Caller interface {
	Trigger(ctx context.Context, r flux.Receiver, p flux.Payload) error
}
