package setup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// again has GitLab send once more what the receiver has not taken, the oldest
// first. It stops at the first that is refused again: GitLab counts failures, and
// switches a webhook off after some.
func (h *hookWork) again(ctx context.Context, hook gitlab.Hook) {
	var list []gitlab.Delivery
	var whole bool
	err := h.patiently(ctx, func() (err error) {
		list, whole, err = h.place.Deliveries(ctx, hook.ID)
		return err
	})
	if err != nil {
		if core.KindOf(err) == core.NotFound {
			h.say("resend", failed, "GitLab "+h.release.text+" does not tell what it has sent", fmt.Sprintf("that came with %d.%d; the sweep finds what was missed", keyedMajor, keyedMinor))
			return
		}
		h.trouble("resend", err, maintainer)
		return
	}
	if !whole {
		h.say("resend", told, fmt.Sprintf("only the newest %d deliveries are looked at; the sweep finds what older ones told", len(list)), "")
	}
	lost, elsewhere := missed(list, hook.URL)
	if elsewhere > 0 {
		h.say("resend", told, fmt.Sprintf("%d deliveries went to another address, to which GitLab does not repeat them; the sweep finds what they told", elsewhere), "")
	}
	if len(lost) == 0 {
		h.say("resend", fine, "no delivery of the last days is missing", "")
		return
	}
	h.send(ctx, hook, lost)
}

func (h *hookWork) send(ctx context.Context, hook gitlab.Hook, lost []gitlab.Delivery) {
	var sent []time.Time
	for i, d := range lost {
		if err := h.pace(ctx, sent, len(lost)); err != nil {
			h.say("resend", failed, fmt.Sprintf("%d of %d deliveries were sent again: %s", i, len(lost), err), "run it again for the rest")
			return
		}
		sent = append(sent, h.clock())
		err := h.patiently(ctx, func() error { return h.place.Resend(ctx, hook.ID, d.ID) })
		if err == nil || core.KindOf(err) == core.NotFound { // GitLab has cleared it away
			continue
		}
		h.say("resend", failed, fmt.Sprintf("%d of %d deliveries were sent again; then: %s", i, len(lost), err), "put right why the receiver does not take it, and run it again for the rest")
		return
	}
	h.say("resend", done, fmt.Sprintf("%d deliveries that the receiver had missed were sent again", len(lost)), "")
}

// pace waits while GitLab would refuse, and says how far it is.
func (h *hookWork) pace(ctx context.Context, sent []time.Time, all int) error {
	if len(sent) < sendsPerMinute {
		return nil
	}
	wait := time.Minute - h.clock().Sub(sent[len(sent)-sendsPerMinute])
	if wait <= 0 {
		return nil
	}
	fmt.Fprintf(h.env.Stderr, "sent %d of %d again; GitLab takes %d a minute, going on in %s\n", len(sent), all, sendsPerMinute, wait.Round(time.Second))
	return h.pause(ctx, wait)
}

// missed are the deliveries of which no copy was taken, the oldest first, each
// once; elsewhere counts those to another address. The list has the newest first.
func missed(list []gitlab.Delivery, to string) (lost []gitlab.Delivery, elsewhere int) {
	seen := map[string]bool{}
	for _, d := range list {
		if d.Taken() && d.Key != "" {
			seen[d.Key] = true
		}
	}
	for _, d := range list {
		switch {
		case d.Taken() || d.Key != "" && seen[d.Key]:
		case d.URL != to:
			elsewhere++
		default:
			lost = append(lost, d)
		}
		if d.Key != "" {
			seen[d.Key] = true
		}
	}
	slices.Reverse(lost)
	return lost, elsewhere
}
