package e2eflux

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
)

// hookPath is what Flux makes of a Receiver's token, name and namespace.
func hookPath(token string) string {
	sum := sha256.Sum256([]byte(token + "sluice" + "flux-system"))
	return "/hook/" + hex.EncodeToString(sum[:])
}

func signature(name string, h func() hash.Hash, token string, body []byte) string {
	mac := hmac.New(h, []byte(token))
	mac.Write(body)
	return name + "=" + hex.EncodeToString(mac.Sum(nil))
}

// answers compares what the real Receiver answers with what the stand-in does,
// which the other tests of Sluice rely on.
func (sc *scene) answers(t *testing.T) {
	t.Helper()
	c := sc.clusters["prd"]
	token := sc.shared[c.name].receiver
	fake, err := fakeflux.New(fakeflux.Config{Cluster: core.Cluster(c.name), RepoURL: sc.url + "/" + project + ".git", ReceiverName: "sluice", ReceiverToken: core.Secret(token)})
	if err != nil {
		t.Fatal(err)
	}
	stand := httptest.NewServer(fake.Handler())
	defer stand.Close()
	body := []byte(`{"project":"ai-platform/platform-gitops"}`)
	good, path := signature("sha256", sha256.New, token, body), hookPath(token)
	large := bytes.Repeat([]byte(" "), 3<<20+1)
	for _, tc := range []struct {
		name, method, path, signature string
		body                          []byte
		want                          int
	}{
		{"as it should be", "POST", path, good, body, 200},
		{"another method", "PUT", path, good, body, 200},
		{"another algorithm", "POST", path, signature("sha512", sha512.New, token, body), body, 200},
		{"a query", "POST", path + "?a=b", good, body, 404},
		{"another path", "POST", hookPath(token + "\n"), good, body, 404},
		{"a prefix", "POST", "/flux" + path, good, body, 404},
		{"no signature", "POST", path, "", body, 400},
		{"a signature with a line break in the token", "POST", path, signature("sha256", sha256.New, token+"\n", body), body, 400},
		{"a signature of something else", "POST", path, good, []byte("{}"), 400},
		{"too large", "POST", path, signature("sha256", sha256.New, token, large), large, 413},
	} {
		for who, base := range map[string]string{"Flux": c.receiver, "the stand-in": stand.URL} {
			if got := ask(t, tc.method, base+tc.path, tc.signature, tc.body); got != tc.want {
				t.Errorf("%s: %s answers %d, want %d", tc.name, who, got, tc.want)
			}
		}
	}
	sc.suspended(c, path, good, body)
}

// suspended stops the Receiver for a while.
func (sc *scene) suspended(c *cluster, path, signature string, body []byte) {
	sc.Helper()
	for _, step := range []struct {
		suspend bool
		want    int
	}{{true, 503}, {false, 200}} {
		c.eventually(fmt.Sprintf("a Receiver with suspend: %t answers %d", step.suspend, step.want), time.Minute, func(ctx context.Context) error {
			o, err := c.get(ctx, receivers, "flux-system", "sluice")
			if err != nil {
				return err
			}
			if err := unstructured.SetNestedField(o.Object, step.suspend, "spec", "suspend"); err != nil {
				return err
			}
			if err := c.api.Update(ctx, o); err != nil {
				return err
			}
			if got := ask(c.T, "POST", c.receiver+path, signature, body); got != step.want {
				return fmt.Errorf("it answers %d", got)
			}
			return nil
		})
	}
}

func ask(t *testing.T, method, url, signature string, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if signature != "" {
		req.Header.Set("X-Signature", signature)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe") {
			return http.StatusRequestEntityTooLarge // it answered before the body was sent, and hung up
		}
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
