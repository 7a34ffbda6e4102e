package setup

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
)

// TestMissed takes each delivery once, the newest copy of it, and none of which
// a copy was taken.
func TestMissed(t *testing.T) {
	const here = "https://here"
	list := []gitlab.Delivery{ // the newest first
		{ID: 9, URL: here, Key: "a", Status: "202"},
		{ID: 8, URL: here, Key: "b", Status: "503"},
		{ID: 7, URL: here, Key: "b", Status: "503"},
		{ID: 6, URL: here, Key: "a", Status: "internal error"},
		{ID: 5, URL: here, Status: "500"},
		{ID: 4, URL: here, Status: "302"},
		{ID: 3, URL: "https://there", Key: "c", Status: "404"},
		{ID: 2, URL: here, Key: "d", Status: "401"},
		{ID: 1, URL: here, Key: "e", Status: "503"},
		{ID: 0, URL: here, Key: "e", Status: "200"},
	}
	lost, elsewhere := missed(list, here)
	var ids []string
	for _, d := range lost {
		ids = append(ids, fmt.Sprint(d.ID))
	}
	if got := strings.Join(ids, " "); got != "2 5 8" || elsewhere != 1 {
		t.Errorf("%s and %d elsewhere", got, elsewhere)
	}
}

func TestReleases(t *testing.T) {
	for text, want := range map[string]bool{"18.11.1-ee": true, "19.0.0": false, "19.5.0-fake": false, "20.1.0-pre": false, "nonsense": false, "": false, "9.5": true} {
		if got := parseRelease(text).before(19, 0); got != want {
			t.Errorf("%q is before 19.0: %t", text, got)
		}
	}
}

func TestAddress(t *testing.T) {
	for a, b := range map[string]string{"https://X.example/hooks/gitlab/": "https://x.example:443/hooks/gitlab", "http://x:80/a": "http://x/a"} {
		if address(a) != address(b) {
			t.Errorf("%s and %s differ", a, b)
		}
	}
	for a, b := range map[string]string{"https://x/a": "http://x/a", "https://x/A": "https://x/a", "https://x:8443/a": "https://x/a"} {
		if address(a) == address(b) {
			t.Errorf("%s and %s are the same", a, b)
		}
	}
}
