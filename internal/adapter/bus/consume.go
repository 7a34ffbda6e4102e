package bus

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Delivery is one message as a consumer gets it.
type Delivery struct {
	Subject  string
	Headers  map[string][]string
	Body     []byte
	Sequence uint64    // in its stream
	Attempt  uint64    // 1 for the first delivery
	Time     time.Time // when it was stored, by the server's clock
}

// Handler works on one delivery. Its error's kind decides what becomes of the
// message:
//
//	nil                        done
//	Transient, Conflict        again later, after the wait that the error asks for or a growing one
//	Denied                     again after the longest wait: a person has to act
//	Invalid, NotFound          never again; the message is kept as a dead letter
//	Internal                   again a few times, then never, and kept
//
// A handler may take as long as it needs. The context it gets ends with that
// of Consume.
type Handler func(ctx context.Context, d Delivery) error

// Reading says which messages are consumed, and how.
type Reading struct {
	Stream string
	// Durable is the name under which the server remembers what was done: who
	// consumes under the same name shares the work.
	Durable string
	Filter  string // the subjects
	// Parallel bounds the handlers that run at once, and with them the goroutines;
	// 0 means 16. A handler that waits for a dead peer keeps its place until it
	// returns, so where handlers call others it must be above the number of these.
	Parallel int
}

// Consume gives messages to handle, several at once and in no promised order,
// until ctx ends; then it waits for the handlers that still run and returns
// nil. A message can come twice.
//
// It survives a server that goes away. A stream that does not exist is
// NotFound, for the caller to ensure it and call again; a consumer that cannot
// be made as asked is Invalid.
func (b *Bus) Consume(ctx context.Context, r Reading, handle Handler) error {
	c := &consumption{Reading: r, bus: b, handle: handle, slots: make(chan struct{}, cmp.Or(r.Parallel, maxInFlight))}
	defer c.running.Wait()
	for ctx.Err() == nil {
		err := c.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if kind := core.KindOf(err); kind != core.Transient {
			return core.Errorf(kind, "consume %s as %s: %w", r.Stream, r.Durable, err)
		}
		b.log.Warn("a consumer broke and is begun anew", "stream", r.Stream, "durable", r.Durable, "error", err)
		pause(ctx, restartWait)
	}
	return nil
}

// consumption is one run of Consume.
type consumption struct {
	Reading
	bus     *Bus
	handle  Handler
	slots   chan struct{} // holds one element per handler that runs
	running sync.WaitGroup
}

// once consumes until ctx ends or something breaks.
func (c *consumption) once(ctx context.Context) error {
	consumer, err := c.consumer(ctx)
	if err != nil {
		return err
	}
	// What the client holds ready has already been delivered as the server
	// sees it, so no more of it than can be handled at once.
	messages, err := consumer.Messages(jetstream.PullMaxMessages(cap(c.slots)))
	if err != nil {
		return core.Errorf(classified(err), "ask for messages: %w", err)
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Drain)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return core.Errorf(core.Transient, "wait for a message: %w", err)
		}
		c.start(ctx, m)
	}
}

// consumer makes the durable consumer or brings the existing one up to date.
// Unlike a stream's, its settings guard no data: what was done stays known.
func (c *consumption) consumer(ctx context.Context) (jetstream.Consumer, error) {
	if err := c.bus.connected(); err != nil {
		return nil, err
	}
	consumer, err := bounded(ctx, c.bus, func(ctx context.Context) (jetstream.Consumer, error) {
		return c.bus.js.CreateOrUpdateConsumer(ctx, c.Stream, consumerConfig(c.Reading))
	})
	if err != nil {
		return nil, core.Errorf(classified(err), "make the consumer: %w", err)
	}
	return consumer, nil
}

func consumerConfig(r Reading) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       r.Durable,
		FilterSubject: r.Filter,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	}
}

// start runs the handler when a slot is free. A message that arrives while
// everything ends goes back at once, for whoever else consumes.
func (c *consumption) start(ctx context.Context, m jetstream.Msg) {
	if ctx.Err() == nil {
		select {
		case c.slots <- struct{}{}:
			c.running.Go(func() {
				defer func() { <-c.slots }()
				c.work(ctx, m)
			})
			return
		case <-ctx.Done():
		}
	}
	c.answered(m.Subject(), "give back", m.Nak())
}

// work runs the handler and answers for it.
func (c *consumption) work(ctx context.Context, m jetstream.Msg) {
	d := Delivery{Subject: m.Subject(), Headers: m.Headers(), Body: m.Data(), Attempt: 1}
	if meta, err := m.Metadata(); err == nil {
		d.Sequence, d.Attempt, d.Time = meta.Sequence.Stream, meta.NumDelivered, meta.Timestamp
	}
	stop := progress(m)
	err := c.handle(ctx, d)
	stop()
	c.answer(ctx, m, d, err)
}

// progress tells the server that the message is still being worked on, until
// the returned function is called.
func progress(m jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				// A failure shows when the message is answered.
				_ = m.InProgress()
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// answer tells the server what becomes of a message, and the log when that is
// not simply done.
func (c *consumption) answer(ctx context.Context, m jetstream.Msg, d Delivery, err error) {
	if err == nil {
		c.answered(d.Subject, "acknowledge", m.Ack())
		return
	}
	wait, again := verdict(err, d.Attempt)
	if !again {
		// A person may want it back, so it is not given up before it is kept.
		if lost := c.bus.bury(context.WithoutCancel(ctx), c.Stream, d, err); lost != nil {
			again, wait, err = true, firstRetry, lost
		}
	}
	if again {
		wait = jittered(wait)
		c.bus.log.Warn("a message is tried again later", "subject", d.Subject, "sequence", d.Sequence, "attempt", d.Attempt, "wait", wait, "error", err)
		c.answered(d.Subject, "put off", m.NakWithDelay(wait))
		return
	}
	c.bus.log.Error("a message is given up", "subject", d.Subject, "sequence", d.Sequence, "attempt", d.Attempt, "error", err)
	reason := err.Error()
	c.answered(d.Subject, "give up", m.TermWithReason(reason[:min(len(reason), maxReason)]))
}

// answered logs an answer that did not reach the server; the message comes
// again then.
func (c *consumption) answered(subject, how string, err error) {
	if err != nil {
		c.bus.log.Warn("the answer to a message is lost, it will come again", "subject", subject, "answer", how, "error", err)
	}
}

// verdict is the table in Handler's comment.
func verdict(err error, attempt uint64) (wait time.Duration, again bool) {
	wait = min(firstRetry<<min(attempt-1, 20), lastRetry)
	switch core.KindOf(err) {
	case core.Transient, core.Conflict:
		return min(max(wait, core.WaitOf(err)), lastRetry), true
	case core.Denied:
		return lastRetry, true
	case core.Internal:
		return wait, attempt < maxAttempts
	default:
		return 0, false
	}
}

// jittered spreads the next attempts of messages that failed together.
func jittered(d time.Duration) time.Duration { return d - d/8 + rand.N(d/4+1) }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
