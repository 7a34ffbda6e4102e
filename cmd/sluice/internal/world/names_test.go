package world_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// TestNamesNeitherBreakNorCommandAnything promotes apps with long and hostile
// names, and two that differ in case only.
func TestNamesNeitherBreakNorCommandAnything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	long := strings.Repeat("long-", 46)
	refused := map[string]string{
		strings.Repeat("longer-", 35): "one of more than 240 cannot be part of a branch's name",
		"dots..dots":                  "its name cannot be part of a branch's name",
		"web":                         "differ in case only",
		"Web":                         "differ in case only",
	}
	dir := "flux-config/clusters/platform-core-%s-aks/apps/%s/kustomization.yaml"
	overlay := "images:\n  - {name: example.com/web, newTag: %s}\n"
	var actions []*gitlab.CommitActionOptions
	add := func(app string) {
		for env, tag := range map[string]string{"dev": "1.1.0", "stg": "1.0.0"} {
			actions = append(actions, &gitlab.CommitActionOptions{Action: new(gitlab.FileCreate), FilePath: new(fmt.Sprintf(dir, env, app)), Content: new(fmt.Sprintf(overlay, tag))})
		}
	}
	add(long)
	add("@all")
	for app := range refused {
		add(app)
	}
	r.commit(actions...)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	for _, app := range []string{long, "@all"} {
		r.eventually(app+" arrives in stg", func() bool { return r.file(fmt.Sprintf(dir, "stg", app)) == fmt.Sprintf(overlay, "1.1.0") })
	}
	r.rests()
	for branch, list := range r.requests() {
		app := strings.TrimPrefix(branch, "sluice/stg/")
		if app != long && app != "@all" || len(list) != 1 {
			t.Errorf("%d merge requests from %s", len(list), branch)
		}
		if m := r.request(list[0].IID); utf8.RuneCountInString(m.Title) > 255 || strings.Contains(m.Title, "@all") {
			t.Errorf("%s has the title %q", branch, m.Title)
		}
	}
	for app, reason := range refused {
		if !strings.Contains(log.String(), reason) || r.file(fmt.Sprintf(dir, "stg", app)) != fmt.Sprintf(overlay, "1.0.0") {
			t.Errorf("of %s nobody says that %s, or it was promoted", app, reason)
		}
	}
}
