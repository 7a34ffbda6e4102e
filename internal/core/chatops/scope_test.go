package chatops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
)

func TestScope(t *testing.T) {
	for line, want := range map[string]string{
		"hold all the database is full":   "everything, the database is full",
		"hold ALL":                        "everything, ",
		"hold app web slow":               "the app web, slow",
		"hold env prd":                    "the environment prd, ",
		"hold env prd app web it is slow": "web in prd, it is slow",
		"hold app web env prd":            "web in prd, ",
		"hold app web app":                "the app web, app",
		"hold app web app api":            "the app web, app api",
		"hold the app web":                "none",
		"hold app":                        "none",
		"hold":                            "none",
	} {
		got := "none"
		c := chatops.Parse("/sluice "+line, "")[0]
		if over, rest, ok := c.Scope(); ok {
			got = fmt.Sprintf("%s, %s", over, strings.Join(rest, " "))
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
