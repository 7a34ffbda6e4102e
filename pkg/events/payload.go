package events

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Kind says what sort of GitLab event a hint came from. Readers treat a kind
// they do not know as KindOther.
type Kind string

// The kinds of hint.
const (
	KindPush         Kind = "push"
	KindTagPush      Kind = "tag_push"
	KindMergeRequest Kind = "merge_request"
	KindNote         Kind = "note"
	KindPipeline     Kind = "pipeline"
	KindEmoji        Kind = "emoji"
	// KindOther is an event about a known project that no other kind fits.
	KindOther Kind = "other"
	// KindEverything means "look everywhere": an authentic delivery that could
	// not be read, so that nothing narrower is known.
	KindEverything Kind = "everything"
)

// Payload is what an event carries: a Hint, a Report or a Trigger, and nothing else.
type Payload interface {
	eventType() string
	source() string
	about() string
	subject() string
	bounded() Payload
}

// Hint says where to look in GitLab. Every field may be empty or stale, and a
// hint may come late, twice or never: readers look at GitLab itself and decide
// by what they see there.
type Hint struct {
	Instance  string `json:"instance,omitempty"`  // the GitLab's base URL
	ProjectID int64  `json:"projectId,omitempty"` // 0 when unknown
	Project   string `json:"project,omitempty"`   // full path
	Kind      Kind   `json:"kind"`
	Ref       string `json:"ref,omitempty"`      // as delivered: a full ref for pushes, a branch's or tag's name elsewhere
	MR        int64  `json:"mr,omitempty"`       // iid of the merge request
	Note      int64  `json:"note,omitempty"`     // id of the comment
	SHA       string `json:"sha,omitempty"`      // the commit the event was about
	Delivery  string `json:"delivery,omitempty"` // GitLab's id of the delivery, to find it in its web interface
}

// Report is what one Flux object said once. Order is not guaranteed and times
// have a resolution of one second, so readers compare revisions and let the
// later one win.
type Report struct {
	Cluster         string    `json:"cluster"`
	Kind            string    `json:"kind"`
	Namespace       string    `json:"namespace,omitempty"`
	Name            string    `json:"name"`
	UID             string    `json:"uid,omitempty"`
	ResourceVersion string    `json:"resourceVersion,omitempty"`
	Severity        string    `json:"severity,omitempty"` // info or error
	Reason          string    `json:"reason,omitempty"`
	Revision        string    `json:"revision,omitempty"`       // as delivered, such as main@sha1:…
	OriginRevision  string    `json:"originRevision,omitempty"` // of the Git commit behind an artifact
	Message         string    `json:"message,omitempty"`        // cut to MaxMessage
	Timestamp       time.Time `json:"timestamp,omitzero"`
	Controller      string    `json:"controller,omitempty"`
	// Metadata holds at most MaxMetadata entries, the first by key.
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Trigger asks for one call to the Flux Receiver of a cluster. It is work to
// be done and not a fact: whoever does it looks up how the Receiver is reached,
// and a newer one for the same cluster takes its place.
type Trigger struct {
	Cluster   string `json:"cluster"`
	ProjectID int64  `json:"projectId,omitempty"`
	Project   string `json:"project"` // full path
	Ref       string `json:"ref"`     // such as refs/heads/main
	SHA       string `json:"sha"`     // the commit that the cluster is expected to report
	// Paths are the files that changed since what the cluster reported last. None
	// are given where they are not known, or more than MaxPaths.
	Paths   []string `json:"paths,omitempty"`
	Attempt int      `json:"attempt"` // the how manieth call for this commit it is, from 1
	Reason  string   `json:"reason,omitempty"`
}

// ID derives a report's message id from its content, because Flux sends none:
// the same words about the same version of an object at the same second are one
// message, however often they are delivered.
func (r Report) ID() string {
	h := sha256.New()
	var size [8]byte
	for _, part := range []string{
		r.UID, r.Kind, r.Namespace, r.Name, r.ResourceVersion, r.Severity, r.Reason, r.Message, r.Revision,
		r.Timestamp.UTC().Format(time.RFC3339Nano), r.Cluster,
	} {
		// The length in front of each part keeps "a"+"bc" and "ab"+"c" apart.
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (Hint) eventType() string    { return TypeHint }
func (Report) eventType() string  { return TypeReport }
func (Trigger) eventType() string { return TypeTrigger }

func (h Hint) subject() string    { return HintSubject(h.Instance, h.ProjectID, h.Kind) }
func (r Report) subject() string  { return ReportSubject(core.Cluster(r.Cluster)) }
func (t Trigger) subject() string { return TriggerSubject(core.Cluster(t.Cluster)) }

// source names the project as a URI; a delivery that named no instance still
// needs a source, which CloudEvents requires to be non-empty.
func (h Hint) source() string {
	if h.Instance == "" {
		return "/gitlab"
	}
	return strings.TrimSuffix(h.Instance+"/"+h.Project, "/")
}

func (r Report) source() string { return "/flux/" + r.Cluster }

func (Trigger) source() string { return "/sluice/promoter" }

func (h Hint) about() string {
	switch {
	case h.MR != 0 && h.Note != 0:
		return "merge_requests/" + strconv.FormatInt(h.MR, 10) + "/notes/" + strconv.FormatInt(h.Note, 10)
	case h.MR != 0:
		return "merge_requests/" + strconv.FormatInt(h.MR, 10)
	default:
		return h.Ref
	}
}

func (r Report) about() string { return r.Kind + "/" + r.Namespace + "/" + r.Name }

func (t Trigger) about() string { return t.SHA }
