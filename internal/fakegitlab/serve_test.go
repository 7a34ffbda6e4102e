package fakegitlab_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestServeUntilTheContextEnds(t *testing.T) {
	s := must[*fakegitlab.Server](t)(fakegitlab.New(fakegitlab.Config{Dir: t.TempDir()}))
	must[int64](t)(s.AddUser(fakegitlab.User{Username: "ann", Token: core.Secret("t")}))
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	req := must[*http.Request](t)(http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+"/api/v4/user", nil))
	req.Header.Set("Authorization", "Bearer t")
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	check(t, res.Body.Close())
	expect(t, "bearer", res.StatusCode, 200)
	cancel()
	check(t, <-done)
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestSeedingRefusals(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	_, dup := w.AddUser(fakegitlab.User{Username: "Ann"})
	_, again := w.AddProject(repoPath, fakegitlab.ProjectOptions{})
	_, bare := w.AddProject("mono", fakegitlab.ProjectOptions{})
	for what, err := range map[string]struct {
		err  error
		kind core.Kind
	}{
		"user twice":      {dup, core.Conflict},
		"project twice":   {again, core.Conflict},
		"no group":        {bare, core.Invalid},
		"unknown member":  {w.AddMember(repoPath, "nobody", fakegitlab.Guest), core.NotFound},
		"unknown project": {w.AddMember("a/b", "ann", fakegitlab.Guest), core.NotFound},
		"no pipeline":     {w.SetPipelineStatus(repoPath, 1, "success"), core.NotFound},
	} {
		if err.err == nil || core.KindOf(err.err) != err.kind {
			t.Errorf("%s: %v (%v), want %v", what, err.err, core.KindOf(err.err), err.kind)
		}
	}
}

// Many clients at once must not lose a commit or a number: every handler sees
// one moment.
func TestConcurrentClients(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	w.hook(box)
	var wg sync.WaitGroup
	codes := make([]int, 8)
	for i := range codes {
		wg.Go(func() {
			branch := fmt.Sprint("sluice/", i)
			w.call("POST", "/api/v4/projects/platform%2Fmono/repository/branches", "ann", map[string]string{"branch": branch, "ref": "main"})
			w.call("POST", "/api/v4/projects/platform%2Fmono/repository/commits", "ann", map[string]any{"branch": branch, "commit_message": branch,
				"actions": []map[string]string{{"action": "create", "file_path": branch, "content": "x"}}})
			codes[i], _, _ = w.call("POST", mrPath, "ann", map[string]string{"source_branch": branch, "target_branch": "main", "title": branch})
			_, _ = git(t, t.TempDir(), "ls-remote", w.cloneURL("dev"))
		})
	}
	wg.Wait()
	for iid := range int64(8) {
		code, _, body := w.call("PUT", fmt.Sprintf("%s/%d/merge", mrPath, iid+1), "ann", nil)
		expect(t, body, code, 200)
	}
	expect(t, "created", codes, []int{201, 201, 201, 201, 201, 201, 201, 201})
	expect(t, "hooks", len(w.settled(box)), 8*2+8+8+8) // branch, commit; open, merge; push to main
}
