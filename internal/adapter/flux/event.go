package flux

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Object names the Kubernetes object that an event is about.
type Object struct {
	Kind            string
	Namespace       string
	Name            string
	UID             string // of one life of the object: a new one after it was deleted and made again
	APIVersion      string // such as "kustomize.toolkit.fluxcd.io/v1"
	ResourceVersion string // opaque; the object's version when the event was made
}

// String is "Kind/namespace/name", the way messages and logs name an object.
func (o Object) String() string { return o.Kind + "/" + o.Namespace + "/" + o.Name }

// group is the API group, "" where the event did not tell.
func (o Object) group() string {
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// Event is what a Flux controller said about one object, as its
// notification-controller delivered it.
type Event struct {
	Object     Object
	Severity   string    // "info" or "error"
	At         time.Time // in whole seconds; zero where the event did not tell
	Reason     string
	Message    string
	Metadata   map[string]string // keys without the prefixes of Flux; never nil
	Controller string            // such as "kustomize-controller"
	Instance   string            // usually the controller's pod
}

// wireEvent is the JSON of an event.
type wireEvent struct {
	InvolvedObject struct {
		Kind            string `json:"kind"`
		Namespace       string `json:"namespace"`
		Name            string `json:"name"`
		UID             string `json:"uid"`
		APIVersion      string `json:"apiVersion"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"involvedObject"`
	Severity            string            `json:"severity"`
	Timestamp           time.Time         `json:"timestamp"`
	Message             string            `json:"message"`
	Reason              string            `json:"reason"`
	Metadata            map[string]string `json:"metadata"`
	ReportingController string            `json:"reportingController"`
	ReportingInstance   string            `json:"reportingInstance"`
}

// DecodeEvent reads the JSON of one event. Missing and unknown fields are no
// errors: what Flux leaves out is the zero value, and an event that names no
// object is Irrelevant. What is not JSON, has a field of another type, or is
// longer than [MaxEventBytes], is Invalid.
func DecodeEvent(body []byte) (Event, error) {
	if len(body) > MaxEventBytes {
		return Event{}, core.Errorf(core.Invalid, "decode flux event: %d bytes, and no real event has more than %d", len(body), MaxEventBytes)
	}
	var w wireEvent
	if err := json.Unmarshal(body, &w); err != nil {
		return Event{}, decodeError(err)
	}
	o := Object(w.InvolvedObject)
	return Event{
		Object:     o,
		Severity:   w.Severity,
		At:         w.Timestamp,
		Reason:     w.Reason,
		Message:    w.Message,
		Metadata:   plainKeys(w.Metadata, o.group()),
		Controller: w.ReportingController,
		Instance:   w.ReportingInstance,
	}, nil
}

// decodeError says where a body stops being an event.
func decodeError(err error) error {
	if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
		return core.Errorf(core.Invalid, "decode flux event: field %q, byte %d: found a JSON %s, want a %s", clip(e.Field), e.Offset, clip(e.Value), e.Type)
	}
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		return core.Errorf(core.Invalid, "decode flux event: byte %d: %w", e.Offset, err)
	}
	if e := (*time.ParseError)(nil); errors.As(err, &e) {
		return core.Errorf(core.Invalid, "decode flux event: field \"timestamp\": found %q, want a time such as 2026-01-02T03:04:05Z", clip(e.Value))
	}
	return core.Errorf(core.Invalid, "decode flux event: %w", err)
}

// plainKeys removes the prefixes of metadata keys. notification-controller has
// removed them already from what it delivers; its documentation and other
// senders show them. Where several become the same key, the plain one wins
// over the controller's, and that over the user's, which is Flux's own order.
func plainKeys(metadata map[string]string, group string) map[string]string {
	plain := make(map[string]string, len(metadata))
	ranks := make(map[string]int, len(metadata))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		name, rank := plainKey(key, group)
		if rank >= ranks[name] {
			plain[name], ranks[name] = metadata[key], rank
		}
	}
	return plain
}

// plainKey is a key without its prefix, and how strongly it counts.
func plainKey(key, group string) (name string, rank int) {
	prefix, name, found := strings.Cut(key, "/")
	switch {
	case !found || prefix == "" || name == "":
		return key, 2
	case prefix == "event"+fluxGroupSuffix:
		return name, 0
	case prefix == group, strings.HasSuffix(prefix, fluxGroupSuffix):
		return name, 1
	default:
		return key, 2
	}
}

// Revision is the revision of the source that the event is about. Its errors
// are NotFound where the event names none, and Invalid where it names
// something else, as the events of a HelmRelease do.
func (e Event) Revision() (Revision, error) {
	s := e.Metadata["revision"]
	if s == "" {
		return Revision{}, core.Errorf(core.NotFound, "event %s of %s carries no revision", clip(e.Reason), clip(e.Object.String()))
	}
	return ParseRevision(s)
}

// Commit is the commit of the monorepo that the event speaks of: for sources
// that were made from Git, such as an OCI artifact, the commit they were made
// from. It is false where the event names none.
func (e Event) Commit() (core.SHA, bool) {
	if e.Object.Kind == kindHelmRelease {
		return "", false
	}
	for _, key := range []string{"originRevision", "revision"} {
		if r, err := ParseRevision(e.Metadata[key]); err == nil {
			return r.Commit()
		}
	}
	return "", false
}

// Every is the time after which the object promises its next run, 0 if the event
// does not tell: kustomize-controller ends the message of every successful run
// with "next run in 10m0s".
func (e Event) Every() time.Duration {
	_, promise, ok := strings.Cut(e.Message, "next run in ")
	if !ok {
		return 0
	}
	promise, _, _ = strings.Cut(promise, " ")
	d, err := time.ParseDuration(strings.TrimRight(promise, ".,;\n"))
	if err != nil || d < 0 {
		return 0
	}
	return d
}

// Fingerprint is the same for every delivery of one event from one cluster and
// differs between events. Flux sends neither an id nor a nonce; this is the
// key by which repeated and replayed deliveries are recognised.
func (e Event) Fingerprint(cluster core.Cluster) string {
	h := sha256.New()
	write := func(s string) {
		n := len(s)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write([]byte(s))
	}
	for _, s := range []string{string(cluster), e.Object.String(), e.Object.UID, e.Severity, e.Reason, e.Message, e.At.UTC().Format(time.RFC3339)} {
		write(s)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		write(key)
		write(e.Metadata[key])
	}
	return hex.EncodeToString(h.Sum(nil))
}
