package fakegitlab

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Request is one line of the request log.
type Request struct {
	At     time.Time
	Method string
	Path   string // escaped, without the query
	Query  string
	User   string // user name, empty if anonymous
	Status int    // what the client saw; 0 if the connection was dropped
}

// requestLog remembers the latest requests.
type requestLog struct {
	mu   sync.Mutex
	seen []Request
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) >= maxRequestLog {
		l.seen = append(l.seen[:0], l.seen[maxRequestLog/2:]...)
	}
	l.seen = append(l.seen, r)
}

// Requests returns the log of requests, oldest first, with those of Git and of
// the web pages. Only the newest are kept when there are very many.
func (s *Server) Requests() []Request {
	s.reqs.mu.Lock()
	defer s.reqs.mu.Unlock()
	return append([]Request(nil), s.reqs.seen...)
}

// ForgetRequests empties the log, so that a test counts from here.
func (s *Server) ForgetRequests() {
	s.reqs.mu.Lock()
	defer s.reqs.mu.Unlock()
	s.reqs.seen = nil
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what is below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// void takes an answer that nobody shall see.
type void struct{ header http.Header }

func (v void) Header() http.Header         { return v.header }
func (v void) Write(b []byte) (int, error) { return len(b), nil }
func (v void) WriteHeader(int)             {}

// front is what every request passes: the log, the header that says what this
// server is, and the faults that strike any request.
func (s *Server) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &statusWriter{ResponseWriter: rw}
		entry := Request{At: s.now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, User: s.nameOf(r)}
		defer func() {
			entry.Status = w.status
			s.reqs.add(entry)
		}()
		w.Header().Set("X-Fakegitlab", "1")
		w.Header().Set("X-Gitlab-Meta", `{"correlation_id":"fake","version":"1"}`)
		pause(r.Context(), s.faults.Plan().Slow)
		rule := s.faults.strike(r.Method, r.URL.EscapedPath())
		if rule == nil {
			next.ServeHTTP(w, r)
			return
		}
		pause(r.Context(), rule.Delay)
		switch {
		case rule.Status == 0 && !rule.Drop:
			next.ServeHTTP(w, r)
			return
		case rule.After:
			next.ServeHTTP(void{http.Header{}}, r)
		}
		rule.answer(w)
	})
}

// pause waits in real time, or until the client gives up.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// nameOf finds who a request comes from, for the log, with either kind of
// credential.
func (s *Server) nameOf(r *http.Request) string {
	token := tokenOf(r)
	if _, password, basic := r.BasicAuth(); basic {
		token = password
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.signIn(token); u != nil {
		return u.username
	}
	return ""
}

// window counts what one user did in the current minute.
type window struct {
	start time.Time
	count int
}

// count adds one to a user's window and says how many there are now and when
// the window ends.
func (s *Server) count(key string) (n int, ends time.Time) {
	now := s.now()
	w := s.throttle[key]
	if w == nil || now.Sub(w.start) >= time.Minute {
		w = &window{start: now}
		s.throttle[key] = w
	}
	w.count++
	return w.count, w.start.Add(time.Minute)
}

// throttled sets the RateLimit headers, and refuses when the quota is gone.
func (c *call) throttled() *reply {
	limit := c.faults.Plan().PerMinute
	if limit <= 0 {
		return nil
	}
	key := "api "
	if c.user != nil {
		key += c.user.username
	}
	n, ends := c.count(key)
	wait := int(ends.Sub(c.now()).Seconds()) + 1
	c.header.Set("RateLimit-Limit", strconv.Itoa(limit))
	c.header.Set("RateLimit-Observed", strconv.Itoa(n))
	c.header.Set("RateLimit-Remaining", strconv.Itoa(max(limit-n, 0)))
	c.header.Set("RateLimit-Reset", strconv.FormatInt(ends.Unix(), 10))
	c.header.Set("RateLimit-Name", "throttle_authenticated_api")
	if n <= limit {
		return nil
	}
	c.header.Set("RateLimit-ResetTime", ends.Format(http.TimeFormat))
	c.header.Set("Retry-After", strconv.Itoa(wait))
	c.header.Set("Content-Type", "text/plain")
	return &reply{status: http.StatusTooManyRequests, raw: []byte("Retry later\n")}
}
