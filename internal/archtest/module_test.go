package archtest_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/archtest"
)

func TestThisModuleKeepsItsRules(t *testing.T) {
	m, err := archtest.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	rules := archtest.Sluice()
	violations, err := archtest.Check(m, rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
	for _, pattern := range archtest.Arrived(m, rules) {
		t.Logf("%s exists now: strike it out of Pending in rules.go", pattern)
	}
	s := archtest.Measure(m)
	t.Logf("%d files, %d longer than the aim; %d functions, %d longer than the aim, the median has %d lines",
		s.Files, s.LongFiles, s.Funcs, s.LongFuncs, s.MedianFunc)
}
