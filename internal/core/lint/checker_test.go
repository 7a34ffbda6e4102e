package lint_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/schema"
)

func checker(t testing.TB) lint.Checker {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
