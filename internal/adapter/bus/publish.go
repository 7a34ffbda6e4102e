package bus

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// Publish stores a message and returns once JetStream has acknowledged it.
// duplicate tells that a message with its id was stored before, which is
// success. A message without an id is Invalid.
//
// It returns within four seconds. After a Transient error the message may or
// may not be stored; publishing the same message again is safe.
func (b *Bus) Publish(ctx context.Context, m events.Message) (duplicate bool, err error) {
	if m.ID() == "" {
		return false, core.Errorf(core.Invalid, "publish on %s: the message has no %s header", m.Subject, events.HeaderMsgID)
	}
	if err := b.connected(); err != nil {
		return false, core.Errorf(core.Transient, "publish %s on %s: %w", m.ID(), m.Subject, err)
	}
	ack, err := bounded(ctx, b, func(ctx context.Context) (*jetstream.PubAck, error) {
		return b.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Header: m.Headers, Data: m.Body})
	})
	if err != nil {
		return false, core.Errorf(classified(err), "publish %s on %s: %w", m.ID(), m.Subject, err)
	}
	return ack.Duplicate, nil
}
