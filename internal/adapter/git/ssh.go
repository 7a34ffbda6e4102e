package git

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/sluice-gitops/sluice/internal/core"
)

// sshServer dials one SSH server. go-git's own SSH transport is not used: it
// reads the user's ssh configuration and the environment, and it cannot be
// interrupted during the handshake.
type sshServer struct {
	addr, user, path string
	key              ssh.Signer
	hosts            *knownHosts
}

// newSSHServer checks all that can be checked without the network: the key, the
// pinned hosts. Errors are of kind core.Invalid.
func newSSHServer(ep *transport.Endpoint, auth Auth, dir string) (*sshServer, error) {
	key, err := parseKey(auth)
	if err != nil {
		return nil, err
	}
	port := ep.Port
	if port == 0 {
		port = 22
	}
	user := ep.User
	if user == "" {
		user = "git"
	}
	addr := net.JoinHostPort(strings.Trim(ep.Host, "[]"), strconv.Itoa(port))
	hosts, err := newKnownHosts(auth.KnownHosts, addr, dir)
	if err != nil {
		return nil, err
	}
	return &sshServer{addr: addr, user: user, path: ep.Path, key: key, hosts: hosts}, nil
}

// parseKey reads the private key, with the passphrase only if it is encrypted.
func parseKey(auth Auth) (ssh.Signer, error) {
	if auth.Key == "" {
		return nil, core.Errorf(core.Invalid, "the monorepo's URL is of SSH, but no private key is configured")
	}
	key, err := ssh.ParsePrivateKey([]byte(auth.Key.Reveal()))
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) && auth.Passphrase != "" {
		key, err = ssh.ParsePrivateKeyWithPassphrase([]byte(auth.Key.Reveal()), []byte(auth.Passphrase.Reveal()))
	}
	if err != nil {
		return nil, core.Errorf(core.Invalid, "the SSH private key cannot be read: want PEM, and the passphrase if it has one: %v", err)
	}
	return key, nil
}

// dial starts a Git service. The session ends when ctx does.
func (s *sshServer) dial(ctx context.Context, service string) (*sshSession, error) {
	dialer := net.Dialer{Timeout: handshakeTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	t := &sshSession{stop: context.AfterFunc(ctx, func() { conn.Close() }), receiving: service == transport.ReceivePackServiceName}
	if t.client, err = s.handshake(conn); err != nil {
		t.stop()
		conn.Close()
		return nil, err
	}
	if err := t.start(service + " " + quote(s.path)); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// handshake authenticates both sides. The deadline holds for the handshake only;
// after it, the context given to dial is what ends the connection.
func (s *sshServer) handshake(conn net.Conn) (*ssh.Client, error) {
	var refused error
	cfg := &ssh.ClientConfig{
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(s.key)},
		HostKeyAlgorithms: s.hosts.algorithms,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			refused = s.hosts.check(host, remote, key)
			return refused
		},
	}
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.addr, cfg)
	if err != nil {
		return nil, s.explain(err, refused)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// explain says what a person can do about a failed handshake.
func (s *sshServer) explain(err, refused error) error {
	switch {
	case refused != nil:
		return refused
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return core.Errorf(core.Denied, "ssh server %s offers no host key of a type that known_hosts lists for it: add the line of one that it has: %v", s.addr, err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return core.Errorf(core.Denied, "ssh server %s does not accept our key %s for user %s: add it there as a key that may write", s.addr, ssh.FingerprintSHA256(s.key.PublicKey()), s.user)
	}
	return err
}

// quote protects a path from the shell at the other end.
func quote(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// sshSession is one run of a Git service over SSH. It implements both of
// go-git's session interfaces.
type sshSession struct {
	client    *ssh.Client
	session   *ssh.Session
	stop      func() bool
	in        io.WriteCloser
	out       io.Reader
	said      words // on standard error
	receiving bool
	asked     bool // the service is past its advertisement
}

// start runs a command on the server. Its standard error is kept for the case
// that it is all the server says.
func (t *sshSession) start(command string) error {
	var err error
	if t.session, err = t.client.NewSession(); err != nil {
		return err
	}
	t.session.Stderr = &t.said
	if t.in, err = t.session.StdinPipe(); err != nil {
		return err
	}
	out, err := t.session.StdoutPipe()
	if err != nil {
		return err
	}
	t.out = io.LimitReader(out, maxPack)
	return t.session.Start(command)
}

// AdvertisedReferences implements transport.Session.
func (t *sshSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return t.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements transport.Session. The context that
// counts is the one given to dial.
func (t *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	adv := packp.NewAdvRefs()
	err := adv.Decode(io.LimitReader(t.out, maxAdvertisement))
	var line *pktline.ErrorLine
	switch {
	case errors.As(err, &line):
		return nil, refusal(line.Text)
	case errors.Is(err, packp.ErrEmptyInput):
		_ = t.session.Wait() // what it said matters more than its exit status
		return nil, refusal(t.said.String())
	case err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil, err
	case adv.IsEmpty() && !t.receiving:
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(adv.Capabilities)
	return adv, nil
}

// UploadPack implements transport.UploadPackSession.
func (t *sshSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	t.asked = true
	if err := errors.Join(req.UploadRequest.Encode(t.in), req.UploadHaves.Encode(t.in, true)); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(t.in).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if err := t.in.Close(); err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(io.NopCloser(t.out))
}

// ReceivePack implements transport.ReceivePackSession.
func (t *sshSession) ReceivePack(_ context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	t.asked = true
	if err := req.Encode(t.in); err != nil {
		return nil, err
	}
	if err := t.in.Close(); err != nil {
		return nil, err
	}
	from := t.out
	if req.Capabilities.Supports(capability.Sideband64k) {
		d := sideband.NewDemuxer(sideband.Sideband64k, t.out)
		d.Progress = req.Progress
		from = d
	}
	report := packp.NewReportStatus()
	if err := report.Decode(from); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close implements transport.Session. A service that was asked for nothing is
// told so, lest it complains.
func (t *sshSession) Close() error {
	if t.in != nil && !t.asked {
		_, _ = t.in.Write(pktline.FlushPkt)
	}
	t.stop()
	err := t.client.Close()
	_ = t.client.Wait() // it only tells that the connection is closed
	return err
}
