package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sluice-gitops/sluice/internal/core"
)

// knownHosts holds the pinned keys of SSH servers.
type knownHosts struct {
	verify     ssh.HostKeyCallback
	algorithms []string // those of the keys pinned for our server; nil if there are none
}

// newKnownHosts parses the content of a known_hosts file. The parser takes
// files only, so the content is put into dir.
func newKnownHosts(content, addr, dir string) (*knownHosts, error) {
	if strings.TrimSpace(content) == "" {
		return nil, core.Errorf(core.Invalid, "the monorepo's URL is of SSH, but no known_hosts are configured: add the server's line, which ssh-keyscan prints, after comparing its fingerprint with the published one")
	}
	path := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return nil, fmt.Errorf("write known_hosts: %w", err)
	}
	verify, err := knownhosts.New(path)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "known_hosts cannot be read: %v", err)
	}
	h := &knownHosts{verify: verify}
	if !strings.Contains(content, "@cert-authority") { // certificates have algorithms of their own
		h.algorithms = h.pinned(addr)
	}
	return h, nil
}

// pinned lists the algorithms by which our server can prove one of its pinned
// keys. Without them, a server with several keys may present another one.
func (h *knownHosts) pinned(addr string) []string {
	var mismatch *knownhosts.KeyError
	if err := h.verify(addr, &net.TCPAddr{IP: net.IPv4zero}, noKey{}); !errors.As(err, &mismatch) {
		return nil
	}
	var names []string
	for _, k := range mismatch.Want {
		if k.Key.Type() == ssh.KeyAlgoRSA {
			names = append(names, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			names = append(names, k.Key.Type())
		}
	}
	return names
}

// check refuses a key that is not pinned. The error is of kind core.Denied.
func (h *knownHosts) check(host string, remote net.Addr, key ssh.PublicKey) error {
	err := h.verify(host, remote, key)
	if err == nil {
		return nil
	}
	found := key.Type() + " " + ssh.FingerprintSHA256(key)
	var mismatch *knownhosts.KeyError
	if !errors.As(err, &mismatch) {
		return core.Errorf(core.Denied, "ssh server %s presents the key %s, which is refused: %v", host, found, err)
	}
	if len(mismatch.Want) == 0 {
		return core.Errorf(core.Denied, "ssh server %s is not in known_hosts; it presents the key %s: compare this with the fingerprint that its operators publish, then add the line %q",
			host, found, knownhosts.Line([]string{host}, key))
	}
	var want []string
	for _, k := range mismatch.Want {
		want = append(want, k.Key.Type()+" "+ssh.FingerprintSHA256(k.Key))
	}
	return core.Errorf(core.Denied, "ssh server %s presents the key %s, but known_hosts has %s: somebody may be in between; if its operators have changed the key, replace its line in known_hosts",
		host, found, strings.Join(want, ", "))
}

// noKey is a key that no server has.
type noKey struct{}

// Type implements ssh.PublicKey.
func (noKey) Type() string { return "none" }

// Marshal implements ssh.PublicKey.
func (noKey) Marshal() []byte { return nil }

// Verify implements ssh.PublicKey.
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("not a key") }
