package events

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestSubjects(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{HintSubject("https://git.example.org", 42, KindPush), "sluice.v1.hint.https=3A=2F=2Fgit=2Eexample=2Eorg.42.push"},
		{HintSubject("", 0, KindEverything), "sluice.v1.hint.=.0.everything"},
		{ReportSubject("platform-core-dev-aks"), "sluice.v1.report.platform-core-dev-aks"},
		{ReportKey("dev", "Kustomization", "flux-system", "apps"), "dev.Kustomization.flux-system.apps"},
		{ReportKey("dev", "Kustomization", "", "a=b.c"), "dev.Kustomization.=.a=3Db=2Ec"},
		{TriggerKey("dev 1"), "dev=201"},
		{TriggerSubject("dev.1"), "sluice.v1.trigger.dev=2E1"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}

func TestParseRefusesWhatWasNeverMade(t *testing.T) {
	for _, s := range []string{
		"", "sluice.v1.hint.a.1", "sluice.v1.hint.a.1.push.more", "sluice.v2.hint.a.1.push", "sluice.v1.hint.a.01.push",
		"sluice.v1.hint.a.x.push", "sluice.v1.hint..1.push", "sluice.v1.hint.=2e.1.push", "sluice.v1.hint.=61.1.push", "sluice.v1.hint.a=.1.push",
	} {
		if _, _, _, err := ParseHintSubject(s); core.KindOf(err) != core.Invalid {
			t.Errorf("%q: error %v, want one of kind invalid", s, err)
		}
	}
	for _, s := range []string{"", "sluice.v1.report.", "sluice.v1.report.a.b", "sluice.v1.hint.a"} {
		if c, err := ParseReportSubject(s); core.KindOf(err) != core.Invalid {
			t.Errorf("%q: cluster %q and error %v, want an error of kind invalid", s, c, err)
		}
	}
	for _, s := range []string{"", "a.b.c", "a.b.c.d.e", "a..c.d"} {
		if _, _, _, _, err := ParseReportKey(s); core.KindOf(err) != core.Invalid {
			t.Errorf("%q: error %v, want one of kind invalid", s, err)
		}
	}
}

func TestDeadSubjectsKeepApartWhatWasApart(t *testing.T) {
	got, err := DeadSubject(TriggerSubject("dev"))
	if err != nil || got != "sluice.v1.dead.trigger.dev" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, s := range []string{"", "other.trigger.dev", got} {
		if dead, err := DeadSubject(s); core.KindOf(err) != core.Invalid || err == nil {
			t.Errorf("%q became %q", s, dead)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "=", "==", "a.b", "https://x/y z*>", "\x00\xff", "é", "group/sub~proj"} {
		f.Add(s)
	}
	legal := regexp.MustCompile(`^[-_=a-zA-Z0-9]+$`)
	f.Fuzz(func(t *testing.T, s string) {
		token := Token(s)
		if !legal.MatchString(token) {
			t.Fatalf("Token(%q) = %q, which is no token", s, token)
		}
		back, err := ParseToken(token)
		if err != nil || back != s {
			t.Fatalf("ParseToken(Token(%q)) = %q, %v", s, back, err)
		}
		if plain, err := ParseToken(s); err == nil && Token(plain) != s {
			t.Fatalf("%q is a second spelling of %q", s, plain)
		}
	})
}

func FuzzSubjects(f *testing.F) {
	f.Add("https://git.example.org", int64(1), "push", "c", "Kustomization", "n", "x")
	f.Fuzz(func(t *testing.T, instance string, project int64, kind, cluster, object, namespace, name string) {
		i, p, k, err := ParseHintSubject(HintSubject(instance, project, Kind(kind)))
		if err != nil || i != instance || p != project || string(k) != kind {
			t.Fatalf("hint subject: %q %d %q, %v", i, p, k, err)
		}
		c, err := ParseReportSubject(ReportSubject(core.Cluster(cluster)))
		if err != nil || string(c) != cluster {
			t.Fatalf("report subject: %q, %v", c, err)
		}
		c, o, ns, n, err := ParseReportKey(ReportKey(core.Cluster(cluster), object, namespace, name))
		if err != nil || strings.Join([]string{string(c), o, ns, n}, "\x00") != strings.Join([]string{cluster, object, namespace, name}, "\x00") {
			t.Fatalf("report key: %q %q %q %q, %v", c, o, ns, n, err)
		}
		c, err = ParseTriggerKey(TriggerKey(core.Cluster(cluster)))
		if err != nil || string(c) != cluster {
			t.Fatalf("trigger key: %q, %v", c, err)
		}
	})
}

func FuzzPercent(f *testing.F) {
	f.Add("a b%\"é")
	f.Fuzz(func(t *testing.T, s string) {
		e := percentEncode(s)
		if strings.ContainsAny(e, " \"\r\n\x00") {
			t.Fatalf("%q holds what a header value may not", e)
		}
		if back, err := percentDecode(e); err != nil || back != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
		_, _ = percentDecode(s)
	})
}
