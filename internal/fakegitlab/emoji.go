package fakegitlab

import (
	"slices"
)

// awardable is what an emoji can be put on: the merge request, or a note.
type awardable struct {
	mr     *mergeRequest
	note   *note
	awards *[]*award
	id     int64
	kind   string
}

func (c *call) awardable() (awardable, error) {
	if c.r.PathValue("note") == "" {
		mr, err := c.mrOfPath()
		if err != nil {
			return awardable{}, err
		}
		return awardable{mr: mr, awards: &mr.thread.awards, id: mr.id, kind: "MergeRequest"}, nil
	}
	mr, n, err := c.noteOfPath()
	if err != nil {
		return awardable{}, err
	}
	return awardable{mr: mr, note: n, awards: &n.awards, id: n.id, kind: "Note"}, nil
}

func (c *call) renderAward(on awardable, a *award) obj {
	return obj{
		"id": a.id, "name": a.name, "user": c.basicUser(a.user), "created_at": stamp(a.at), "updated_at": stamp(a.at),
		"awardable_id": on.id, "awardable_type": on.kind, "url": nil,
	}
}

func listAwards(c *call) (reply, error) {
	on, err := c.awardable()
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, *on.awards), func(a *award) obj { return c.renderAward(on, a) }))
}

// createAward answers 404 when the user has awarded this before, as GitLab
// does.
func createAward(c *call) (reply, error) {
	on, err := c.awardable()
	if err != nil {
		return reply{}, err
	}
	if err := c.params.require("name"); err != nil {
		return reply{}, err
	}
	name := c.params.text("name")
	if find(*on.awards, func(a *award) bool { return a.name == name && a.user == c.user }) != nil {
		return reply{}, notFound("Award Emoji Name has already been taken")
	}
	a := &award{id: c.next(), name: name, user: c.user, at: c.now()}
	*on.awards = append(*on.awards, a)
	c.emitEmoji(on, a, c.user, "award")
	return created(c.renderAward(on, a))
}

// deleteAward is for who gave the award.
func deleteAward(c *call) (reply, error) {
	on, err := c.awardable()
	if err != nil {
		return reply{}, err
	}
	id, err := c.id("award")
	if err != nil {
		return reply{}, err
	}
	a := find(*on.awards, func(a *award) bool { return a.id == id })
	if a == nil {
		return reply{}, notFound("Award Emoji")
	}
	if a.user != c.user && !c.user.admin {
		return reply{}, unauthorized()
	}
	*on.awards = slices.DeleteFunc(*on.awards, func(x *award) bool { return x == a })
	c.emitEmoji(on, a, c.user, "revoke")
	return noContent()
}
