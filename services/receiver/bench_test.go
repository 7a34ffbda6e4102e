package receiver

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/pkg/events"
)

// nowhere takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) Publish(context.Context, events.Message) (bool, error) { return false, nil }
func (nowhere) Ready(context.Context) error                           { return nil }

// BenchmarkReceiver is one delivery from request to answer, without network
// and bus.
func BenchmarkReceiver(b *testing.B) {
	archive, err := txtar.ParseFile("testdata/hints/note_merge_request.txtar")
	if err != nil {
		b.Fatal(err)
	}
	body := archive.Files[1].Data
	signed := http.Header{"X-Gitlab-Event": {"Note Hook"}}
	pairs := signature256(b, string(body))
	for i := 0; i < len(pairs); i += 2 {
		signed.Set(pairs[i], pairs[i+1])
	}
	for name, h := range map[string]http.Header{
		"token":     {"X-Gitlab-Event": {"Note Hook"}, headerToken: {token}, "Idempotency-Key": {anID}},
		"signature": signed,
		"refused":   {"X-Gitlab-Event": {"Note Hook"}, headerToken: {"wrong"}},
	} {
		b.Run(name, func(b *testing.B) {
			handler := mustNew(b, config(), nowhere{}, nil).Handler()
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req := httptest.NewRequest(http.MethodPost, "/hooks/gitlab", bytes.NewReader(body))
					req.Header = h
					handler.ServeHTTP(httptest.NewRecorder(), req)
				}
			})
		})
	}
}
