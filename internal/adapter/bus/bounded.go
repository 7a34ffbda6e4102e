package bus

import "context"

// bounded runs one call of the client library and returns within callTimeout
// even if the library does not: it writes while it holds its lock, and a peer
// that no longer reads can keep it there longer than the context allows. The
// call's slot is free again when the library has returned, so the calls
// that are left behind stay bounded, too.
func bounded[T any](ctx context.Context, b *Bus, call func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	select {
	case b.calls <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-b.calls }()
		value, err := call(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
