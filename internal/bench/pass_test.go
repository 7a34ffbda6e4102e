package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// planner does with one commit what the promoter does with it in a pass, as far
// as GitLab and Flux have no part in it.
type planner struct {
	mirror  *git.Mirror
	reader  *overlay.Reader
	planner plan.Planner
	tracer  history.Tracer
	src     string
	policy  *policy.Policy
}

func (p *planner) plan(head core.SHA) (*plan.Plan, error) {
	tree, err := p.mirror.Tree(head)
	if err != nil {
		return nil, err
	}
	src, err := tree.Read(policy.FileName)
	if err != nil {
		return nil, err
	}
	if p.policy == nil || p.src != string(src) {
		if p.policy, err = policy.Parse(policy.FileName, src); err != nil {
			return nil, err
		}
		p.src = string(src)
	}
	inventory, err := p.reader.Read(tree, p.policy)
	if err != nil {
		return nil, err
	}
	s := &plan.State{Head: head, Inventory: inventory, Project: plan.Project{DefaultBranch: "main"}}
	if err := p.recall(s); err != nil {
		return nil, err
	}
	return p.planner.Compute(p.policy, s, time.Now()), nil
}

func (p *planner) recall(s *plan.State) error {
	return p.planner.Recall(p.policy, s, func(t core.Target) (history.Course, bool, error) {
		commits, end, err := p.mirror.Trail(context.Background(), s.Head, p.tracer.Head(), 1)
		switch {
		case err != nil:
			return history.Course{}, false, err
		case end == "":
			p.tracer.Extend(commits)
		default:
			p.tracer.Renew(commits, end)
		}
		course, err := p.tracer.Trace(p.mirror.Tree, p.policy, s.Head, t)
		return course, err == nil, err
	})
}

// In a process of its own, TestAlone fetches and plans once with nothing in memory.
var (
	aloneURL = flag.String("alone-url", "", "of the monorepo; set by this package's own tests")
	aloneDir = flag.String("alone-dir", "", "of the mirror")
)

// alone is what a process of its own has measured.
type alone struct {
	Plan    cost  // from opening the mirror to the plan, the fetch left out
	Peak    int64 // bytes
	Targets int
}

func TestAlone(t *testing.T) {
	if *aloneURL == "" {
		t.Skip("started by TestPlan")
	}
	holdCollector()
	var a alone
	begin := now(t)
	m, err := git.Open(t.Context(), (&server{url: *aloneURL}).config(*aloneDir))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	open := now(t).since(begin)
	refs, err := m.Fetch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	begin = now(t)
	done, err := (&planner{mirror: m, reader: overlay.NewReader()}).plan(refs.Head)
	if err != nil {
		t.Fatal(err)
	}
	a.Plan, a.Targets, a.Peak = now(t).since(begin).plus(open), len(done.Targets), peakMemory(t)
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("alone %s\n", text)
}

// planAlone plans in a process of its own, with the mirror in a directory.
func (s *server) planAlone(dir string) alone {
	s.t.Helper()
	out, err := exec.Command(os.Args[0], "-test.run=^TestAlone$", "-test.v", "-alone-url="+s.url, "-alone-dir="+dir).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	var a alone
	for line := range strings.Lines(string(out)) {
		if text, ok := strings.CutPrefix(line, "alone "); ok {
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				s.t.Fatal(err)
			}
			return a
		}
	}
	s.t.Fatalf("nothing measured:\n%s", out)
	return a
}

// peakMemory is the most memory that this process ever had, in bytes, as Linux
// counts it; 0 where that is not known.
func peakMemory(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Log(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}
