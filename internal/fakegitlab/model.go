package fakegitlab

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

type user struct {
	id       int64
	username string
	name     string
	state    string
	bot      bool

	publicEmail string
	admin       bool
	tokenID     int64
	token       core.Secret
	scopes      []string
	expiresAt   time.Time
	createdAt   time.Time
}

// email is derived: nothing here depends on real ones.
func (u *user) email() string { return u.username + "@example.com" }

type group struct {
	id      int64
	path    string
	members map[int64]Level
}

type project struct {
	id          int64
	path        string
	description string
	opts        ProjectOptions
	repo        *repo
	archived    bool
	createdAt   time.Time
	activeAt    time.Time
	members     map[int64]Level
	protected   []*protectedBranch
	labels      []*label
	mrs         []*mergeRequest // by iid, ascending, without gaps
	issues      []*issue        // likewise
	hooks       []*hook
	pipelines   []*pipeline // ascending id
	deployKeys  []*deployKey
}

type protectedBranch struct {
	id         int64
	name       string
	push       Level
	merge      Level
	allowForce bool
}

type label struct {
	id          int64
	name        string
	color       string
	description string
}

type deployKey struct {
	id        int64
	title     string
	key       string
	canPush   bool
	createdAt time.Time
	expiresAt *time.Time
}

type approval struct {
	user *user
	at   time.Time
}

type version struct {
	id                int64
	head, base, start string
	at                time.Time
}

// mergeRequest is copied whole into its own history, so its slices are
// replaced and never written into.
type mergeRequest struct {
	id, iid     int64
	project     *project
	author      *user
	title       string
	description string
	labels      []string
	assignees   []*user
	reviewers   []*user
	source      string
	fork        int64 // the project that source is a branch of; 0 for this one
	target      string
	state       string
	sha         string
	base        string
	start       string
	createdAt   time.Time
	updatedAt   time.Time
	preparedAt  *time.Time
	mergedAt    *time.Time
	mergedBy    *user
	closedAt    *time.Time
	closedBy    *user

	mergeCommit  string
	squashCommit string
	mergeError   string
	squash       bool
	forceRemove  bool
	removeSource *bool
	auto         *autoMerge
	car          *car
	rebasing     bool
	check        mergeCheck
	approvals    []approval
	versions     []version
	thread       *thread
}

// autoMerge is a merge that waits for the pipeline.
type autoMerge struct {
	by   *user
	opts mergeOptions
}

// mergeCheck remembers for which two heads mergeability was worked out.
type mergeCheck struct {
	source, target string
	done           time.Time
	base, tree     string
	conflict       bool
}

// past is one state of a merge request and the moment it began.
type past struct {
	at time.Time
	mr mergeRequest
}

// thread is what people said on a merge request. It is shared by all states in
// the history: comments are not part of what can be stale.
type thread struct {
	notes  []*note
	awards []*award
	past   []past
}

type note struct {
	id         int64
	discussion string
	individual bool
	body       string
	author     *user
	system     bool
	internal   bool
	resolvable bool
	resolvedAt *time.Time
	resolvedBy *user
	createdAt  time.Time
	updatedAt  time.Time
	awards     []*award
}

type award struct {
	id   int64
	name string
	user *user
	at   time.Time
}

type pipeline struct {
	id, iid   int64
	sha       string
	head      string // the commit of the source branch; not sha for a merged result
	ref       string
	status    string
	source    string
	user      *user
	createdAt time.Time
	updatedAt time.Time
	statuses  []*commitStatus
}

type commitStatus struct {
	id          int64
	name        string
	ref         string
	status      string
	targetURL   string
	description string
	coverage    *float64
	author      *user
	createdAt   time.Time
	startedAt   *time.Time
	finishedAt  *time.Time
}

// open is false for a locked merge request, which is about to be merged.
func (mr *mergeRequest) open() bool { return mr.state == "opened" }

// from tells whether a branch of the project itself is what it brings.
func (mr *mergeRequest) from(branch string) bool { return mr.fork == 0 && mr.source == branch }

// sourceProject is the id of the project that the branch is in.
func (mr *mergeRequest) sourceProject() int64 { return cmp.Or(mr.fork, mr.project.id) }

// diffHead is the version that is current.
func (mr *mergeRequest) userNotes() int {
	n := 0
	for _, x := range mr.thread.notes {
		if !x.system {
			n++
		}
	}
	return n
}

// mr finds a merge request by its iid, or nil.
func (p *project) mr(iid int64) *mergeRequest {
	if iid < 1 || iid > int64(len(p.mrs)) {
		return nil
	}
	return p.mrs[iid-1]
}

// openMRs lists the open ones that a condition keeps, oldest first.
func (p *project) openMRs(keep func(*mergeRequest) bool) []*mergeRequest {
	var out []*mergeRequest
	for _, mr := range p.mrs {
		if mr.open() && keep(mr) {
			out = append(out, mr)
		}
	}
	return out
}

func (p *project) label(name string) *label {
	i := slices.IndexFunc(p.labels, func(l *label) bool { return l.name == name })
	if i < 0 {
		return nil
	}
	return p.labels[i]
}

func (p *project) pipeline(id int64) *pipeline {
	i := slices.IndexFunc(p.pipelines, func(x *pipeline) bool { return x.id == id })
	if i < 0 {
		return nil
	}
	return p.pipelines[i]
}
