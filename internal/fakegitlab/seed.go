package fakegitlab

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Level is an access level, numbered as GitLab does.
type Level int

// The levels that roles are made of.
const (
	NoAccess   Level = 0
	Guest      Level = 10
	Reporter   Level = 20
	Developer  Level = 30
	Maintainer Level = 40
	Owner      Level = 50
	adminLevel Level = 60
)

// User is a person or a bot to be seeded. Token is its only credential, for
// the API and for Git; an empty one means that it cannot sign in.
type User struct {
	Username     string
	Name         string      // empty: the user name
	Token        core.Secret // must be unique among users
	Bot          bool
	PublicEmail  string // empty: the user keeps it private
	Admin        bool
	State        string    // empty: active
	Scopes       []string  // of the token; empty: api
	TokenExpires time.Time // zero: a year from now
}

// Member grants a level to a seeded user.
type Member struct {
	Username string
	Level    Level
}

// ProjectOptions are the settings and the first content of a project. The zero
// value is a project as GitLab makes it: merge commits, no required pipeline,
// and a default branch `main` that only maintainers push to and merge into.
type ProjectOptions struct {
	Name                      string            // empty: the last part of the path
	DefaultBranch             string            // empty: main
	Files                     map[string][]byte // the first commit; without any the repository is empty
	Public                    bool
	MergeMethod               string // merge (default), rebase_merge or ff
	SquashOption              string // default_off (default), default_on, always or never
	PipelineMustSucceed       bool
	AllowMergeOnSkipped       bool
	DiscussionsMustBeResolved bool
	RemoveSourceBranch        bool // the project's default for new merge requests
	ApprovalsRequired         int  // a Premium rule "any approver"
	ResetApprovalsOnPush      bool // Premium
	DenyAuthorApproval        bool // Premium
	RequireSHAForMerge        bool // require_sha_for_merge, since 19.2: merging without sha is refused
	MergeTrains               bool // Premium
	KeepOldPipelines          bool // auto_cancel_pending_pipelines is disabled
	UnprotectedDefaultBranch  bool
	DevelopersMayPush         bool // developers may merge into and push to the default branch
}

// AddUser creates a user and returns its id.
func (s *Server) AddUser(u User) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.userByName(u.Username) != nil {
		return 0, core.Errorf(core.Conflict, "user %q exists", u.Username)
	}
	now := s.now()
	n := &user{
		id: s.next(), username: u.Username, name: cmp.Or(u.Name, u.Username), state: cmp.Or(u.State, "active"),
		bot: u.Bot, publicEmail: u.PublicEmail, admin: u.Admin, tokenID: s.next(), token: u.Token, scopes: u.Scopes, expiresAt: u.TokenExpires, createdAt: now,
	}
	if len(n.scopes) == 0 {
		n.scopes = []string{"api"}
	}
	if n.expiresAt.IsZero() {
		n.expiresAt = now.AddDate(1, 0, 0)
	}
	s.users = append(s.users, n)
	return n.id, nil
}

// AddGroup creates a group by its full path and returns its id. Members of a
// group are members of everything below it.
func (s *Server) AddGroup(path string, members ...Member) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(path)
	if g == nil {
		g = &group{id: s.next(), path: path, members: map[int64]Level{}}
		s.groups = append(s.groups, g)
	}
	return g.id, s.addMembers(g.members, members)
}

func (s *Server) addMembers(to map[int64]Level, members []Member) error {
	for _, m := range members {
		u := s.userByName(m.Username)
		if u == nil {
			return core.Errorf(core.NotFound, "no user %q to make a member", m.Username)
		}
		to[u.id] = m.Level
	}
	return nil
}

// AddMember grants a user a level in a project, replacing a direct one.
func (s *Server) AddMember(projectPath, username string, level Level) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projectByPath(projectPath)
	if p == nil {
		return core.Errorf(core.NotFound, "no project %q", projectPath)
	}
	return s.addMembers(p.members, []Member{{username, level}})
}

