package git

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

type key struct {
	signer ssh.Signer
	pem    string
}

func newKey(t *testing.T) key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, private, "")
}

func encode(t *testing.T, private any, passphrase string) key {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key{signer, string(pem.EncodeToMemory(block))}
}

// sshd is an SSH server that runs git's own services.
type sshd struct {
	addr  string
	admit ssh.PublicKey
	hosts []ssh.Signer
	all   sync.WaitGroup
}

func newSSHD(t *testing.T, admit ssh.PublicKey, hosts ...ssh.Signer) *sshd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &sshd{addr: l.Addr().String(), admit: admit, hosts: hosts}
	d.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.all.Go(func() { d.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		d.all.Wait()
	})
	return d
}

func (d *sshd) serve(conn net.Conn) {
	defer conn.Close()
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(d.admit.Marshal()) {
			return nil, ssh.ErrNoAuth
		}
		return nil, nil
	}}
	for _, h := range d.hosts {
		cfg.AddHostKey(h)
	}
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	d.all.Go(func() { ssh.DiscardRequests(requests) })
	for c := range channels {
		ch, requests, err := c.Accept()
		if err != nil {
			return
		}
		d.all.Go(func() { run(ch, requests) })
	}
}

func run(ch ssh.Channel, requests <-chan *ssh.Request) {
	defer ch.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		cmd := exec.Command("sh", "-c", string(r.Payload[4:]))
		cmd.Env, cmd.Stdout, cmd.Stderr = gitEnv(), ch, ch.Stderr()
		in, err := cmd.StdinPipe()
		if err != nil || cmd.Start() != nil {
			return
		}
		go func() { // ends with the channel
			defer in.Close()
			buf := make([]byte, 4096)
			for {
				n, err := ch.Read(buf)
				if _, werr := in.Write(buf[:n]); err != nil || werr != nil {
					return
				}
			}
		}()
		status := byte(0)
		if cmd.Wait() != nil {
			status = 1
		}
		_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, status})
		return
	}
}

func (d *sshd) line(k ssh.PublicKey) string { return knownhosts.Line([]string{d.addr}, k) + "\n" }

func TestSSH(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	client, host := newKey(t), newKey(t)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	second := encode(t, weak, "")
	d := newSSHD(t, client.signer.PublicKey(), host.signer, second.signer)
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	locked := encode(t, private, "open sesame")

	cfg := s.config()
	cfg.URL = "ssh://git@" + d.addr + filepath.Dir(s.repo) + "/flux.git"
	cfg.Auth = Auth{Key: core.Secret(client.pem), KnownHosts: d.line(second.signer.PublicKey())} // the server prefers its other key
	m := mustOpen(t, cfg)
	mustFetch(t, m)
	sha := mustPush(t, m, change("sluice/x", main, "", "a.yaml", "a: 2\n"))
	if got := s.ref("refs/heads/sluice/x"); got != sha {
		t.Errorf("the server has %s, want %s", got, sha)
	}
	next := s.commit("main", main, map[string]file{"a.yaml": text("a: 3\n")})
	if refs := mustFetch(t, m); refs.Head != next || refs.Branches["sluice/x"] != sha {
		t.Errorf("got %+v", refs)
	}
	mustFetch(t, m)
	_, err = m.Push(t.Context(), change("sluice/x", next, next, "a.yaml", "a: 4\n"))
	wantKind(t, err, core.Conflict)
	if err := m.Delete(t.Context(), plan.DeleteBranch{Branch: "sluice/x", Expect: sha}); err != nil {
		t.Error(err)
	}
	_, err = m.Fetch(canceled(t), "main")
	wantKind(t, err, core.Transient)

	for name, tc := range map[string]struct {
		auth Auth
		url  string
		kind core.Kind
		says []string
	}{
		"unknown host": {
			Auth{Key: cfg.Auth.Key, KnownHosts: "example.org " + strings.SplitN(d.line(host.signer.PublicKey()), " ", 2)[1]}, cfg.URL,
			core.Denied, []string{d.addr, "not in known_hosts", "SHA256:", "compare"},
		},
		"another host key": {
			Auth{Key: cfg.Auth.Key, KnownHosts: d.line(client.signer.PublicKey())}, cfg.URL,
			core.Denied, []string{d.addr, ssh.FingerprintSHA256(host.signer.PublicKey()), ssh.FingerprintSHA256(client.signer.PublicKey())},
		},
		"revoked host key": {
			Auth{Key: cfg.Auth.Key, KnownHosts: "@revoked " + d.line(host.signer.PublicKey()) + "@revoked " + d.line(second.signer.PublicKey())}, cfg.URL, core.Denied, []string{"revoked"},
		},
		"our key is unknown": {
			Auth{Key: core.Secret(locked.pem), Passphrase: "open sesame", KnownHosts: d.line(host.signer.PublicKey())}, cfg.URL,
			core.Denied, []string{ssh.FingerprintSHA256(locked.signer.PublicKey())},
		},
		"no such repository": {
			Auth{Key: cfg.Auth.Key, KnownHosts: d.line(host.signer.PublicKey())}, "ssh://git@" + d.addr + "/no/such'repo.git",
			core.NotFound, []string{"no/such'repo.git"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.Dir, cfg.URL, cfg.Auth = filepath.Join(t.TempDir(), "m"), tc.url, tc.auth
			_, err := mustOpen(t, cfg).Fetch(t.Context(), "main")
			wantKind(t, err, tc.kind, tc.says...)
			if strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Error("the error shows a key")
			}
		})
	}
}

func TestSSHWithASilentServerEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k := newKey(t)
	cfg := newServer(t).config()
	cfg.URL = "ssh://git@" + l.Addr().String() + "/x.git"
	cfg.Auth = Auth{Key: core.Secret(k.pem), KnownHosts: knownhosts.Line([]string{l.Addr().String()}, k.signer.PublicKey())}
	m := mustOpen(t, cfg)
	ctx, cancel := contextEndingAfterAccept(t, l)
	defer cancel()
	_, err = m.Fetch(ctx, "main")
	wantKind(t, err, core.Transient, "interrupted")
}

// contextEndingAfterAccept ends once a client has connected, to whom nobody talks.
func contextEndingAfterAccept(t *testing.T, l net.Listener) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := l.Accept()
		cancel()
		if err == nil {
			<-t.Context().Done()
			conn.Close()
		}
	}()
	return ctx, cancel
}
