package history_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// TestBrought asks which steps brought a version: each row is what two clusters
// had, oldest first.
func TestBrought(t *testing.T) {
	key := pin.Key{Name: "web"}
	for name, tc := range map[string]struct {
		had  [][2]string
		want []core.SHA // newest first
	}{
		"once":                      {[][2]string{{"1", "1"}, {"2", "2"}}, []core.SHA{"c1"}},
		"never":                     {[][2]string{{"1", "1"}, {"3", "3"}}, nil},
		"from the beginning":        {[][2]string{{"2", "2"}, {"3", "3"}}, []core.SHA{"c0"}},
		"one cluster after another": {[][2]string{{"1", "1"}, {"2", "1"}, {"2", "2"}}, []core.SHA{"c2", "c1"}},
		"again":                     {[][2]string{{"2", "1"}, {"1", "1"}, {"2", "1"}}, []core.SHA{"c2", "c0"}},
		"in other words":            {[][2]string{{"1", "1"}, {"2", "1"}, {"2@sha256:0", "1"}}, []core.SHA{"c1"}},
		"broken in between":         {[][2]string{{"1", "1"}, {"2", "1"}, {"", "1"}, {"2", "1"}}, []core.SHA{"c1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c history.Course
			for i, had := range tc.had {
				step := history.Step{Commit: core.SHA(fmt.Sprint("c", i)), Behind: len(tc.had) - 1 - i, Has: map[history.Slot]string{}}
				for k, v := range had {
					if v != "" {
						step.Has[history.Slot{Cluster: core.Cluster(fmt.Sprint("d", k)), Key: key}] = v
					}
				}
				c.Steps = append([]history.Step{step}, c.Steps...)
			}
			var got []core.SHA
			for _, s := range c.Brought(key, func(v string) bool { return v == "2" || v == "2@sha256:0" }) {
				got = append(got, s.Commit)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("brought by (-want +got):\n%s", diff)
			}
		})
	}
}
