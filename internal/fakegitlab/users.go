package fakegitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// basicUser is how GitLab shows a user inside of other things.
func (s *Server) basicUser(u *user) obj {
	if u == nil {
		return nil
	}
	return obj{
		"id": u.id, "username": u.username, "name": u.name, "state": u.state, "locked": false,
		"avatar_url": nil, "web_url": s.url + "/" + u.username, "public_email": u.publicEmail,
	}
}

// nullUser keeps an absent user a JSON null.
func (s *Server) nullUser(u *user) any {
	if u == nil {
		return nil
	}
	return s.basicUser(u)
}

func (s *Server) fullUser(u *user) obj {
	o := s.basicUser(u)
	o["bot"] = u.bot
	o["created_at"] = stamp(u.createdAt)
	return o
}

func getSelf(c *call) (reply, error) {
	o := c.fullUser(c.user)
	o["email"] = c.user.email()
	o["commit_email"] = c.user.email()
	o["is_admin"] = c.user.admin
	return ok(o)
}

func getUser(c *call) (reply, error) {
	id, err := c.id("uid")
	if err != nil {
		return reply{}, err
	}
	u := c.userByID(id)
	if u == nil {
		return reply{}, notFound("User")
	}
	return ok(c.fullUser(u))
}

// listUsers finds by exact user name, or by a part of the names.
func listUsers(c *call) (reply, error) {
	var found []*user
	name, search := c.params.text("username"), strings.ToLower(c.params.text("search"))
	for _, u := range c.users {
		if name != "" && !strings.EqualFold(u.username, name) {
			continue
		}
		if !strings.Contains(strings.ToLower(u.username+" "+u.name), search) {
			continue
		}
		found = append(found, u)
	}
	slices.Reverse(found)
	return ok(render(page(c, found), c.fullUser))
}

// getToken is how a client learns what its token may do and when it ends.
func getToken(c *call) (reply, error) {
	u := c.user
	return ok(obj{
		"id": u.tokenID, "name": u.username, "revoked": false, "active": true, "user_id": u.id, "scopes": u.scopes,
		"created_at": stamp(u.createdAt), "last_used_at": stamp(c.now()), "expires_at": u.expiresAt.Format(time.DateOnly),
	})
}

// findGroup looks {gid} up by number or path.
func (c *call) findGroup() (*group, error) {
	ref := c.r.PathValue("gid")
	g := find(c.groups, func(g *group) bool { return g.path == ref || strconv.FormatInt(g.id, 10) == ref })
	if g == nil {
		return nil, notFound("Group")
	}
	return g, nil
}

func getGroup(c *call) (reply, error) {
	g, err := c.findGroup()
	if err != nil {
		return reply{}, err
	}
	parent, name := splitPath(g.path)
	o := obj{
		"id": g.id, "name": name, "path": name, "full_path": g.path, "full_name": g.path, "visibility": "private",
		"description": "", "web_url": fmt.Sprintf("%s/groups/%s", c.url, g.path), "parent_id": nil, "created_at": stamp(c.now()),
	}
	if above := c.group(parent); above != nil {
		o["parent_id"] = above.id
	}
	return ok(o)
}

// grown returns the members of a group, with those of the groups above it.
func (s *Server) grown(path string, inherited bool) map[int64]Level {
	all := map[int64]Level{}
	for ns := path; ns != ""; ns, _ = splitPath(ns) {
		if g := s.group(ns); g != nil {
			for id, l := range g.members {
				all[id] = max(all[id], l)
			}
		}
		if !inherited {
			break
		}
	}
	return all
}

func (s *Server) renderMember(id int64, l Level) obj {
	u := s.userByID(id)
	o := s.basicUser(u)
	o["access_level"] = int(l)
	o["created_at"] = stamp(u.createdAt)
	o["expires_at"] = nil
	o["membership_state"] = "active"
	return o
}

// members answers with a list of members, or with the one that {uid} names.
func (c *call) memberList(all map[int64]Level) (reply, error) {
	ids := make([]int64, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ok(render(page(c, ids), func(id int64) obj { return c.renderMember(id, all[id]) }))
}

// oneMember answers 404 for who is none: no access, as far as the API says.
func (c *call) oneMember(all map[int64]Level) (reply, error) {
	id, err := c.id("uid")
	if err != nil {
		return reply{}, err
	}
	l, there := all[id]
	if !there {
		return reply{}, notFound("")
	}
	return reply{status: http.StatusOK, body: c.renderMember(id, l)}, nil
}

func (c *call) groupMembers(inherited bool, answer func(map[int64]Level) (reply, error)) (reply, error) {
	g, err := c.findGroup()
	if err != nil {
		return reply{}, err
	}
	return answer(c.grown(g.path, inherited))
}

func listGroupMembers(c *call) (reply, error)        { return c.groupMembers(false, c.memberList) }
func listAllGroupMembers(c *call) (reply, error)     { return c.groupMembers(true, c.memberList) }
func getGroupMember(c *call) (reply, error)          { return c.groupMembers(false, c.oneMember) }
func getInheritedGroupMember(c *call) (reply, error) { return c.groupMembers(true, c.oneMember) }

// everyone is all members of the project, direct and inherited, each with the
// highest level.
func (c *call) everyone() map[int64]Level {
	ns, _ := splitPath(c.project.path)
	all := c.grown(ns, true)
	for id, l := range c.project.members {
		all[id] = max(all[id], l)
	}
	return all
}

func listMembers(c *call) (reply, error)    { return c.memberList(c.project.members) }
func getMember(c *call) (reply, error)      { return c.oneMember(c.project.members) }
func listAllMembers(c *call) (reply, error) { return c.memberList(c.everyone()) }
func getAnyMember(c *call) (reply, error)   { return c.oneMember(c.everyone()) }
