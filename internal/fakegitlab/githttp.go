package fakegitlab

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// serveSite takes everything that is no API: Git's smart HTTP, and the pages.
func (s *Server) serveSite(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	for _, tail := range []string{"/info/refs", "/git-upload-pack", "/git-receive-pack"} {
		if repo, isGit := strings.CutSuffix(path, tail); isGit {
			s.serveGit(w, r, strings.TrimSuffix(repo, ".git"), tail)
			return
		}
	}
	s.servePage(w, r, path)
}

// serveGit is Git over HTTP as GitLab speaks it: any user name, and the token
// as password.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request, path, tail string) {
	service := strings.TrimPrefix(tail, "/")
	if tail == "/info/refs" {
		service = r.URL.Query().Get("service")
	}
	if service != "git-upload-pack" && service != "git-receive-pack" {
		http.Error(w, "Only the smart HTTP protocol is served here.", http.StatusForbidden)
		return
	}
	_, password, _ := r.BasicAuth()
	if password == "" {
		password = tokenOf(r)
	}
	s.mu.Lock()
	s.runDue()
	by := s.signIn(password)
	p, moved := s.projectByPath(path), s.moved[path]
	status, text := s.gitAccess(p, moved, by, password, service)
	s.mu.Unlock()
	switch {
	case status == http.StatusMovedPermanently:
		http.Redirect(w, r, "/"+moved.path+".git"+tail+"?"+r.URL.RawQuery, status)
	case status != 0:
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		}
		http.Error(w, text, status)
	case tail == "/info/refs":
		s.advertise(w, r, p, service)
	case service == "git-upload-pack":
		s.uploadPack(w, r, p)
	default:
		s.receivePack(w, r, p, by)
	}
}

// gitAccess gives the status of a refusal, or 0. What one may not see looks
// like what is not there; nobody in particular is asked who they are first.
func (s *Server) gitAccess(p, moved *project, by *user, password, service string) (int, string) {
	read := p != nil && (p.opts.Public || s.level(p, by) >= Reporter)
	switch {
	case by == nil && (password != "" || !read || service == "git-receive-pack"):
		return http.StatusUnauthorized, "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or you're required to use a token instead of a password."
	case by != nil && s.gate(by, password, http.MethodPost, "") != nil && service == "git-receive-pack":
		return http.StatusForbidden, "You are not allowed to push code to this project."
	case p == nil && moved != nil && s.sees(moved, by):
		return http.StatusMovedPermanently, ""
	case p == nil || !s.sees(p, by):
		return http.StatusNotFound, "The project you were looking for could not be found or you don't have permission to view it."
	case !read:
		return http.StatusForbidden, "You are not allowed to download code from this project."
	case service == "git-receive-pack" && (s.level(p, by) < Developer || p.archived):
		return http.StatusForbidden, "You are not allowed to push code to this project."
	}
	return 0, ""
}

// pktLine frames a line as Git's protocol does, its length in hexadecimal first.
func pktLine(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }

func noCache(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
}

// advertise answers info/refs. Version 2 of the protocol has no service line.
func (s *Server) advertise(w http.ResponseWriter, r *http.Request, p *project, service string) {
	noCache(w, "application/x-"+service+"-advertisement")
	cmd := p.repo.command(r.Context(), strings.TrimPrefix(service, "git-"), "--stateless-rpc", "--advertise-refs", p.repo.dir)
	version := r.Header.Get("Git-Protocol")
	cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+version)
	if !strings.Contains(version, "version=2") || service == "git-receive-pack" {
		_, _ = io.WriteString(w, pktLine("# service="+service+"\n")+"0000") // a client that is gone shows below
	}
	cmd.Stdout = w
	if err := cmd.Run(); err != nil {
		s.log.Warn("advertise refs", "repo", p.path, "err", err)
	}
}

// requestBody undoes the compression that git uses for large requests.
func requestBody(r *http.Request) (io.Reader, error) {
	limited := io.LimitReader(r.Body, maxPack)
	if r.Header.Get("Content-Encoding") != "gzip" {
		return limited, nil
	}
	z, err := gzip.NewReader(limited)
	if err != nil {
		return nil, err
	}
	return io.LimitReader(z, maxPack), nil
}

