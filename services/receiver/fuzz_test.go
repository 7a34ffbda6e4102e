package receiver

import (
	"net/http"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/pkg/events"
)

// Every authentic delivery has a hint that can be sent, or is of no use.
func FuzzClassify(f *testing.F) {
	for _, path := range hintArchives(f) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		h := readHeaders(f, archive.Files[0].Data)
		f.Add(h.Get("X-Gitlab-Event"), h.Get("X-Gitlab-Instance"), h.Get("Idempotency-Key"), archive.Files[1].Data)
	}
	f.Fuzz(func(t *testing.T, event, instance, key string, body []byte) {
		h := http.Header{"X-Gitlab-Event": {event}, "X-Gitlab-Instance": {instance}, "Idempotency-Key": {key}}
		hint := classify(h, body)
		if hint.Kind == unused {
			return
		}
		m, err := events.Encode(events.Event{ID: hint.Delivery, Payload: hint})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := events.Decode(m.Headers, m.Body); err != nil {
			t.Fatal(err)
		}
		if hint.ProjectID == 0 && hint.Kind != events.KindEverything {
			t.Fatalf("a hint of kind %s names no project", hint.Kind)
		}
		if again := classify(h, body); again != hint {
			t.Fatalf("the same delivery became %+v, then %+v", hint, again)
		}
	})
}
