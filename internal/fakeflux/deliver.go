package fakeflux

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// emit plays notification-controller: it drops an event that equals a recent
// one, and delivers the others in the background, in no order.
func (f *Flux) emit(ctx context.Context, e event) {
	if f.config.EventURL == "" || !f.admit(e) {
		return
	}
	lag := f.Behaviour().Lag
	lost := f.loses()
	f.deliveries.Go(func() {
		err := errLost
		if !lost {
			err = f.deliver(ctx, e, lag)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.underWay--
		if err != nil {
			f.status.Lost++
			f.config.Logger.Warn("event lost", "reason", e.Reason, "error", err)
			return
		}
		f.status.Delivered++
	})
}

var errLost = errors.New("the controller restarted")

// loses counts an event, and tells whether it is one that gets lost.
func (f *Flux) loses() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.emitted++
	return f.behaviour.LoseEvery > 0 && f.emitted%f.behaviour.LoseEvery == 0
}

// admit tells whether an event is to be delivered, and counts why not.
func (f *Flux) admit(e event) bool {
	now := f.config.Clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.remembered, func(_ string, at time.Time) bool { return now.Sub(at) >= dedupeFor })
	_, repeated := f.remembered[e.key()]
	switch {
	case repeated:
		f.status.Repeated++
		return false
	case f.behaviour.Silent:
		f.status.Silenced++
		return false
	case f.underWay >= maxDeliveries:
		f.status.Lost++
		return false
	}
	if len(f.remembered) < maxRemembered {
		f.remembered[e.key()] = now
	}
	f.underWay++
	return true
}

// deliver posts an event until it is taken, refused, or given up on.
func (f *Flux) deliver(ctx context.Context, e event, lag time.Duration) error {
	body, err := e.encode()
	if err != nil {
		return err
	}
	if !f.sleep(ctx, lag) {
		return ctx.Err()
	}
	for _, wait := range deliveryWaits {
		if !f.sleep(ctx, wait) {
			return ctx.Err()
		}
		if err = f.post(ctx, e, body); core.KindOf(err) != core.Transient {
			return err
		}
	}
	return err
}

// post makes one attempt. Its error is nil or Transient or says that the event
// will never be taken.
func (f *Flux) post(ctx context.Context, e event, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.config.EventURL, bytes.NewReader(body))
	if err != nil {
		return core.Errorf(core.Invalid, "post event: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Gotk-Component", e.ReportingController)
	if f.config.EventKey != "" {
		mac := hmac.New(sha256.New, []byte(f.config.EventKey.Reveal()))
		mac.Write(body)
		req.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return core.Errorf(core.Transient, "post event: %w", err)
	}
	defer resp.Body.Close()
	// What cannot be drained costs a connection and says nothing about the event.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return verdict(resp.StatusCode)
}

func verdict(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests || status >= 500:
		return core.RetryAfter(0, fmt.Errorf("event answered with %d", status))
	default:
		return core.Errorf(core.Invalid, "event answered with %d", status)
	}
}
