package e2eflux

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// stage is the directory of a run, and what runs in it.
type stage struct {
	*testing.T
	dir string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return &stage{T: t, dir: t.TempDir()}
}

// start runs a program until the test ends. Its output is shown if the test
// fails.
func (s *stage) start(label, program string, env []string, args ...string) {
	s.Helper()
	path, err := filepath.Abs(filepath.Join(bin, program))
	if err != nil {
		s.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.dir, label+".log"))
	if err != nil {
		s.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append([]string{"HOME=" + s.dir, "TMPDIR=" + s.dir, "PATH=" + os.Getenv("PATH")}, env...)
	c.Stdout, c.Stderr, c.Dir = log, log, s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test is killed
	if err := c.Start(); err != nil {
		s.Fatalf("start %s: %v", label, err)
	}
	s.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = c.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = c.Process.Kill()
			<-done
		}
		_ = log.Close()
		if s.Failed() {
			s.Logf("%s:\n%s", label, tail(log.Name()))
		}
	})
}

// tail is the end of a file.
func tail(file string) []byte {
	const most = 8 << 10
	content, err := os.ReadFile(file)
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-most):]
}

// port is a free port on loopback. Another process may take it before it is
// used, which ends the test with that program's own words.
func (s *stage) port() string {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (s *stage) write(name, content string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// eventually waits until look gives nil, and fails with its last words if it
// never does.
func (s *stage) eventually(what string, patience time.Duration, look func(context.Context) error) {
	s.Helper()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look(ctx)
		if err == nil {
			fmt.Printf("%8s  %s\n", time.Since(begun).Round(10*time.Millisecond), what)
			return
		}
		select {
		case <-ctx.Done():
			s.Fatalf("did not happen within %s: %s: %v", patience, what, err)
		case <-tick.C:
		}
	}
}
