package message_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/message"
)

// planted are the ways in which a secret gets into a message. Each %s is it.
var planted = []string{
	"password=%s", "DB_PASSWORD: %s", "db.password = %s", `password: "%s"`, "password='%s'", `{"password":"%s"}`, `{"clientSecret": "%s"}`,
	`{\"password\":\"%s\"}`, "?access_token=%s&x=1", "--set auth.password=%s", "--password %s", "--registry-token %s", "api-key:=%s", "apiKey => %s",
	"AWS_SECRET_ACCESS_KEY=%s", "X-Amz-Signature=%s", "passphrase: %s", "passwd:%s", "connection_string=Server=x;%s", "secret: |\n  %s\n", "token: >-\n  a\n  %s",
	"Authorization: Basic %s", `"Authorization": "Token %s"`, "Proxy-Authorization: Negotiate %s", "Set-Cookie: a=b; session=%s", "Bearer %s", "bearer  %s",
	"https://%s@host/x", "https://user:%s@host/x", "postgres://app:%s@db:5432/app?sslmode=off", "redis://:%s@cache", "https://user:a/%s@host/x",
	"-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----\n%s", `-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n`,
	"glpat-%s", "gldt-%s", "ghp_%s", "github_pat_%s", "hvs.%s", "eyJhbGciOiJIUzI1NiJ9.%s.c2ln", "xoxb-%s",
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// secretOf is at least ten letters and digits, the same for the same seed.
func secretOf(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, 10+r.IntN(30))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// Whatever stands around a secret, whatever else the text holds: it is gone.
func TestNoPlantedSecretSurvives(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := append([]string{" ", "\n", "x", `"`, "'", "`", `\`, "{", ",", "://", "@", "=", ": ", "-----BEGIN ", "secretName: ", "token=", "token: ", "Bearer ", "ä", "/hook/", "|", "\x00", "\xff"}, planted...)
	around := func() string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return strings.ReplaceAll(b.String(), "%s", "other")
	}
	for seed := range uint64(4_000) {
		checkPlanted(t, around(), planted[r.IntN(len(planted))], around(), seed)
	}
}

func FuzzMask(f *testing.F) {
	for i := range planted {
		f.Add(`error: `, uint(i), `, "x"`, uint64(i))
	}
	f.Fuzz(func(t *testing.T, before string, form uint, after string, seed uint64) {
		checkPlanted(t, before, planted[form%uint(len(planted))], after, seed)
	})
}

func checkPlanted(t *testing.T, before, form, after string, seed uint64) {
	t.Helper()
	secret := secretOf(seed)
	text := before + fmt.Sprintf(form, secret) + after
	if got := message.Mask(text); strings.Count(got, secret) > strings.Count(before+after, secret) {
		t.Fatalf("the secret %s is still there:\n%q\nin\n%q", secret, got, text)
	}
}

// A secret without a name is known by its look, if it is long.
func TestLongRandomTextsAreMasked(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		raw := make([]byte, 32+r.IntN(200))
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			if text := e.EncodeToString(raw); strings.Contains(message.Mask("values: a "+text+" b"), text) {
				t.Fatalf("%s is still there", text)
			}
		}
	}
}

func TestMaskShowsTheRest(t *testing.T) {
	for text, want := range map[string]string{
		"login failed: password=hunter2 for user bob":                                  "login failed: password=[masked] for user bob",
		`Get "https://bob:hunter2@git.example/x?a=1": 401`:                             `Get "https://[masked]@git.example/x?a=1": 401`,
		`{"user":"bob","password":"hunter2","host":"db"}`:                              `{"user":"bob","password":[masked],"host":"db"}`,
		"Authorization: Bearer abc.def\nnext":                                          "Authorization: [masked]\nnext",
		"Post http://x/hook/" + strings.Repeat("a1", 32) + ": EOF":                     "Post http://x/hook/[masked]: EOF",
		"key ab\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nz": "key ab\n[masked]\nz",
		"password:":              "password:",
		"token glpat-abcdefgh12": "token [masked]",
	} {
		if got := message.Mask(text); got != want {
			t.Errorf("%q became\n%q, want\n%q", text, got, want)
		}
	}
}

// What Flux says without any secret in it stays as it is.
func TestMaskLeavesOrdinaryMessages(t *testing.T) {
	for _, text := range []string{
		"Reconciliation finished in 2.08s, next run in 10m0s",
		"Applied revision: main@sha1:3ce26c9de1837dc5e592b4b0158fc80372360cce",
		"stored artifact for commit 'main/3ce26c9de1837dc5e592b4b0158fc80372360cce'",
		"pulled oci://ghcr.io/org/app@sha256:" + strings.Repeat("0a", 32),
		"pulled oci://registry.example:5000/org/app@sha256:" + strings.Repeat("0a", 32),
		`Secret/flux-system/db-credentials dry-run failed: secrets "db-credentials" is forbidden`,
		"kustomize build failed: accumulating resources: open /tmp/kustomization-1234567890/apps/base/gateway/release/overlays/staging/kustomization.yaml: no such file",
		"timeout waiting for: [Deployment/platform-core-namespace/platform-core-controller-manager status: 'InProgress']",
		"Pod/apps/platform-core-controller-7d9f8b6c5d-x2x9z CrashLoopBackOff",
		"HorizontalPodAutoscaler/apps/CustomResourceDefinitionControllerRevisionStatus created",
		"Helm upgrade failed for release apps/gateway with chart gateway@1.2.3: timed out waiting for the condition",
		"object 6f1ad8a4-5e5b-4a0c-9f0d-0d9f3f5c1f55 was deleted",
		"secretName: db-tls, secretRef.name=registry, tokenPath: /var/run/x",
		"the password is wrong, the token has expired",
		"git@github.com:org/repo.git and ssh://host/x and mail to bob@example.org",
		"",
	} {
		if got := message.Mask(text); got != text {
			t.Errorf("%q became\n%q", text, got)
		}
	}
}

// A text made to be slow is not.
func TestMaskIsQuick(t *testing.T) {
	for _, part := range []string{`token="`, "token='\"", "token: |\n  x\n", "://", "a://b:c", "-----BEGIN PRIVATE KEY-----", "Aa1", "--token ", `\`, "eyJ", "secret"} {
		text := strings.Repeat(part, 39_000/len(part))
		start := time.Now()
		message.Mask(text)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%d times %q took %s", 39_000/len(part), part, took)
		}
	}
}
