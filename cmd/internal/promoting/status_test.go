package promoting

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/services/promoter"
)

func ask(t *testing.T, boards []promoter.Board, query string) (int, string) {
	t.Helper()
	server := httptest.NewServer(Status(func() []promoter.Board { return boards }))
	defer server.Close()
	answer, err := http.Get(server.URL + "/status" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func board() promoter.Board {
	at := time.Date(2026, 11, 3, 9, 0, 0, 123, time.UTC)
	head := core.SHA(strings.Repeat("ab", 20))
	return promoter.Board{
		Inventory: new(overlay.Inventory),
		Path:      "team/flux", Head: head, Passed: at, Trouble: errors.New("GitLab said: password=hunter2 is wrong"),
		Targets: []*plan.Status{{Target: core.Target{Env: "stg", App: "web"}, Phase: plan.Waiting, MR: 7, Reason: "healthy: no report from s1 yet"}},
		Clusters: []plan.ClusterStatus{
			{
				Name: "s1", Env: "stg", Voice: plan.Voice{Heard: at, Every: 10 * time.Minute, Revision: head}, Behind: "web has changed since",
				Trigger: plan.TriggerRecord{Revision: head, At: at, Attempts: 2, Trouble: "it answered 503"},
			},
			{Name: "s2", Env: "stg"},
		},
	}
}

func TestStatus(t *testing.T) {
	code, body := ask(t, []promoter.Board{board()}, "")
	const want = `{"monorepos":[{"project":"team/flux","head":"abababababababababababababababababababab","lastPass":"2026-11-03T09:00:00Z",
		"trouble":"GitLab said: password=[masked] is wrong",
		"targets":[{"env":"stg","app":"web","phase":"waiting","mr":7,"reason":"healthy: no report from s1 yet","versions":[]}],
		"clusters":[{"name":"s1","env":"stg","heard":"2026-11-03T09:00:00Z","every":"10m0s","revision":"abababababababababababababababababababab","behind":"web has changed since",
			"trigger":{"revision":"abababababababababababababababababababab","at":"2026-11-03T09:00:00Z","attempts":2,"trouble":"it answered 503"}},
			{"name":"s2","env":"stg"}]}]}`
	var got, expected any
	if err := errors.Join(json.Unmarshal([]byte(body), &got), json.Unmarshal([]byte(want), &expected)); err != nil || code != http.StatusOK {
		t.Fatalf("%d, %v:\n%s", code, err, body)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if _, body := ask(t, nil, ""); strings.Join(strings.Fields(body), "") != `{"monorepos":[]}` {
		t.Errorf("without a project: %s", body)
	}
	if code, _ := ask(t, nil, "?format=html"); code != http.StatusBadRequest {
		t.Errorf("an unknown format is answered with %d", code)
	}
}

func TestStatusAsATable(t *testing.T) {
	_, got := ask(t, []promoter.Board{board()}, "?format=text")
	const want = `team/flux  head abababab  last pass 2026-11-03T09:00:00Z
trouble: GitLab said: password=[masked] is wrong

ENV  APP  PHASE    MR  VERSIONS  REASON
stg  web  waiting  !7  -         healthy: no report from s1 yet

CLUSTER  ENV  HEARD                 EVERY  REVISION  TRIGGERED                                 BEHIND
s1       stg  2026-11-03T09:00:00Z  10m0s  abababab  2026-11-03T09:00:00Z ×2: it answered 503  web has changed since
s2       stg  never                 -      -         -                                         -

`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// TestStatusIsBounded shows more targets than are shown, with long reasons.
func TestStatusIsBounded(t *testing.T) {
	b := board()
	b.Targets = nil
	for i := range 3 * maxTargets {
		s := &plan.Status{Target: core.Target{Env: "stg", App: core.App(fmt.Sprint("app-", i))}, Phase: plan.Current, Reason: "short"}
		if i%20 == 0 {
			s.Reason = strings.Repeat("é", 10_000)
		}
		if i == 2*maxTargets {
			s.Phase = plan.Blocked
		}
		b.Targets = append(b.Targets, s)
	}
	_, body := ask(t, []promoter.Board{b}, "")
	var doc statusDoc
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	m := doc.Monorepos[0]
	if len(m.Targets) != maxTargets || m.LeftOff != 2*maxTargets || m.Targets[0].Phase != plan.Blocked || len(body) > 4<<20 {
		t.Errorf("%d targets and %d left off in %d bytes, the first is %s", len(m.Targets), m.LeftOff, len(body), m.Targets[0].Phase)
	}
}
