package events

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

func (h Hint) bounded() Payload {
	h.Instance = cut(h.Instance, MaxInstance)
	h.Delivery = cut(h.Delivery, MaxID)
	for _, s := range []*string{&h.Project, &h.Ref, &h.SHA} {
		*s = cut(*s, MaxText)
	}
	h.Kind = Kind(cut(string(h.Kind), MaxID))
	return h
}

func (r Report) bounded() Payload {
	for _, s := range []*string{
		&r.Cluster, &r.Kind, &r.Namespace, &r.Name, &r.UID, &r.ResourceVersion,
		&r.Severity, &r.Reason, &r.Revision, &r.OriginRevision, &r.Controller,
	} {
		*s = cut(*s, MaxText)
	}
	r.Message = cut(r.Message, MaxMessage)
	r.Metadata = boundedMap(r.Metadata)
	r.Timestamp = boundedTime(r.Timestamp)
	return r
}

func (t Trigger) bounded() Payload {
	for _, s := range []*string{&t.Cluster, &t.Project, &t.Ref, &t.SHA, &t.Reason} {
		*s = cut(*s, MaxText)
	}
	// A part of the list would make a filter decide wrongly, and so would a path
	// that was cut.
	size := 0
	for _, path := range t.Paths {
		size += len(path) + maxEscape
	}
	if len(t.Paths) > MaxPaths || size > maxPathBytes {
		t.Paths = nil
	}
	return t
}

// boundedTime turns times that RFC 3339 cannot spell into "unknown".
func boundedTime(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// boundedMap keeps the first MaxMetadata entries by key, so that what is
// dropped does not depend on the order of a map. Entries with a key that is
// itself too long are dropped whole: a cut key would be another key.
func boundedMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(m), MaxMetadata))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(k) > MaxID {
			continue
		}
		if len(out) == MaxMetadata {
			break
		}
		out[k] = cut(m[k], MaxText)
	}
	return out
}

const ellipsis = "…"

// cut makes s valid UTF-8 of at most limit bytes, ending in an ellipsis where
// something was left out.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
