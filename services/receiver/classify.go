package receiver

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// unused is a kind that is answered without being published.
const unused events.Kind = ""

// classify makes the hint for an authentic delivery. A hint of kind unused is
// not to be published.
func classify(h http.Header, body []byte) events.Hint {
	event := h.Get("X-Gitlab-Event")
	hint := events.Hint{
		Kind:     events.KindEverything,
		Instance: instance(h.Get("X-Gitlab-Instance")),
		Delivery: messageID(h, body),
	}
	if kind(event, payload{}) == unused {
		hint.Kind = unused
		return hint
	}
	p, ok := decode(body)
	if !ok {
		return hint
	}
	if k := kind(event, p); k != events.KindOther {
		hint.Kind = k
	} else if p.project() != 0 {
		hint.Kind = k
	} else if p.ObjectKind != "" || p.EventName != "" {
		hint.Kind = unused // an event of no project, such as a new user
	}
	p.place(&hint)
	return hint
}

// place fills in where to look. A hint that names no project cannot be
// narrower than "everything".
func (p payload) place(hint *events.Hint) {
	if hint.Kind == unused {
		return
	}
	hint.Instance = cmp.Or(hint.Instance, p.Project.instance())
	hint.ProjectID = p.project()
	hint.Project = p.Project.Path
	if hint.ProjectID == 0 {
		hint.Kind = events.KindEverything
	}
	switch hint.Kind {
	case events.KindPush, events.KindTagPush:
		hint.Ref, hint.SHA = p.Ref, sha(p.After, p.CheckoutSHA)
	case events.KindMergeRequest:
		hint.MR = int64(p.Attributes.IID)
		hint.Ref, hint.SHA = p.Attributes.SourceBranch, sha(p.Attributes.LastCommit.ID)
	case events.KindNote:
		hint.Note = int64(p.Attributes.ID)
		p.mergeRequest(hint)
	case events.KindEmoji:
		hint.Note = int64(p.Note.ID)
		if hint.Note == 0 && p.Attributes.AwardableType == "Note" {
			hint.Note = int64(p.Attributes.AwardableID)
		}
		p.mergeRequest(hint)
	case events.KindPipeline:
		p.mergeRequest(hint)
		hint.Ref, hint.SHA = p.Attributes.Ref, sha(p.Attributes.SHA)
	}
}

func (p payload) mergeRequest(hint *events.Hint) {
	hint.MR = int64(p.MergeRequest.IID)
	hint.Ref, hint.SHA = p.MergeRequest.SourceBranch, sha(p.MergeRequest.LastCommit.ID)
}

func (p payload) project() int64 {
	return int64(cmp.Or(p.ProjectID, p.Project.ID, p.Attributes.TargetProjectID))
}

// kind goes by the header, which no template of a hook can change, and asks
// the body only where the header says nothing narrower.
func kind(event string, p payload) events.Kind {
	name := strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(event, " Hook")), " ", "_")
	if name == "system" || name == "" {
		name = cmp.Or(p.ObjectKind, p.EventName)
	}
	switch name {
	case "push", "repository_update":
		return events.KindPush
	case "tag_push":
		return events.KindTagPush
	case "merge_request":
		return events.KindMergeRequest
	case "note", "confidential_note":
		return onMergeRequestOrIssue(p.Attributes.NoteableType)
	case "emoji":
		return onMergeRequest(events.KindEmoji, p.Attributes.AwardableType, p)
	case "pipeline":
		return events.KindPipeline
	case "issue", "confidential_issue", "work_item", "wiki_page", "job", "build", "deployment", "release", "feature_flag",
		"milestone", "resource_access_token", "access_token", "vulnerability", "member", "project", "subgroup":
		return unused
	default:
		return events.KindOther
	}
}

// onMergeRequestOrIssue drops notes on what commands are never read in. Which
// issue they are read in is for the policy to say, which nobody here knows.
func onMergeRequestOrIssue(on string) events.Kind {
	switch on {
	case "Commit", "Snippet", "Epic":
		return unused
	}
	return events.KindNote
}

// onMergeRequest drops emoji on issues, commits and snippets. Where
// the document does not say on what they are, they are kept.
func onMergeRequest(k events.Kind, on string, p payload) events.Kind {
	switch on {
	case "Issue", "Commit", "Snippet", "WorkItem", "Epic":
		return unused
	case "Note":
		if p.Note.NoteableType != "" {
			return onMergeRequest(k, p.Note.NoteableType, payload{})
		}
	}
	return k
}

// sha is the first that names a commit; a deleted ref has only zeros.
func sha(candidates ...string) string {
	for _, c := range candidates {
		if s, err := core.ParseSHA(c); err == nil {
			return string(s)
		}
	}
	return ""
}

// instance spells a GitLab's base URL in one way, or is empty for what is none.
func instance(raw string) string {
	if raw == "" || len(raw) > events.MaxInstance {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/")
}

// instance is what is left of a project's address without the project: a
// GitLab may live below a path.
func (p project) instance() string {
	if base, ok := strings.CutSuffix(p.WebURL, "/"+p.Path); ok && p.Path != "" {
		return instance(base)
	}
	u, err := url.Parse(p.WebURL)
	if err != nil {
		return ""
	}
	return instance(u.Scheme + "://" + u.Host)
}

// messageID is the same for every copy of one delivery. GitLab's own keys come
// first; without one, the same event with the same body is the same delivery.
func messageID(h http.Header, body []byte) string {
	for _, name := range []string{"Idempotency-Key", headerID} {
		if id := h.Get(name); plainID(id) {
			return id
		}
	}
	sum := sha256.New()
	sum.Write([]byte(h.Get("X-Gitlab-Event")))
	sum.Write([]byte{0})
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// plainID takes what GitLab makes, UUIDs, and everything as harmless.
func plainID(id string) bool {
	if id == "" || len(id) > events.MaxID {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	}) < 0
}
