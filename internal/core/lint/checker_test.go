package lint_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/lint"
)

func checker(testing.TB) lint.Checker { return nil }
