package bus_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes TCP on until it is paused; then it reads nothing more, like a
// peer that hangs.
type proxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	moving   *sync.Cond
	paused   bool
	closed   bool
	conns    []net.Conn
	running  sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	p.moving = sync.NewCond(&p.mu)
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) pause()  { p.set(func() { p.paused = true }) }
func (p *proxy) resume() { p.set(func() { p.paused = false }) }

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.moving.Broadcast()
}

func (p *proxy) close() {
	p.listener.Close()
	p.set(func() {
		p.closed = true
		for _, c := range p.conns {
			c.Close()
		}
	})
	p.running.Wait()
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			in.Close()
			continue
		}
		p.set(func() { p.conns = append(p.conns, in, out) })
		p.running.Go(func() { p.pass(in, out) })
		p.running.Go(func() { p.pass(out, in) })
	}
}

func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	_, _ = io.Copy(to, gate{p, from})
}

// gate reads only while the proxy is not paused.
type gate struct {
	p    *proxy
	conn net.Conn
}

func (g gate) Read(b []byte) (int, error) {
	g.wait()
	n, err := g.conn.Read(b)
	g.wait()
	return n, err
}

func (g gate) wait() {
	g.p.mu.Lock()
	defer g.p.mu.Unlock()
	for g.p.paused && !g.p.closed {
		g.p.moving.Wait()
	}
}
