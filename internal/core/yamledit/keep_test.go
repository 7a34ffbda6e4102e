package yamledit_test

import (
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// TestKeepsTheType changes values that are no strings, and shall not become any.
func TestKeepsTheType(t *testing.T) {
	for _, tt := range []struct{ src, old, new, want string }{
		{"a: 7 # seven", "7", "8", "a: 8 # seven"},
		{"a: 7", "7", "-12", "a: -12"},
		{"{a: 7, b: 1}", "7", "8", "{a: 8, b: 1}"},
		{"a: true", "true", "false", "a: false"},
		{"a: 1.5", "1.5", "2.25", "a: 2.25"},
		{"a: 7", "7", "7", "a: 7"},
		{"a: seven", "seven", "eight", "a: eight"},
		{"a: seven", "seven", "8", `a: "8"`},
		{"a: '7'", "7", "8", "a: '8'"},
		{"a: 7", "7", "eight", "type int"},
		{"a: 7", "7", "0777", "type int"},
		{"a: 7", "7", "1.5", "type int"},
		{"a: 7", "7", "1_000", "type int"},
		{"a: true", "true", "yes", "type bool"},
		{"a: yes", "yes", "no", `a: "no"`},
		{"a: 1.5", "1.5", "2", "type float"},
		{"a: 1.5", "1.5", ".inf", "type float"},
		{"a: null", "null", "1", "type null"},
		{"a: !!int 7", "7", "8", "1:4"},
		{"a: 2026-11-03", "2026-11-03", "2026-11-04", "type timestamp"},
	} {
		f, err := yamledit.Parse([]byte(tt.src + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Set(yamledit.Edit{Path: yamledit.Path{yamledit.Key("a")}, Old: tt.old, New: tt.new, Keep: true})
		got := strings.TrimSuffix(string(out), "\n")
		if err != nil && core.KindOf(err) == core.Invalid {
			got = err.Error()
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s with %s: %s, want %s", tt.src, tt.new, got, tt.want)
		}
	}
}
