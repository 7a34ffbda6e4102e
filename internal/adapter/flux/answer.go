package flux

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// answer turns a Receiver's status into an error with its kind and advice, or
// into nil. Receivers send no text, so the advice is all a person gets.
func answer(resp *http.Response) error {
	status, host := resp.StatusCode, resp.Request.URL.Host
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return core.Errorf(core.Invalid, "%s answered %d: redirects are not followed, because they would take the token elsewhere: set the address it leads to", host, status)
	case status == http.StatusBadRequest:
		return core.Errorf(core.Invalid, "%s answered 400: the Receiver refused the signature, token or event: compare its type, the token byte for byte, and spec.events", host)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return core.Errorf(core.Denied, "%s answered %d, which Flux never does: something in front of it wants other credentials", host, status)
	case status == http.StatusNotFound:
		return core.Errorf(core.NotFound, "%s answered 404: the path exists only after the Receiver has reconciled, and only if token, name and namespace are the same on both sides, a line break at the token's end included", host)
	case status == http.StatusRequestEntityTooLarge:
		return core.Errorf(core.Invalid, "%s answered 413: the payload is too large for it or for a proxy in front of it", host)
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return core.RetryAfter(wait(resp.Header), fmt.Errorf("%s answered %d: %w", host, status, transientCause(status)))
	default:
		return core.Errorf(core.Invalid, "%s answered %d, which Flux never does: look at what stands in front of it", host, status)
	}
}

func transientCause(status int) error {
	switch status {
	case http.StatusServiceUnavailable:
		return errSuspended
	case http.StatusInternalServerError:
		return errNotAnnotated
	default:
		return errOverloaded
	}
}

var (
	errSuspended    = errors.New("the Receiver is suspended or not ready, or nothing runs behind the address")
	errNotAnnotated = errors.New("the Receiver could not mark all of its resources: look for one that does not exist")
	errOverloaded   = errors.New("it or something in front of it is overloaded or out of order")
)

// wait reads Retry-After in both of its forms. A date is compared with the
// answer's own, so that clocks that differ do no harm.
func wait(h http.Header) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	sent, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(sent), 0), maxRetryAfter)
}
