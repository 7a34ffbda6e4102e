package receiver

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"
)

// answer is what remains to be done for a request when its body is gone.
type answer func() error

// withBody reads a body of at most limit bytes into memory, calls use with it,
// and takes it back: use must not keep it. It waits a while for room. What
// use returns is for the caller to run, so that a body does not wait for
// the bus.
func (r *Receiver) withBody(c echo.Context, limit int64, use func(body []byte) answer) (answer, refusal) {
	req := c.Request()
	if req.ContentLength > limit {
		return nil, tooLarge
	}
	room, size := r.small, req.ContentLength
	if size < 0 || size > smallBody {
		room = r.large
	}
	if size < 0 {
		size = limit
	}
	if !wait(req.Context(), room, size) {
		return nil, tooBusy
	}
	defer room.Release(size)
	buf := r.buffer()
	defer r.keep(buf)
	if req.ContentLength > 0 {
		buf.Grow(int(req.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(c.Response(), req.Body, limit)); err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return nil, tooLarge
		}
		return nil, unreadable
	}
	return use(buf.Bytes()), accepted
}

// wait takes room for a body, or gives up after bodyWait.
func wait(ctx context.Context, room *semaphore.Weighted, size int64) bool {
	if room.TryAcquire(size) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	return room.Acquire(ctx, size) == nil
}

func (r *Receiver) buffer() *bytes.Buffer {
	if buf, ok := r.buffers.Get().(*bytes.Buffer); ok {
		buf.Reset()
		return buf
	}
	return new(bytes.Buffer)
}

// keep gives a buffer back unless it has grown so much that a few of them
// would hold the memory of many.
func (r *Receiver) keep(buf *bytes.Buffer) {
	if buf.Cap() <= keptBuffer {
		r.buffers.Put(buf)
	}
}
