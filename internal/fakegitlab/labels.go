package fakegitlab

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func renderLabel(l *label) obj {
	return obj{
		"id": l.id, "name": l.name, "color": l.color, "text_color": "#FFFFFF", "description": orNull(l.description),
		"description_html": l.description, "priority": nil, "is_project_label": true, "subscribed": false,
		"open_issues_count": 0, "closed_issues_count": 0, "open_merge_requests_count": 0, "archived": false,
	}
}

// ensureLabels creates the project labels that a merge request names for the
// first time; GitLab does so as well.
func (s *Server) ensureLabels(p *project, names []string) []string {
	var out []string
	for _, n := range names {
		if p.label(n) == nil {
			p.labels = append(p.labels, &label{id: s.next(), name: n, color: "#6699cc"})
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func listLabels(c *call) (reply, error) {
	search := strings.ToLower(c.params.text("search"))
	var found []*label
	for _, l := range c.project.labels {
		if strings.Contains(strings.ToLower(l.name), search) {
			found = append(found, l)
		}
	}
	slices.SortFunc(found, func(a, b *label) int { return strings.Compare(a.name, b.name) })
	return ok(render(page(c, found), renderLabel))
}

// findLabel takes the label's name or number, from the path or (an older form
// of the API) from the parameters.
func (c *call) findLabel() (*label, error) {
	ref := c.r.PathValue("label")
	if ref == "" {
		ref = c.params.text("name")
	}
	l := c.project.label(ref)
	if l == nil {
		l = find(c.project.labels, func(l *label) bool { return strconv.FormatInt(l.id, 10) == ref })
	}
	if l == nil {
		return nil, notFound("Label")
	}
	return l, nil
}

func getLabel(c *call) (reply, error) {
	l, err := c.findLabel()
	if err != nil {
		return reply{}, err
	}
	return ok(renderLabel(l))
}

// createLabel answers 409 for a name that exists.
func createLabel(c *call) (reply, error) {
	if err := c.params.require("name", "color"); err != nil {
		return reply{}, err
	}
	name := c.params.text("name")
	if c.project.label(name) != nil {
		return reply{}, fail(http.StatusConflict, "Label already exists")
	}
	l := &label{id: c.next(), name: name, color: c.params.text("color"), description: c.params.text("description")}
	c.project.labels = append(c.project.labels, l)
	return created(renderLabel(l))
}

func updateLabel(c *call) (reply, error) {
	l, err := c.findLabel()
	if err != nil {
		return reply{}, err
	}
	if n := c.params.text("new_name"); n != "" {
		c.relabelAll(l.name, n)
		l.name = n
	}
	if col := c.params.text("color"); col != "" {
		l.color = col
	}
	if c.params.has("description") {
		l.description = c.params.text("description")
	}
	return ok(renderLabel(l))
}

// deleteLabel takes the label off all merge requests, without hooks.
func deleteLabel(c *call) (reply, error) {
	l, err := c.findLabel()
	if err != nil {
		return reply{}, err
	}
	c.project.labels = slices.DeleteFunc(c.project.labels, func(x *label) bool { return x == l })
	c.relabelAll(l.name, "")
	return noContent()
}

// relabelAll renames a label on all merge requests, or takes it off.
func (c *call) relabelAll(from, to string) {
	for _, mr := range c.project.mrs {
		if !slices.Contains(mr.labels, from) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(mr.labels), func(n string) bool { return n == from })
		if to != "" {
			kept = append(kept, to)
		}
		slices.Sort(kept)
		mr.labels = kept
	}
}
