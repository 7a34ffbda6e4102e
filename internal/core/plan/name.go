package plan

import (
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// maxAppName bounds an app's name in bytes: it is the last part of a branch's
// name, which Git keeps as a file of up to 255 bytes, lock included.
const maxAppName = 240

// nameless says why a target can have no branch of its own, or "".
func (l *life) nameless() string {
	app := l.candidate.Target.App
	switch {
	case len(app) > maxAppName:
		return fmt.Sprintf("its name has %d bytes, and one of more than %d cannot be part of a branch's name; shorten it", len(app), maxAppName)
	case !validName(app):
		return "its name cannot be part of a branch's name; rename it"
	case l.view.clash:
		return "its name is that of a group and of an app that is not in it, so their branches would be one; rename the group in the policy"
	case l.view.twin != "":
		return fmt.Sprintf("its name and %s differ in case only, and where case does not count so would their branches; rename one of them", l.view.twin)
	}
	return ""
}

// pairUp notes of each app another whose name differs in case only. It is
// called when apps have come or gone.
func (o *outlook) pairUp() {
	first := make(map[string]int, len(o.apps))
	for i, app := range o.apps {
		o.views[i].twin = ""
		folded := strings.ToLower(string(app))
		j, ok := first[folded]
		if !ok {
			first[folded] = i
			continue
		}
		o.views[i].twin, o.views[j].twin = o.apps[j], app
	}
}

// validName tells whether an app's name can be part of a branch's name: what
// git check-ref-format refuses, Sluice refuses as well.
func validName(app core.App) bool {
	s := string(app)
	return s != "" && s != "@" && !strings.ContainsAny(s, " ~^:?*[\\\x7f") && !strings.Contains(s, "..") &&
		!strings.Contains(s, "@{") && !strings.HasPrefix(s, ".") && !strings.HasPrefix(s, "-") &&
		!strings.HasSuffix(s, ".") && !strings.HasSuffix(s, ".lock") && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}
