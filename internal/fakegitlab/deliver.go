package fakegitlab

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// event is a kind of hook: the flag that asks for it, the header that names it
// and the name that its deliveries are listed under.
type event struct{ flag, header, trigger string }

// delivery is one request to one receiver.
type delivery struct {
	hook    *hook
	event   event
	url     string
	key     string // Idempotency-Key and webhook-id
	group   string // X-Gitlab-Event-UUID, shared by all hooks of one event
	body    []byte
	token   core.Secret
	signing core.Secret
	verify  bool
	custom  map[string]string
	at      time.Time
}

// hookRecord is a delivery that was tried.
type hookRecord struct {
	id       int64
	d        *delivery
	sent     http.Header
	status   int // 0: no answer
	err      string
	answer   http.Header
	body     string
	duration time.Duration
}

// success follows GitLab: redirections count.
func (r *hookRecord) success() bool { return r.status >= 200 && r.status < 400 }

func (r *hookRecord) outcome() string {
	if r.err != "" {
		return r.err
	}
	return strconv.Itoa(r.status)
}

// fits is the status filter of the list of events.
func (r *hookRecord) fits(filter string) bool {
	switch filter {
	case "":
		return true
	case "successful":
		return r.success()
	case "client_failure":
		return r.status >= 400 && r.status < 500
	case "server_failure":
		return r.status >= 500 || r.status == 0
	}
	return filter == strconv.Itoa(r.status)
}

func (r *hookRecord) render() obj {
	flat := func(h http.Header) obj {
		o := obj{}
		for k := range h {
			o[k] = h.Get(k)
		}
		return o
	}
	sent := flat(r.sent)
	if _, has := sent["X-Gitlab-Token"]; has {
		sent["X-Gitlab-Token"] = "[REDACTED]"
	}
	status := strconv.Itoa(r.status)
	if r.status == 0 {
		status = "internal error"
	}
	return obj{
		"id": r.id, "url": r.d.url, "trigger": r.d.event.trigger, "request_headers": sent, "request_data": json.RawMessage(r.d.body),
		"response_headers": flat(r.answer), "response_body": r.body, "execution_duration": r.duration.Seconds(), "response_status": status,
	}
}

// courier holds the deliveries that wait.
type courier struct {
	ready chan *delivery
	plain *http.Client
	loose *http.Client // for hooks that do not verify TLS

	mu      sync.Mutex
	waiting []*delivery
	held    *delivery
	passing *delivery // the one that overtakes held
	age     int       // ticks that held has waited
	dice    *mathrand.Rand
	seed    uint64
	pending int
	lost    int
}

// newCourier makes clients that follow no redirections: one is an answer.
func newCourier(cfg Config) *courier {
	client := func(t *http.Transport) *http.Client {
		return &http.Client{
			Timeout: cfg.HookTimeout, Transport: t,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	loose := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the hook's owner asked for it
	return &courier{ready: make(chan *delivery, maxQueued), plain: client(&http.Transport{}), loose: client(loose)}
}

// newUUID is a random UUID of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// newDelivery freezes what the hook is set to now.
func (s *Server) newDelivery(h *hook, ev event, body []byte, key string) *delivery {
	return &delivery{
		hook: h, event: ev, url: h.url, key: key, group: newUUID(), body: body,
		token: h.token, signing: h.signing, verify: h.verifyTLS, custom: h.headers, at: s.now(),
	}
}

// send queues a delivery, unless the faults decide otherwise.
func (q *courier) send(d *delivery, f HookFaults) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dice == nil || q.seed != f.Seed {
		q.dice, q.seed = mathrand.New(mathrand.NewPCG(f.Seed, 0)), f.Seed
	}
	if q.dice.Float64() < f.Drop {
		q.lost++
		return
	}
	if f.Delay > 0 {
		d.at = d.at.Add(time.Duration(q.dice.Int64N(int64(f.Delay))) + 1)
	}
	if q.dice.Float64() < f.Duplicate {
		q.queue(d, f.Delay > 0)
	}
	if q.held == nil && q.dice.Float64() < f.Reorder {
		q.held, q.passing, q.age = d, nil, 0
		q.pending++
		return
	}
	if q.held != nil && q.passing == nil {
		q.passing, q.age = d, 0
	}
	q.queue(d, f.Delay > 0)
}

// letGo queues the delivery that was held back for another to overtake it.
func (q *courier) letGo() {
	if q.held == nil {
		return
	}
	d := q.held
	q.held, q.passing = nil, nil
	q.pending--
	q.queue(d, false)
}

// queue puts a delivery in line, or loses it when the line is too long.
func (q *courier) queue(d *delivery, delayed bool) {
	if q.pending >= maxQueued {
		q.lost++
		return
	}
	q.pending++
	if delayed {
		q.waiting = append(q.waiting, d)
		return
	}
	q.ready <- d // has room: pending counts what is in it
}

// heldTicks is how long a delivery waits to be overtaken before it goes anyway:
// long enough for a slow machine to bring the next one.
const heldTicks = 500

// release lets deliveries go whose time has come.
func (q *courier) release(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.age++; q.age > heldTicks && q.passing == nil {
		q.letGo()
	}
	keep := q.waiting[:0]
	for _, d := range q.waiting {
		if d.at.After(now) {
			keep = append(keep, d)
			continue
		}
		q.ready <- d
	}
	q.waiting = keep
}

// done counts a delivery off; what it has overtaken may go now.
func (q *courier) done(d *delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending--
	if d == q.passing {
		q.letGo()
	}
}

// PendingHooks is the number of deliveries that are queued or under way.
func (s *Server) PendingHooks() int {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return s.hooks.pending
}

// LostHooks is the number of deliveries that the faults or a full queue lost.
func (s *Server) LostHooks() int {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return s.hooks.lost
}

// deliverAll is one worker.
func (s *Server) deliverAll(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d := <-s.hooks.ready:
			if rec := s.deliver(ctx, d); !rec.success() {
				s.log.Warn("webhook failed", "delivery", d.key, "event", d.event.header, "outcome", rec.outcome())
			}
			s.hooks.done(d)
		}
	}
}

// deliver sends once and records what came of it. There is no second try.
func (s *Server) deliver(ctx context.Context, d *delivery) *hookRecord {
	rec := &hookRecord{d: d}
	began := time.Now()
	if err := s.post(ctx, d, rec); err != nil {
		rec.err = err.Error()
	}
	rec.duration = time.Since(began)
	auto := s.faults.Plan().AutoDisable
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.id = s.next()
	d.hook.delivered(s.now(), rec.success(), auto)
	if len(d.hook.records) >= maxHookRecords {
		d.hook.records = append(d.hook.records[:0], d.hook.records[1:]...)
	}
	d.hook.records = append(d.hook.records, rec)
	return rec
}

// post makes the request and notes what was sent and answered.
func (s *Server) post(ctx context.Context, d *delivery, rec *hookRecord) error {
	if len(d.body) > maxHookBody {
		return fmt.Errorf("payload of %d bytes is too large", len(d.body))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	s.sign(req, d)
	rec.sent = req.Header
	client := s.hooks.plain
	if !d.verify {
		client = s.hooks.loose
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxHookAnswer))
	rec.status, rec.answer, rec.body = res.StatusCode, res.Header, string(text)
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20) // so that the connection can be used again
	return err
}

// sign sets all headers of a delivery. Custom ones never replace GitLab's own.
func (s *Server) sign(req *http.Request, d *delivery) {
	s.mu.Lock()
	instance, now := s.url, s.now()
	s.mu.Unlock()
	h := req.Header
	for k, v := range d.custom {
		h.Set(k, v)
	}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitLab/"+s.cfg.Edition.version())
	h.Set("Idempotency-Key", d.key)
	h.Set("X-Gitlab-Event", d.event.header)
	h.Set("X-Gitlab-Webhook-UUID", newUUID())
	h.Set("X-Gitlab-Instance", instance)
	h.Set("X-Gitlab-Event-UUID", d.group)
	if d.token != "" {
		h.Set("X-Gitlab-Token", d.token.Reveal())
	}
	basicAuth(req)
	if d.signing == "" {
		return
	}
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set("webhook-id", d.key)
	h.Set("webhook-timestamp", at)
	h.Set("webhook-signature", "v1,"+signatureOf(d, at))
}

// basicAuth turns user:password of the URL into a header.
func basicAuth(req *http.Request) {
	if u := req.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
		req.URL.User = (*url.Userinfo)(nil)
	}
}

// signatureOf is HMAC-SHA256 over id.timestamp.body, as Standard Webhooks says.
func signatureOf(d *delivery, at string) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(d.signing.Reveal(), "whsec_")) // checked when it was set
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", d.key, at)
	mac.Write(d.body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
