package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// DeadLetter is a message that was given up, and why.
type DeadLetter struct {
	Sequence uint64    // in the stream of dead letters: what Replay and Drop take
	At       time.Time // when it was given up
	Subject  string    // where it had been published
	Attempts uint64    // how often it was tried
	Reason   string
	Headers  map[string][]string // as it had them, its id included
	Body     []byte
}

// The headers that a dead letter has beside its own.
const (
	headerDeadSubject  = "Sluice-Dead-Subject"
	headerDeadAttempts = "Sluice-Dead-Attempts"
	headerDeadReason   = "Sluice-Dead-Reason"
	headerDeadID       = "Sluice-Dead-Id"
)

// bury keeps a message that is given up. Twice is the same as once.
func (b *Bus) bury(ctx context.Context, stream string, d Delivery, why error) error {
	subject, err := events.DeadSubject(d.Subject)
	if err != nil {
		return err
	}
	h := nats.Header{}
	for name, values := range d.Headers {
		h[name] = values
	}
	h.Set(headerDeadSubject, d.Subject)
	h.Set(headerDeadAttempts, strconv.FormatUint(d.Attempt, 10))
	h.Set(headerDeadReason, oneLine(why.Error()))
	h.Set(headerDeadID, events.Message{Headers: d.Headers}.ID())
	h.Set(events.HeaderMsgID, fmt.Sprintf("%s-%d", stream, d.Sequence))
	_, err = b.Publish(ctx, events.Message{Subject: subject, Headers: h, Body: d.Body})
	return err
}

// oneLine is a text as a header can carry it.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// DeadLetters lists the newest dead letters, oldest first, at most limit of
// them.
func (b *Bus) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	s, info, err := b.dead(ctx)
	if err != nil {
		return nil, err
	}
	var out []DeadLetter
	for seq := info.State.LastSeq; seq >= info.State.FirstSeq && seq > 0 && len(out) < limit; seq-- {
		letter, err := b.letter(ctx, s, seq)
		if core.KindOf(err) == core.NotFound && err != nil {
			continue // replayed or dropped
		}
		if err != nil {
			return nil, err
		}
		out = append([]DeadLetter{letter}, out...)
	}
	return out, nil
}

// Replay publishes a dead letter where it had been published, and drops it. It
// is NotFound if it is not there, or not any more.
func (b *Bus) Replay(ctx context.Context, sequence uint64) error {
	s, _, err := b.dead(ctx)
	if err != nil {
		return err
	}
	letter, err := b.letter(ctx, s, sequence)
	if err != nil {
		return err
	}
	// Its own id would be taken for a second copy.
	id := fmt.Sprintf("replay-%d-%d", sequence, letter.At.UnixNano())
	letter.Headers[events.HeaderMsgID] = []string{id}
	if _, err := b.Publish(ctx, events.Message{Subject: letter.Subject, Headers: letter.Headers, Body: letter.Body}); err != nil {
		return core.Errorf(core.KindOf(err), "replay dead letter %d: %w", sequence, err)
	}
	return b.Drop(ctx, sequence)
}

// Drop forgets a dead letter. One that is not there is NotFound.
func (b *Bus) Drop(ctx context.Context, sequence uint64) error {
	s, _, err := b.dead(ctx)
	if err != nil {
		return err
	}
	_, err = bounded(ctx, b, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.DeleteMsg(ctx, sequence) })
	if err != nil {
		return core.Errorf(deadKind(err), "drop dead letter %d: %w", sequence, err)
	}
	return nil
}

// dead is the stream of dead letters as it is now.
func (b *Bus) dead(ctx context.Context) (jetstream.Stream, *jetstream.StreamInfo, error) {
	if err := b.connected(); err != nil {
		return nil, nil, err
	}
	s, err := bounded(ctx, b, func(ctx context.Context) (jetstream.Stream, error) { return b.js.Stream(ctx, events.StreamDead) })
	if err != nil {
		return nil, nil, core.Errorf(classified(err), "look at stream %s: %w", events.StreamDead, err)
	}
	return s, s.CachedInfo(), nil
}

func (b *Bus) letter(ctx context.Context, s jetstream.Stream, sequence uint64) (DeadLetter, error) {
	m, err := bounded(ctx, b, func(ctx context.Context) (*jetstream.RawStreamMsg, error) { return s.GetMsg(ctx, sequence) })
	if err != nil {
		return DeadLetter{}, core.Errorf(deadKind(err), "read dead letter %d: %w", sequence, err)
	}
	attempts, _ := strconv.ParseUint(m.Header.Get(headerDeadAttempts), 10, 64) // 0 where somebody else wrote it
	out := DeadLetter{
		Sequence: sequence, At: m.Time, Subject: m.Header.Get(headerDeadSubject), Attempts: attempts,
		Reason: m.Header.Get(headerDeadReason), Headers: m.Header, Body: m.Data,
	}
	out.Headers[events.HeaderMsgID] = []string{m.Header.Get(headerDeadID)}
	for _, name := range []string{headerDeadSubject, headerDeadAttempts, headerDeadReason, headerDeadID} {
		delete(out.Headers, name)
	}
	return out, nil
}

func deadKind(err error) core.Kind {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return core.NotFound
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return core.NotFound
	}
	return classified(err)
}
