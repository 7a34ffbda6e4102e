package events

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// The types of the messages, as the attribute ce-type spells them.
const (
	TypeHint    = "io.sluice.gitlab.hint.v1"
	TypeReport  = "io.sluice.flux.report.v1"
	TypeTrigger = "io.sluice.flux.trigger.v1"
)

// The headers of a message. NATS compares header names by case, so they are
// these and no other spelling.
const (
	HeaderMsgID       = "Nats-Msg-Id" // equal to ce-id: JetStream drops a second message with it
	headerSpecVersion = "ce-specversion"
	headerID          = "ce-id"
	headerSource      = "ce-source"
	headerType        = "ce-type"
	headerSubject     = "ce-subject"
	headerTime        = "ce-time"
	headerContentType = "ce-datacontenttype"

	specVersion = "1.0"
	contentType = "application/json"
)

// Event is a payload in its envelope.
type Event struct {
	ID      string    // what makes a second copy recognisable; at most MaxID printable ASCII characters
	Time    time.Time // when it happened, as far as known; zero leaves it out
	Payload Payload
}

// Message is an event as it travels.
type Message struct {
	Subject string
	Headers map[string][]string
	Body    []byte
}

// ID is the message's id, or empty where it carries none.
func (m Message) ID() string { return first(m.Headers, HeaderMsgID) }

// Encode makes the message for an event. Texts over their limit are cut, never
// refused, because a message about something odd is worth more than none. An
// event without a payload or with an id that is empty, too long or not
// printable ASCII is Invalid. The same event always gives the same bytes.
func Encode(e Event) (Message, error) {
	if e.Payload == nil {
		return Message{}, core.Errorf(core.Invalid, "event %q has no payload", cut(e.ID, MaxID))
	}
	if err := checkID(e.ID); err != nil {
		return Message{}, err
	}
	p := e.Payload.bounded()
	body, err := json.Marshal(p)
	if err != nil {
		return Message{}, core.Errorf(core.Internal, "encode event %s of type %s: %w", e.ID, p.eventType(), err)
	}
	return Message{Subject: p.subject(), Headers: headers(e, p), Body: body}, nil
}

// headers share one array: a map of eight slices of one text each would
// otherwise be most of what a message costs.
func headers(e Event, p Payload) map[string][]string {
	h := make(map[string][]string, 8)
	values := make([]string, 0, 8)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set(HeaderMsgID, e.ID)
	set(headerID, e.ID)
	set(headerSpecVersion, specVersion)
	set(headerType, p.eventType())
	set(headerSource, percentEncode(p.source()))
	set(headerContentType, contentType)
	if about := p.about(); about != "" {
		set(headerSubject, percentEncode(about))
	}
	if t := boundedTime(e.Time); !t.IsZero() {
		set(headerTime, t.Format(time.RFC3339Nano))
	}
	return h
}

// Decode reads a message. Headers and fields that it does not know are
// ignored. Everything it cannot read is Invalid: another copy of the same
// bytes would not be better.
func Decode(headers map[string][]string, body []byte) (Event, error) {
	if v := first(headers, headerSpecVersion); v != specVersion {
		return Event{}, core.Errorf(core.Invalid, "header %s is %q, want %q", headerSpecVersion, cut(v, MaxID), specVersion)
	}
	id, err := percentDecode(first(headers, headerID))
	if err == nil {
		err = checkID(id)
	}
	if err != nil {
		return Event{}, err
	}
	when, err := decodeTime(first(headers, headerTime))
	if err != nil {
		return Event{}, err
	}
	p, err := decodePayload(first(headers, headerType), body)
	if err != nil {
		return Event{}, core.Errorf(core.Invalid, "event %s: %w", id, err)
	}
	return Event{ID: id, Time: when, Payload: p}, nil
}

func decodePayload(typ string, body []byte) (Payload, error) {
	if len(body) > MaxBody {
		return nil, core.Errorf(core.Invalid, "its body has %d bytes, at most %d are allowed", len(body), MaxBody)
	}
	switch typ {
	case TypeHint:
		return unmarshal[Hint](typ, body)
	case TypeReport:
		return unmarshal[Report](typ, body)
	case TypeTrigger:
		return unmarshal[Trigger](typ, body)
	}
	if name, ok := otherMajor(typ); ok {
		return nil, core.Errorf(core.Invalid, "header %s is %q, but this version reads %s: upgrade the reader before the writer", headerType, cut(typ, MaxID), name)
	}
	return nil, core.Errorf(core.Invalid, "header %s is %q, want %s, %s or %s", headerType, cut(typ, MaxID), TypeHint, TypeReport, TypeTrigger)
}

// otherMajor reports whether typ is a type of ours in a major version that
// this code does not read, and the version that it does.
func otherMajor(typ string) (string, bool) {
	for _, known := range []string{TypeHint, TypeReport, TypeTrigger} {
		if strings.HasPrefix(typ, strings.TrimSuffix(known, "1")) {
			return known, true
		}
	}
	return "", false
}

func unmarshal[P Payload](typ string, body []byte) (Payload, error) {
	var p P
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, core.Errorf(core.Invalid, "read the body of a %s: %w", typ, err)
	}
	return p, nil
}

func decodeTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, core.Errorf(core.Invalid, "header %s is %q, want a time as in RFC 3339", headerTime, cut(s, MaxID))
	}
	return t, nil
}

func checkID(id string) error {
	if id == "" {
		return core.Errorf(core.Invalid, "header %s is empty: an event needs an id", headerID)
	}
	if len(id) > MaxID {
		return core.Errorf(core.Invalid, "header %s has %d characters, at most %d are allowed", headerID, len(id), MaxID)
	}
	for i := range len(id) {
		if !literal(id[i]) {
			return core.Errorf(core.Invalid, "header %s: character %d is not a printable ASCII character that stands for itself", headerID, i+1)
		}
	}
	return nil
}

func first(headers map[string][]string, name string) string {
	if v := headers[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
