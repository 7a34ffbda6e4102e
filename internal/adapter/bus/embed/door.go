package embed

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/sluice-gitops/sluice/internal/core"
)

// doorName is a socket in the server's directory, by which other processes of
// whoever may enter that directory reach the server. Nobody else can.
const doorName = "nats.sock"

// door takes connections at a socket and hands them to the server.
type door struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool // both ends of each
	closed bool
}

// openDoor takes the socket of a process that died before. Where there can be
// none, as below a path that is too long for one, the server works without.
func openDoor(dir string, connect func() (net.Conn, error), log *slog.Logger) *door {
	path := filepath.Join(dir, doorName)
	_ = os.Remove(path) // the directory's lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		if log != nil {
			log.Warn("other programs, such as sluice dead-letters, cannot look into the embedded NATS server", "error", err)
		}
		return nil
	}
	d := &door{listener: l, open: map[net.Conn]bool{}}
	d.running.Go(func() { d.serve(connect) })
	return d
}

func (d *door) serve(connect func() (net.Conn, error)) {
	for {
		outside, err := d.listener.Accept()
		if err != nil {
			return
		}
		inside, err := connect()
		if err != nil {
			_ = outside.Close()
			continue
		}
		if d.hold(outside, inside) {
			d.running.Go(func() { d.join(outside, inside) })
			d.running.Go(func() { d.join(inside, outside) })
		}
	}
}

// hold is false where the door has closed meanwhile, or is too crowded.
func (d *door) hold(conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	full := d.closed || len(d.open) >= 2*maxVisitors
	for _, c := range conns {
		if full {
			_ = c.Close()
			continue
		}
		d.open[c] = true
	}
	return !full
}

// join copies one way; when that ends, so does the other.
func (d *door) join(to, from net.Conn) {
	_, _ = io.Copy(to, from) // a broken connection is one that has ended
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range []net.Conn{to, from} {
		_ = c.Close()
		delete(d.open, c)
	}
}

func (d *door) close() {
	if d == nil {
		return
	}
	_ = d.listener.Close()
	d.mu.Lock()
	d.closed = true
	for c := range d.open {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.running.Wait()
}

// Visitor reaches a server that runs in another process, by its directory. It
// takes the place of a server in the same process.
type Visitor struct{ Dir string }

// InProcessConn opens a connection. It is NotFound where no server runs, and
// Denied to whoever may not enter the directory.
func (v Visitor) InProcessConn() (net.Conn, error) {
	conn, err := net.Dial("unix", filepath.Join(v.Dir, doorName))
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, core.Errorf(core.Denied, "reach the embedded NATS server in %s: you may not enter that directory: %w", v.Dir, err)
	case err != nil:
		return nil, core.Errorf(core.NotFound, "reach the embedded NATS server in %s: is sluice serve running with this directory? %w", v.Dir, err)
	}
	return conn, nil
}
