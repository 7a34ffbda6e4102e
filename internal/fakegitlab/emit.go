package fakegitlab

import (
	"encoding/json"
	"strings"
)

// emit queues one delivery for each hook of the project that wants the event.
// Hooks that are disabled lose it. The body is built only if anyone listens.
func (s *Server) emit(p *project, ev event, branch string, body func() obj) {
	plan := s.faults.Plan()
	group := newUUID()
	var raw []byte
	for _, h := range p.hooks {
		if !h.wants(ev.flag, branch) || h.alert(s.now()) != "executable" {
			continue
		}
		if raw == nil {
			raw, _ = json.Marshal(body()) // plain values only
		}
		d := s.newDelivery(h, ev, raw, newUUID())
		d.group = group
		s.hooks.send(d, plan.Hooks)
	}
}

// The events, as flag of the hook, value of X-Gitlab-Event and name in lists.
func pushEvent() event { return event{"push_events", "Push Hook", "push_hooks"} }
func tagEvent() event  { return event{"tag_push_events", "Tag Push Hook", "tag_push_hooks"} }
func mrEvent() event {
	return event{"merge_requests_events", "Merge Request Hook", "merge_request_hooks"}
}
func noteEvent() event     { return event{"note_events", "Note Hook", "note_hooks"} }
func pipelineEvent() event { return event{"pipeline_events", "Pipeline Hook", "pipeline_hooks"} }
func emojiEvent() event    { return event{"emoji_events", "Emoji Hook", "emoji_hooks"} }
func internalNoteEvent() event {
	return event{"confidential_note_events", "Confidential Note Hook", "confidential_note_hooks"}
}

// emitPush fires the hook for a branch or a tag; other refs have none.
func (s *Server) emitPush(p *project, by *user, u refUpdate) {
	if branch, isBranch := strings.CutPrefix(u.ref, "refs/heads/"); isBranch {
		s.emit(p, pushEvent(), branch, func() obj { return s.pushBody(p, by, u, "push") })
		return
	}
	if strings.HasPrefix(u.ref, "refs/tags/") {
		s.emit(p, tagEvent(), "", func() obj { return s.pushBody(p, by, u, "tag_push") })
	}
}

// emitMR fires the merge request hook; extra goes into object_attributes.
func (s *Server) emitMR(mr *mergeRequest, by *user, action string, extra, changes obj) {
	s.emit(mr.project, mrEvent(), "", func() obj { return s.mrBody(mr, by, action, extra, changes) })
}

// emitNote picks the hook: internal notes go to those who asked for
// confidential ones.
func (s *Server) emitNote(mr *mergeRequest, n *note, action string) {
	ev := noteEvent()
	if n.internal {
		ev = internalNoteEvent()
	}
	s.emit(mr.project, ev, "", func() obj { return s.noteBody(mr, n, action) })
}

func (s *Server) emitPipeline(p *project, pl *pipeline) {
	s.emit(p, pipelineEvent(), "", func() obj { return s.pipelineBody(p, pl) })
}

func (s *Server) emitEmoji(on awardable, a *award, by *user, action string) {
	s.emit(on.mr.project, emojiEvent(), "", func() obj { return s.emojiBody(on, a, by, action) })
}

// sample is what a test of a hook sends; no body when the project has nothing
// of the kind.
func (c *call) sample(trigger string) (event, []byte) {
	p := c.project
	var ev event
	var body obj
	switch trigger {
	case "push_events":
		head := p.repo.branch(p.opts.DefaultBranch)
		if commit, err := p.repo.commit(head); err == nil {
			u := refUpdate{ref: "refs/heads/" + p.opts.DefaultBranch, before: firstParent(commit), after: head}
			ev, body = pushEvent(), c.pushBody(p, c.user, u, "push")
		}
	case "merge_requests_events":
		if len(p.mrs) > 0 {
			mr := p.mrs[len(p.mrs)-1]
			ev, body = mrEvent(), c.mrBody(mr, c.user, "", nil, nil)
		}
	case "note_events":
		for _, mr := range p.mrs {
			for _, n := range mr.thread.notes {
				if !n.system {
					ev, body = noteEvent(), c.noteBody(mr, n, "create")
				}
			}
		}
	case "pipeline_events":
		if n := len(p.pipelines); n > 0 {
			ev, body = pipelineEvent(), c.pipelineBody(p, p.pipelines[n-1])
		}
	}
	if body == nil {
		return ev, nil
	}
	raw, _ := json.Marshal(body) // plain values only
	return ev, raw
}
