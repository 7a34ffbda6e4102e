package git

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// A push must not depend on the monorepo's size: here 10,000 files and 2,000 commits.
func BenchmarkPushToBigMonorepo(b *testing.B) {
	s, m := bigMonorepo(b)
	head := s.ref("refs/heads/main")
	for i := 0; b.Loop(); i++ {
		p := change(fmt.Sprintf("sluice/%d", i), head, "", "clusters/3/apps/42/kustomization.yaml", fmt.Sprintf("tag: %d\n", i))
		if _, err := m.Push(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadWholeBigMonorepo(b *testing.B) {
	s, m := bigMonorepo(b)
	for b.Loop() {
		tree, err := m.Tree(s.ref("refs/heads/main"))
		if err != nil {
			b.Fatal(err)
		}
		if n := readAll(b, tree, ""); n != 10000 {
			b.Fatalf("read %d files", n)
		}
	}
}

func readAll(b *testing.B, tree overlay.Tree, path string) int {
	entries, err := tree.List(path)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		below := e.Name
		if path != "" {
			below = path + "/" + e.Name
		}
		if e.Type == overlay.Directory {
			n += readAll(b, tree, below)
			continue
		}
		if _, err := tree.Read(below); err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}

func bigMonorepo(b *testing.B) (*server, *Mirror) {
	b.Helper()
	s := newServer(b)
	files := map[string]file{}
	for i := range 10000 {
		files[fmt.Sprintf("clusters/%d/apps/%d/kustomization.yaml", i%10, i/10)] = text(fmt.Sprintf("tag: %d\n", i))
	}
	head := s.commit("main", "", files)
	var history strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&history, "commit refs/heads/main\ncommitter A Person <person@example.org> %d +0000\ndata 1\nx\nfrom %s\n", 1770000000+i, head)
		fmt.Fprintf(&history, "M 100644 inline clusters/1/apps/%d/kustomization.yaml\ndata 9\ntag: %04d\n", i%1000, i)
		head = "refs/heads/main^0"
	}
	gitInput(b, s.repo, history.String(), "fast-import", "--quiet")
	m, err := Open(b.Context(), s.config())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	if _, err := m.Fetch(b.Context(), "main"); err != nil {
		b.Fatal(err)
	}
	return s, m
}
