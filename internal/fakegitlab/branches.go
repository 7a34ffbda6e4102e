package fakegitlab

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// renderBranch shows a branch as the current user may use it.
func (c *call) renderBranch(name string) obj {
	p := c.project
	head := p.repo.branch(name)
	b := p.protection(name)
	o := obj{
		"name": name, "merged": false, "protected": b != nil, "default": name == p.opts.DefaultBranch,
		"developers_can_push":  b != nil && b.push == Developer,
		"developers_can_merge": b != nil && b.merge == Developer,
		"can_push":             c.mayPush(p, c.user, name), "web_url": c.webURL(p) + "/-/tree/" + name,
	}
	if commit, err := p.repo.commit(head); err == nil {
		o["commit"] = c.renderCommit(p, commit)
	}
	return o
}

// listBranches knows search and regex; the order is by name.
func listBranches(c *call) (reply, error) {
	search := c.params.text("search")
	expr := c.params.text("regex")
	re, err := regexp.Compile(expr)
	if err != nil {
		return reply{}, failWith(http.StatusBadRequest, "regex is invalid")
	}
	names := slices.DeleteFunc(c.project.repo.branches(), func(n string) bool {
		return !searchFits(search, n) || !re.MatchString(n)
	})
	return ok(render(page(c, names), c.renderBranch))
}

// searchFits knows the anchors ^ and $ that branch search has.
func searchFits(search, name string) bool {
	search, name = strings.ToLower(search), strings.ToLower(name)
	prefix, atStart := strings.CutPrefix(search, "^")
	suffix, atEnd := strings.CutSuffix(prefix, "$")
	switch {
	case atStart && atEnd:
		return name == suffix
	case atStart:
		return strings.HasPrefix(name, suffix)
	case atEnd:
		return strings.HasSuffix(name, suffix)
	}
	return strings.Contains(name, search)
}

func getBranch(c *call) (reply, error) {
	name := c.r.PathValue("branch")
	if c.project.repo.branch(name) == "" {
		return reply{}, notFound("Branch")
	}
	return ok(c.renderBranch(name))
}

// createBranch is refused with 400 for a name that exists or that Git would not
// take, and with 403 when the name falls under a protection.
func createBranch(c *call) (reply, error) {
	if err := c.params.require("branch", "ref"); err != nil {
		return reply{}, err
	}
	name, p := c.params.text("branch"), c.project
	if p.repo.branch(name) != "" {
		return reply{}, fail(http.StatusBadRequest, "Branch already exists")
	}
	if strings.ContainsAny(name, " ~^:?*[\\") || strings.HasPrefix(name, "-") || strings.Contains(name, "..") {
		return reply{}, fail(http.StatusBadRequest, "Branch name is invalid")
	}
	if !c.mayPush(p, c.user, name) {
		return reply{}, forbidden()
	}
	commit, err := p.repo.resolve(c.params.text("ref"))
	if err != nil {
		return reply{}, fail(http.StatusBadRequest, "Invalid reference name: "+c.params.text("ref"))
	}
	u := refUpdate{ref: "refs/heads/" + name, after: commit.Hash.String()}
	if err := c.update(p, c.user, u); err != nil {
		return reply{}, err
	}
	return created(c.renderBranch(name))
}

// deleteBranch answers 405 for the default branch and for protected ones,
// whatever the level.
func deleteBranch(c *call) (reply, error) {
	name, p := c.r.PathValue("branch"), c.project
	head := p.repo.branch(name)
	switch {
	case head == "":
		return reply{}, notFound("Branch")
	case name == p.opts.DefaultBranch:
		return reply{}, fail(http.StatusMethodNotAllowed, "Cannot remove HEAD branch")
	case p.protection(name) != nil:
		return reply{}, fail(http.StatusMethodNotAllowed, "Protected branch cannot be removed")
	case !c.mayPush(p, c.user, name):
		return reply{}, fail(http.StatusForbidden, "You dont have push access to repo")
	}
	if err := c.update(p, c.user, refUpdate{ref: "refs/heads/" + name, before: head}); err != nil {
		return reply{}, err
	}
	return noContent()
}

func renderProtected(b *protectedBranch) obj {
	return obj{
		"id": b.id, "name": b.name, "allow_force_push": b.allowForce, "code_owner_approval_required": false, "inherited": false,
		"push_access_levels": accessLevels(b.push), "merge_access_levels": accessLevels(b.merge), "unprotect_access_levels": []obj{},
	}
}

// accessLevels is a list because Premium has several; there is always one here.
func accessLevels(l Level) []obj {
	words := map[Level]string{NoAccess: "No one", Developer: "Developers + Maintainers", Maintainer: "Maintainers", adminLevel: "Administrators"}
	return []obj{{"id": int(l) + 1, "access_level": int(l), "access_level_description": words[l], "user_id": nil, "group_id": nil, "deploy_key_id": nil}}
}

func listProtected(c *call) (reply, error) {
	return ok(render(page(c, c.project.protected), renderProtected))
}

func (c *call) protectedBranch() (*protectedBranch, error) {
	name := c.r.PathValue("branch")
	b := find(c.project.protected, func(b *protectedBranch) bool { return b.name == name })
	if b == nil {
		return nil, notFound("")
	}
	return b, nil
}

func getProtected(c *call) (reply, error) {
	b, err := c.protectedBranch()
	if err != nil {
		return reply{}, err
	}
	return ok(renderProtected(b))
}

// createProtected protects a name or a wildcard, by default for maintainers.
func createProtected(c *call) (reply, error) {
	if err := c.params.require("name"); err != nil {
		return reply{}, err
	}
	name := c.params.text("name")
	if find(c.project.protected, func(b *protectedBranch) bool { return b.name == name }) != nil {
		return reply{}, fail(http.StatusConflict, fmt.Sprintf("Protected branch '%s' already exists", name))
	}
	b := &protectedBranch{
		id: c.next(), name: name, allowForce: c.params.boolean("allow_force_push", false),
		push:  Level(c.params.integer("push_access_level", int64(Maintainer))),
		merge: Level(c.params.integer("merge_access_level", int64(Maintainer))),
	}
	c.project.protected = append(c.project.protected, b)
	return created(renderProtected(b))
}

func deleteProtected(c *call) (reply, error) {
	b, err := c.protectedBranch()
	if err != nil {
		return reply{}, err
	}
	c.project.protected = slices.DeleteFunc(c.project.protected, func(x *protectedBranch) bool { return x == b })
	return noContent()
}
