package bench

import (
	"bufio"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// TestPast measures what processor time it costs to look back in a long history. Without -full
// it only shows that all that is measured works.
func TestPast(t *testing.T) {
	apps, commits := []int{6}, 30
	if *full {
		apps, commits = []int{1000, 10000}, 10000
	}
	for _, n := range apps {
		lookBack(t, n, commits)
	}
}

// lookBack prints one line of docs/performance.md's second table for each step.
func lookBack(t *testing.T, n, commits int) {
	s := newServer(t)
	s.history(s.commit("", "all apps", func(out emit) { generate(n, out) }), n, commits)
	m, err := git.Open(t.Context(), s.config(filepath.Join(t.TempDir(), "mirror")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := policy.Parse(policy.FileName, []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	b := back{t: t, mirror: m, policy: p}
	say := func(what string, took time.Duration) {
		fmt.Printf("%d apps, %d commits: %s: %s\n", n, commits, what, took.Round(time.Microsecond))
	}
	head := b.fetch()
	begin := memory()
	say(fmt.Sprintf("reading the last %d commits", min(commits+1, history.MaxCommits)), b.follow(head))
	fmt.Printf("%d apps, %d commits: memory for that: %d MiB\n", n, commits, (memory()-begin)>>20)
	first := min(n, 100)
	took, steps := b.trace(head, 0, first)
	say(fmt.Sprintf("one target of %d, with %d states each", first, steps/first), took/time.Duration(first))
	if took, again := b.trace(head, 0, first); again == steps {
		say("the same again", took/time.Duration(first))
	}
	s.history(head, n, 1)
	head = b.fetch()
	say("one more commit", b.follow(head))
	took, _ = b.trace(head, 0, first)
	say("one target after it", took/time.Duration(first))
}

// history adds commits that each move one version in one cluster.
func (s *server) history(head core.SHA, n, commits int) {
	s.t.Helper()
	cmd := command(s.repo, "fast-import", "--quiet")
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	w := bufio.NewWriter(in)
	for i := range commits {
		app, cluster := i/3%n, clusters()[i%3]
		stream(w, "main", string(head), "one version", func(out emit) {
			out(pinned(cluster, app), pinnedAt(app, fmt.Sprintf("1.%d.%d", i/3/n+1, len(head))))
		})
		head = "" // the next one follows this one
	}
	w.Flush()
	in.Close()
	if err := cmd.Wait(); err != nil {
		s.t.Fatal(err)
	}
	run(s.t, s.repo, "gc", "--quiet")
}

// back looks back as a promoter does.
type back struct {
	t      *testing.T
	mirror *git.Mirror
	policy *policy.Policy
	tracer history.Tracer
}

func (b *back) fetch() core.SHA {
	b.t.Helper()
	refs, err := b.mirror.Fetch(b.t.Context(), "main")
	if err != nil {
		b.t.Fatal(err)
	}
	return refs.Head
}

func (b *back) follow(head core.SHA) time.Duration {
	b.t.Helper()
	begin := spent(b.t)
	commits, end, err := b.mirror.Trail(b.t.Context(), head, b.tracer.Head(), 1)
	if err != nil {
		b.t.Fatal(err)
	}
	if end == "" {
		b.tracer.Extend(commits)
	} else {
		b.tracer.Renew(commits, end)
	}
	return spent(b.t) - begin
}

// trace follows some apps in stg, and counts their states.
func (b *back) trace(head core.SHA, from, to int) (took time.Duration, steps int) {
	b.t.Helper()
	begin := spent(b.t)
	for i := from; i < to; i++ {
		course, err := b.tracer.Trace(b.mirror.Tree, b.policy, head, core.Target{Env: "stg", App: core.App(appName(i))})
		if err != nil {
			b.t.Fatal(err)
		}
		steps += len(course.Steps)
	}
	return spent(b.t) - begin, steps
}

func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
