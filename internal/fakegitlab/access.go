package fakegitlab

import (
	"crypto/subtle"
	"net/http"
	"path"
	"slices"
	"strings"
)

// level is the highest that a user has in a project, directly or through any
// group above it.
func (s *Server) level(p *project, u *user) Level {
	if u == nil {
		return NoAccess
	}
	if u.admin {
		return adminLevel
	}
	best := p.members[u.id]
	for ns, _ := splitPath(p.path); ns != ""; ns, _ = splitPath(ns) {
		if g := s.group(ns); g != nil {
			best = max(best, g.members[u.id])
		}
	}
	return best
}

// sees reports whether the project exists for a user at all.
func (s *Server) sees(p *project, u *user) bool {
	return p.opts.Public || s.level(p, u) >= Guest
}

// protection finds the rule for a branch: an exact name before a wildcard.
func (p *project) protection(branch string) *protectedBranch {
	if b := find(p.protected, func(b *protectedBranch) bool { return b.name == branch }); b != nil {
		return b
	}
	return find(p.protected, func(b *protectedBranch) bool { return wildcard(b.name, branch) })
}

// wildcard matches as protected branches do: * stands for anything, also "/".
func wildcard(pattern, name string) bool {
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	ok, err := path.Match(flat(pattern), flat(name))
	return ok && err == nil
}

// mayPush says whether a user may move a branch by pushing or through the
// commits API.
func (s *Server) mayPush(p *project, u *user, branch string) bool {
	need := Developer
	if b := p.protection(branch); b != nil {
		need = b.push
	}
	have := s.level(p, u)
	return need != NoAccess && have >= need && have >= Developer && !p.archived
}

// mayMerge says whether a user may accept a merge request into a branch. Who
// may push may also merge.
func (s *Server) mayMerge(p *project, u *user, branch string) bool {
	b := p.protection(branch)
	if b == nil || s.mayPush(p, u, branch) {
		return s.level(p, u) >= Developer && !p.archived
	}
	return b.merge != NoAccess && s.level(p, u) >= max(b.merge, Developer) && !p.archived
}

// signIn finds the user of a token. Comparing takes the same time for every
// token of the same length, as it should anywhere.
func (s *Server) signIn(token string) *user {
	if token == "" {
		return nil
	}
	return find(s.users, func(u *user) bool {
		return subtle.ConstantTimeCompare([]byte(u.token.Reveal()), []byte(token)) == 1
	})
}

// tokenOf reads the credentials that the API accepts.
func tokenOf(r *http.Request) string {
	if t := r.Header.Get("PRIVATE-TOKEN"); t != "" {
		return t
	}
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	return r.URL.Query().Get("private_token")
}

// gate checks what a token is good for at all, before any project is looked at.
func (s *Server) gate(u *user, token, method, path string) error {
	switch {
	case u == nil && token != "":
		return fail(http.StatusUnauthorized, "401 Unauthorized")
	case u == nil:
		return nil
	case u.state == "blocked":
		return fail(http.StatusForbidden, "403 Forbidden - Your account has been blocked.")
	case u.expiresAt.Before(s.now()):
		return &apiError{http.StatusUnauthorized, obj{"error": "invalid_token", "error_description": "Token is expired. You can either do re-authorization or token refresh."}}
	case path == selfToken: // a token may always look at itself
		return nil
	case isRead(method) && slices.Contains(u.scopes, "read_api"), slices.Contains(u.scopes, "api"):
		return nil
	}
	return &apiError{http.StatusForbidden, obj{
		"error": "insufficient_scope", "scope": "api",
		"error_description": "The request requires higher privileges than provided by the access token.",
	}}
}

// isRead reports whether a method changes nothing; HEAD counts like GET.
func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }
