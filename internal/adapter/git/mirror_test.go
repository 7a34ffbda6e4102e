package git

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestOpenMendsTheMirror(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, repo string){
		"nothing wrong":   func(*testing.T, string) {},
		"never finished":  func(t *testing.T, repo string) { remove(t, repo, "config") },
		"no HEAD":         func(t *testing.T, repo string) { remove(t, repo, "HEAD") },
		"a pack is gone":  func(t *testing.T, repo string) { remove(t, repo, "objects/pack/*.pack") },
		"index cut short": func(t *testing.T, repo string) { truncate(t, repo, "objects/pack/*.idx") },
		"pack cut short":  func(t *testing.T, repo string) { truncate(t, repo, "objects/pack/*.pack") },
		"another URL": func(t *testing.T, repo string) {
			git(t, repo, "config", "remote.origin.url", "https://elsewhere.example/x.git")
		},
		"download cut off": func(t *testing.T, repo string) {
			if err := os.WriteFile(filepath.Join(repo, "objects/pack/tmp_pack_1"), []byte("PACK"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a file instead": func(t *testing.T, repo string) {
			if err := os.RemoveAll(repo); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(repo, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n"), "d/b.yaml": text("b: 1\n")})
			cfg := s.config()
			m, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			mustFetch(t, m)
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			harm(t, m.store.path)

			m = mustOpen(t, cfg)
			if refs := mustFetch(t, m); refs.Head != main {
				t.Errorf("head is %s, want %s", refs.Head, main)
			}
			tree, err := m.Tree(main)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := tree.Read("d/b.yaml"); string(b) != "b: 1\n" || err != nil {
				t.Errorf("read: got %q, %v", b, err)
			}
			if left, _ := filepath.Glob(filepath.Join(m.store.path, "objects/pack/tmp_*")); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
			git(t, m.store.path, "fsck", "--strict")
		})
	}
}

// Damage that shows only in use is mended by the next fetch.
func TestFetchMendsTheMirror(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"d/b.yaml": text("b: 1\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	remove(t, m.store.path, "objects/pack/*.pack")
	tree, err := m.Tree(main)
	if err == nil {
		_, err = tree.Read("d/b.yaml")
	}
	wantKind(t, err, core.Transient, "made anew")
	mustFetch(t, m)
	if tree, err = m.Tree(main); err != nil {
		t.Fatal(err)
	}
	if b, err := tree.Read("d/b.yaml"); string(b) != "b: 1\n" || err != nil {
		t.Errorf("after the fetch: got %q, %v", b, err)
	}
}

func TestOneProcessPerMirror(t *testing.T) {
	cfg := newServer(t).config()
	m, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), cfg)
	wantKind(t, err, core.Conflict, cfg.Dir, "another process")
	if out, err := exec.Command("flock", "--nonblock", filepath.Join(cfg.Dir, "lock"), "true").CombinedOutput(); err == nil {
		t.Errorf("another program got the lock: %s", out)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, cfg)
}

func TestOpenRefusesBadConfigurations(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no directory":       {func(c *Config) { c.Dir = "" }, "no directory"},
		"no author":          {func(c *Config) { c.AuthorName = " " }, "author"},
		"two addresses":      {func(c *Config) { c.AuthorEmail = "a> <b" }, "author"},
		"no URL":             {func(c *Config) { c.URL = "" }, "URL"},
		"token in the URL":   {func(c *Config) { c.URL = "https://oauth2:" + token + "@example.org/x.git" }, "credentials"},
		"token as user":      {func(c *Config) { c.URL = "https://" + token + "@example.org/x.git" }, "credentials"},
		"unknown scheme":     {func(c *Config) { c.URL = "ftp://example.org/x.git" }, `"ftp"`},
		"unreadable URL":     {func(c *Config) { c.URL = "https://oauth2:" + token + "@exa mple/%zz" }, "URL"},
		"ssh without a key":  {func(c *Config) { c.URL = "ssh://git@example.org/x.git" }, "private key"},
		"ssh without hosts":  {func(c *Config) { c.URL, c.Auth.Key = "git@example.org:x.git", core.Secret(newKey(t).pem) }, "known_hosts"},
		"ssh with a bad key": {func(c *Config) { c.URL, c.Auth.Key = "git@example.org:x.git", token }, "private key"},
		"ssh with bad hosts": {func(c *Config) {
			c.URL, c.Auth.Key, c.Auth.KnownHosts = "git@example.org:x.git", core.Secret(newKey(t).pem), "example.org ssh-what AAAA\n"
		}, "known_hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newServer(t).config()
			tc.change(&cfg)
			_, err := Open(t.Context(), cfg)
			wantKind(t, err, core.Invalid, tc.says)
		})
	}
}

func TestWornMirrorIsMadeAnew(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	for i := range maxPacks {
		name := filepath.Join(m.store.path, "objects/pack", fmt.Sprintf("pack-%040x.pack", i+1))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if refs := mustFetch(t, m); refs.Head != main {
		t.Errorf("head is %s, want %s", refs.Head, main)
	}
	if left, _ := filepath.Glob(filepath.Join(m.store.path, "objects/pack/*.pack")); len(left) != 1 {
		t.Errorf("there are %d packs, want 1", len(left))
	}
}

func remove(t *testing.T, repo, pattern string) {
	t.Helper()
	for _, name := range match(t, repo, pattern) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func truncate(t *testing.T, repo, pattern string) {
	t.Helper()
	for _, name := range match(t, repo, pattern) {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, 50); err != nil {
			t.Fatal(err)
		}
	}
}

func match(t *testing.T, repo, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(repo, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	return names
}