// AddProject creates a project, its repository and, if missing, the group that
// the path names; it returns the project's id. No hook fires for the seed.
func (s *Server) AddProject(path string, o ProjectOptions, members ...Member) (int64, error) {
	namespace, last := splitPath(path)
	if namespace == "" {
		return 0, core.Errorf(core.Invalid, "project path %q has no group", path)
	}
	if _, err := s.AddGroup(namespace); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.projectByPath(path) != nil {
		return 0, core.Errorf(core.Conflict, "project %q exists", path)
	}
	o.Name, o.DefaultBranch = cmp.Or(o.Name, last), cmp.Or(o.DefaultBranch, "main")
	o.MergeMethod, o.SquashOption = cmp.Or(o.MergeMethod, "merge"), cmp.Or(o.SquashOption, "default_off")
	p := &project{id: s.next(), path: path, opts: o, createdAt: s.now(), activeAt: s.now(), members: map[int64]Level{}}
	if err := s.addMembers(p.members, members); err != nil {
		return 0, err
	}
	if err := s.addRepo(p); err != nil {
		return 0, err
	}
	p.opts.Files = nil
	s.projects = append(s.projects, p)
	return p.id, nil
}

// addRepo makes the repository with its first commit and protects the default
// branch.
func (s *Server) addRepo(p *project) error {
	r, err := createRepo(filepath.Join(s.cfg.Dir, fmt.Sprintf("project-%d.git", p.id)), p.opts.DefaultBranch)
	if err != nil {
		return err
	}
	p.repo = r
	if !p.opts.UnprotectedDefaultBranch {
		b := &protectedBranch{id: s.next(), name: p.opts.DefaultBranch, push: Maintainer, merge: Maintainer}
		if p.opts.DevelopersMayPush {
			b.push, b.merge = Developer, Developer
		}
		p.protected = append(p.protected, b)
	}
	if len(p.opts.Files) == 0 {
		return nil
	}
	by := signature(&user{username: "root", name: "Administrator"}, s.now())
	return r.seed(p.opts.DefaultBranch, p.opts.Files, by)
}

// RenameProject moves a project to another path; the old one redirects.
func (s *Server) RenameProject(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projectByPath(from)
	if p == nil {
		return core.Errorf(core.NotFound, "no project %q", from)
	}
	s.moved[from] = p
	delete(s.moved, to)
	p.path = to
	return nil
}

// AddForkRequest opens a merge request from a fork of the project: from a branch
// there, of any name, whose head is a commit that is also here. It returns its
// iid. The fork itself is nowhere.
func (s *Server) AddForkRequest(projectPath, username, branch, into, head string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, u := s.projectByPath(projectPath), s.userByName(username)
	if p == nil || u == nil {
		return 0, core.Errorf(core.NotFound, "no project %q or no user %q", projectPath, username)
	}
	now := s.now()
	mr := &mergeRequest{
		id: s.next(), iid: int64(len(p.mrs)) + 1, project: p, fork: s.next(), author: u, title: "From a fork", labels: []string{},
		source: branch, target: into, state: "opened", createdAt: now, updatedAt: now, thread: &thread{},
	}
	p.mrs = append(p.mrs, mr)
	s.newVersion(mr, head)
	s.touch(mr)
	s.prepare(mr)
	return mr.iid, nil
}

// splitPath separates a project's own name from its namespace.
func splitPath(path string) (namespace, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// userByName ignores case, as GitLab does.
func (s *Server) userByName(name string) *user {
	return find(s.users, func(u *user) bool { return strings.EqualFold(u.username, name) })
}

func (s *Server) userByID(id int64) *user {
	return find(s.users, func(u *user) bool { return u.id == id })
}

func (s *Server) group(path string) *group {
	return find(s.groups, func(g *group) bool { return g.path == path })
}

func (s *Server) projectByPath(path string) *project {
	return find(s.projects, func(p *project) bool { return strings.EqualFold(p.path, path) })
}

// find returns the first element that fits, or nil.
func find[T any](all []*T, fits func(*T) bool) *T {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i]
	}
	return nil
}
