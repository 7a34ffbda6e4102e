package fluxtool

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

const (
	// soon is how long before its end a certificate is worth a word.
	soon = 14 * 24 * time.Hour
	// skew is how far two clocks may be apart: reports carry the cluster's, and
	// soaks are measured by it.
	skew = 30 * time.Second
)

// nobody names no commit: Flux uses nothing of it, and fetches the head.
var nobody = flux.Payload{Project: "sluice-flux-doctor", Ref: "refs/heads/main", SHA: core.SHA(strings.Repeat("0", 40))}

// visit looks at one cluster's Receiver over the network.
func (d *doctor) visit(ctx context.Context, c clusters.Cluster) {
	if !c.Triggered() {
		d.say(c.Name, "receiver", doubt, "no url is configured, so the cluster is never called and follows at its own interval", "add its url to the file, if it can be reached")
		return
	}
	if clusters.EndsInLineBreak(c.Receiver.Token) {
		d.say(c.Name, "token", doubt, "the token's file ends in a line break, which Flux takes for a part of it", "write the file without one, unless the Secret in the cluster has it as well")
	}
	client, err := flux.NewClient(c.ClientConfig())
	if err != nil {
		d.say(c.Name, "settings", failed, err.Error(), "correct the file of Flux Receivers")
		return
	}
	defer client.Close()
	if d.reach(ctx, client, c) {
		d.call(ctx, client, c.Receiver)
	}
}

// reach finds out whether anybody answers.
func (d *doctor) reach(ctx context.Context, client *flux.Client, c clusters.Cluster) bool {
	before := d.clock()
	p, err := client.Probe(ctx, c.Receiver.BaseURL)
	switch {
	case err != nil && core.KindOf(err) == core.Denied:
		d.say(c.Name, "reach", failed, err.Error(), "add ca-file with the CA that signed it, or have it signed by one that is trusted")
		return false
	case err != nil:
		d.say(c.Name, "reach", failed, err.Error(), "check the address, the ingress and firewalls; the service is webhook-receiver, port 80, in flux-system")
		return false
	}
	d.say(c.Name, "reach", fine, "somebody answers", "")
	if !p.Expires.IsZero() {
		d.expiry(c.Name, p.Expires)
	}
	if !p.Date.IsZero() {
		if off := p.Date.Sub(before).Round(time.Second); off > skew || off < -skew {
			d.say(c.Name, "clock", doubt, fmt.Sprintf("its clock is %s off this one's", off), "let both follow a time server: soaks are measured by the cluster's clock")
		} else {
			d.say(c.Name, "clock", fine, "agrees with this one's", "")
		}
	}
	return true
}

func (d *doctor) expiry(cluster core.Cluster, at time.Time) {
	if left := at.Sub(d.clock()); left < soon {
		d.say(cluster, "certificate", doubt, fmt.Sprintf("ends on %s", at.UTC().Format(time.DateOnly)), "renew it")
		return
	}
	d.say(cluster, "certificate", fine, fmt.Sprintf("trusted, until %s", at.UTC().Format(time.DateOnly)), "")
}

// call makes a real call and explains what it comes to.
func (d *doctor) call(ctx context.Context, client *flux.Client, r flux.Receiver) {
	err := client.Trigger(ctx, r, nobody)
	if err == nil {
		d.say(r.Cluster, "call", fine, "the Receiver took a call: path and signature are right", "")
		return
	}
	switch core.KindOf(err) {
	case core.NotFound:
		says, fix := d.otherPaths(ctx, client, r)
		d.say(r.Cluster, "call", failed, says, fix)
	case core.Invalid:
		says, fix := d.otherTypes(ctx, client, r, err)
		d.say(r.Cluster, "call", failed, says, fix)
	default:
		d.say(r.Cluster, "call", failed, err.Error(), "look at the Receiver: flux get receivers -n "+r.Namespace)
	}
}

// otherPaths tries what is most often different on the two sides. A path that
// is there takes the call, or refuses it with 400; any other answer may be that
// of whatever stands in front of Flux, and proves nothing.
func (d *doctor) otherPaths(ctx context.Context, client *flux.Client, r flux.Receiver) (says, fix string) {
	token := r.Token.Reveal()
	for _, v := range []struct {
		token     string
		says, fix string
	}{
		{strings.TrimRight(token, "\r\n"), "the token here ends in a line break, and that in the cluster does not", "write the token's file without it: printf %s, not echo"},
		{token + "\n", "the token in the cluster ends in a line break, and the one here does not", "make the Secret anew without it: printf %s, not echo; or add the line break here"},
		{token + "\r\n", "the token in the cluster ends in a line break of Windows", "make the Secret anew without it"},
	} {
		other := r
		if other.Token = core.Secret(v.token); other.Token == r.Token || other.Check() != nil {
			continue // the same, or one that can be sent by nobody
		}
		if err := client.Trigger(ctx, other, nobody); err == nil || core.KindOf(err) == core.Invalid {
			return "404: " + v.says, v.fix
		}
	}
	return "404: no Receiver has the path that follows from token, name and namespace, and none with a line break more or less either",
		fmt.Sprintf("compare: flux get receivers -n %s must show %s as ready; the token of its Secret, byte for byte; an ingress must pass /hook/… on unchanged", r.Namespace, r.Name)
}

// otherTypes tries the other types: the path does not depend on them.
func (d *doctor) otherTypes(ctx context.Context, client *flux.Client, r flux.Receiver, err error) (says, fix string) {
	for _, kind := range []flux.ReceiverType{flux.HMAC, flux.GitLab, flux.Generic} {
		other := r
		if other.Type = kind; kind == r.Type || other.Check() != nil {
			continue
		}
		if client.Trigger(ctx, other, nobody) == nil {
			return fmt.Sprintf("400: the Receiver in the cluster is not of type %s; it took a call as %s", r.Type, kind), fmt.Sprintf("write type: %s in the file of Flux Receivers", kind)
		}
	}
	return err.Error(), "compare type and spec.events of the Receiver"
}