// uploadPack streams a fetch, without the lock: objects only ever come to be.
func (s *Server) uploadPack(w http.ResponseWriter, r *http.Request, p *project) {
	body, err := requestBody(r)
	if err != nil {
		http.Error(w, "bad gzip", http.StatusBadRequest)
		return
	}
	noCache(w, "application/x-git-upload-pack-result")
	cmd := p.repo.command(r.Context(), "upload-pack", "--stateless-rpc", p.repo.dir)
	cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
	cmd.Stdin, cmd.Stdout = body, w
	if err := cmd.Run(); err != nil && r.Context().Err() == nil {
		s.log.Debug("upload-pack", "repo", p.path, "err", err) // a shallow client ends it early
	}
}

// receivePack reads the whole push first, then lets git take it under the
// lock: refs move by git here and by the API elsewhere, never both at once.
func (s *Server) receivePack(w http.ResponseWriter, r *http.Request, p *project, by *user) {
	body, err := requestBody(r)
	if err != nil {
		http.Error(w, "bad gzip", http.StatusBadRequest)
		return
	}
	var in bytes.Buffer
	if _, err := in.ReadFrom(body); err != nil {
		http.Error(w, "unreadable body", http.StatusBadRequest)
		return
	}
	updates := readCommands(in.Bytes())
	out, err := s.take(p, by, updates, &in)
	if err != nil {
		s.log.Debug("receive-pack", "repo", p.path, "err", err) // refusals are in the report
	}
	noCache(w, "application/x-git-receive-pack-result")
	_, _ = w.Write(out) // a client that is gone sees later what happened
}

// take runs receive-pack under the lock and does for the refs that moved what
// follows from it. Which ones moved is read from the repository afterwards, not
// from what the client asked for.
func (s *Server) take(p *project, by *user, updates []refUpdate, in io.Reader) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse, noForce := s.pushRules(p, by, updates)
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout) // a push that was read is finished
	defer cancel()
	cmd := p.repo.command(ctx, "receive-pack", "--stateless-rpc", p.repo.dir)
	cmd.Env = append(cmd.Env, "FAKEGITLAB_REFUSE="+refuse, "FAKEGITLAB_NO_FORCE="+strings.Join(noForce, " "))
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = in, &out
	err := cmd.Run()
	var done []refUpdate
	for _, u := range updates {
		if p.repo.ref(u.ref) == u.after && u.before != u.after {
			done = append(done, u)
		}
	}
	if refuse == "" && len(done) > 0 {
		s.pushed(p, by, done)
	}
	return out.Bytes(), err
}

// pushRules decides what can be decided without the pushed objects. As with
// GitLab, one refused ref refuses the push.
func (s *Server) pushRules(p *project, by *user, updates []refUpdate) (refuse string, noForce []string) {
	for _, u := range updates {
		branch, isBranch := strings.CutPrefix(u.ref, "refs/heads/")
		rule := p.protection(branch)
		switch {
		case strings.HasPrefix(u.ref, "refs/merge-requests/"), strings.HasPrefix(u.ref, "refs/pipelines/"), strings.HasPrefix(u.ref, "refs/keep-around/"):
			return "You are not allowed to update " + u.ref + ".", nil
		case !isBranch || rule == nil:
		case u.after == "" && branch == p.opts.DefaultBranch:
			return "The default branch of a project cannot be deleted.", nil
		case u.after == "":
			return "You can only delete protected branches using the web interface.", nil
		case !s.mayPush(p, by, branch):
			return "You are not allowed to push code to protected branches on this project.", nil
		case !rule.allowForce:
			noForce = append(noForce, u.ref)
		}
	}
	return "", noForce
}

// readCommands reads the ref updates in front of the pack: lines of
// "old new ref", the first one followed by a NUL and the capabilities.
func readCommands(body []byte) []refUpdate {
	var out []refUpdate
	rd := bufio.NewReader(bytes.NewReader(body))
	for {
		size := make([]byte, 4)
		if _, err := io.ReadFull(rd, size); err != nil {
			return out
		}
		n, err := strconv.ParseUint(string(size), 16, 16)
		if err != nil || n < 4 {
			return out
		}
		line := make([]byte, n-4)
		if _, err := io.ReadFull(rd, line); err != nil {
			return out
		}
		text, _, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00")
		f := strings.Fields(text)
		if len(f) != 3 || len(f[0]) != 40 { // "shallow <id>" lines come first
			continue
		}
		none := func(sha string) string { return strings.TrimPrefix(sha, zero40) }
		out = append(out, refUpdate{ref: f[2], before: none(f[0]), after: none(f[1])})
	}
}
