package fakegitlab

import (
	"regexp"
	"slices"
	"strings"
)

// actionNames are the names that GitLab takes out of a comment, of every kind
// of thing that can be commented and with the paid ones: a known name that
// does not apply is removed all the same.
const actionNames = `add_child add_contacts add_email approve assign assignee assign_reviewer award blocked_by blocks board_move
	checkin_reminder clear_health_status clear_weight clone close confidential convert_to_ticket copy_metadata create_merge_request done
	draft due duo_code_review duplicate epic estimate estimate_time health_status invite_email iteration label labels link lock merge milestone
	move page promote promote_to promote_to_incident publish react ready reassign reassign_reviewer rebase relabel relate remove_assignee
	remove_child remove_contacts remove_due_date remove_email remove_estimate remove_iteration remove_iteration_milestone remove_label
	remove_milestone remove_parent remove_reviewer remove_time_estimate remove_time_spent remove_zoom reopen request_changes request_review
	reviewer run_pipeline set_parent severity shrug spend spend_time spent status submit_review subscribe tableflip target_branch timeline
	title todo type unapprove unassign unassign_reviewer unblock unlabel unlink unlock unrelate unsubscribe weight zoom`

// quickAction finds commands within one paragraph, and what hides them there:
// code between backticks and HTML. Only a match of the first group is one.
var quickAction = regexp.MustCompile("(?ims)`.+?`|^<[^>]+?>\n.+?\n</[^>]+?>$|" +
	`^/(` + strings.Join(strings.Fields(actionNames), "|") + `)(?:[ ]([^\n]*))?(?:\s*\n|$)`)

// command is one quick action of a comment.
type command struct{ name, arg string }

// extractActions splits a comment into what stays and what is executed.
// Commands are looked for in paragraphs only.
func extractActions(text string) (rest string, commands []command) {
	text = strings.ReplaceAll(text, "\r", "")
	var b strings.Builder
	for _, part := range paragraphs(text) {
		if !part.plain {
			b.WriteString(part.text)
			continue
		}
		kept, found := cutActions(part.text)
		b.WriteString(kept)
		commands = append(commands, found...)
	}
	if commands == nil {
		return text, nil
	}
	return strings.TrimSpace(b.String()), commands
}

// cutActions takes the commands out of one paragraph.
func cutActions(text string) (rest string, commands []command) {
	var b strings.Builder
	end := 0
	for _, m := range quickAction.FindAllStringSubmatchIndex(text, -1) {
		if m[2] < 0 {
			continue
		}
		cmd := command{name: strings.ToLower(text[m[2]:m[3]])}
		if m[4] >= 0 {
			cmd.arg = strings.TrimSpace(text[m[4]:m[5]])
		}
		commands = append(commands, cmd)
		b.WriteString(text[end:m[0]])
		end = m[1]
	}
	b.WriteString(text[end:])
	return b.String(), commands
}

// execute runs quick actions as a user and reports how many had an effect.
// Those that this server does not know are gone without one.
func (s *Server) execute(mr *mergeRequest, by *user, commands []command) (summary []string) {
	old := *mr
	for _, cmd := range commands {
		if text := s.edit(mr, by, cmd); text != "" {
			summary = append(summary, text)
		}
	}
	s.settle(mr, &old, by)
	for _, cmd := range commands {
		if text := s.act(mr, by, cmd); text != "" {
			summary = append(summary, text)
		}
	}
	return summary
}

// edit runs the quick actions that change fields of the merge request.
func (s *Server) edit(mr *mergeRequest, by *user, cmd command) string {
	if s.level(mr.project, by) < Developer && mr.author != by {
		return ""
	}
	switch cmd.name {
	case "label", "labels":
		mr.labels = s.ensureLabels(mr.project, append(slices.Clone(mr.labels), labelNames(cmd.arg)...))
		return "Added label(s)."
	case "relabel":
		mr.labels = s.ensureLabels(mr.project, labelNames(cmd.arg))
		return "Replaced all labels."
	case "unlabel", "remove_label":
		gone := labelNames(cmd.arg)
		mr.labels = slices.DeleteFunc(slices.Clone(mr.labels), func(n string) bool { return len(gone) == 0 || slices.Contains(gone, n) })
		return "Removed label(s)."
	case "title":
		if cmd.arg == "" {
			return ""
		}
		mr.title = cmd.arg
		return "Changed the title to \"" + cmd.arg + "\"."
	case "draft":
		if !mr.draft() {
			mr.title = "Draft: " + mr.title
		}
		return "Set this merge request as a draft."
	case "ready":
		mr.title = draftTitle.ReplaceAllString(mr.title, "")
		return "Set this merge request as ready."
	}
	return s.editPeople(mr, by, cmd)
}

// editPeople runs the quick actions that name users.
func (s *Server) editPeople(mr *mergeRequest, by *user, cmd command) string {
	named := s.mentioned(cmd.arg, by)
	switch cmd.name {
	case "assign", "assignee", "reassign":
		mr.assignees = named
		return "Assigned."
	case "unassign", "remove_assignee":
		mr.assignees = nil
		return "Removed assignee(s)."
	case "assign_reviewer", "reviewer", "request_review", "reassign_reviewer":
		mr.reviewers = named
		return "Requested a review."
	case "unassign_reviewer", "remove_reviewer":
		mr.reviewers = nil
		return "Removed reviewer(s)."
	}
	return ""
}

// act runs the quick actions that are deeds of their own.
func (s *Server) act(mr *mergeRequest, by *user, cmd command) string {
	before := mr.state
	switch cmd.name {
	case "close", "reopen":
		if s.level(mr.project, by) >= Developer || mr.author == by {
			s.changeState(mr, by, cmd.name)
		}
		if before != mr.state {
			return map[string]string{"close": "Closed this merge request.", "reopen": "Reopened this merge request."}[cmd.name]
		}
	case "approve":
		if s.addApproval(mr, by) {
			return "Approved the current merge request."
		}
	case "unapprove":
		if s.dropApproval(mr, by) {
			return "Unapproved the current merge request."
		}
	}
	return ""
}

// labelNames reads `~bug ~"two words" plain`.
func labelNames(arg string) []string {
	var out []string
	for arg = strings.TrimSpace(arg); arg != ""; arg = strings.TrimSpace(arg) {
		arg = strings.TrimPrefix(arg, "~")
		name, rest := arg, ""
		if quoted, isQuoted := strings.CutPrefix(arg, `"`); isQuoted {
			name, rest, _ = strings.Cut(quoted, `"`)
		} else {
			name, rest, _ = strings.Cut(arg, " ")
		}
		if name != "" {
			out = append(out, name)
		}
		arg = rest
	}
	return out
}

// mentioned finds the users of an argument such as `@ann me`.
func (s *Server) mentioned(arg string, me *user) []*user {
	var out []*user
	for _, word := range strings.FieldsFunc(arg, func(r rune) bool { return r == ' ' || r == ',' }) {
		u := s.userByName(strings.TrimPrefix(word, "@"))
		if word == "me" {
			u = me
		}
		if u != nil && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}
