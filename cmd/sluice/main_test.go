package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
)

// run runs the whole program in this process.
func run(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = Run(t.Context(), process.Env{Args: args, Environ: environ, Stdout: &out, Stderr: &problems})
	return code, out.String(), problems.String()
}

func TestDemoShowsTheWholeWay(t *testing.T) {
	code, out, problems := run(t, nil, "demo", "--json", "--apps", "3")
	if code != process.OK {
		t.Fatalf("exit code %d\n%s\n%s", code, out, problems)
	}
	var steps []string
	var last map[string]any
	for line := range strings.Lines(out) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("not a JSON object: %s", line)
		}
		steps = append(steps, last["step"].(string))
	}
	want := "up push report-dev open-stg merge-stg report-stg open-prd hold-dana wait-prd approve-dana refuse-dana unhold-dana approve-amir approve-bea frozen-prd thaw-amir merge-prd report-prd done table"
	if got := strings.Join(steps, " "); got != want {
		t.Errorf("steps\n%s, want\n%s", got, want)
	}
	if rows := last["rows"].([]any); len(rows) != 2 || last["unchanged"].(float64) != 9 {
		t.Errorf("the table says %v", last)
	}
}

func TestWrongCommandLinesSaySo(t *testing.T) {
	for name, c := range map[string]struct {
		args, environ []string
		want          string
	}{
		"unknown flag":        {args: []string{"demo", "--nope"}, want: "unknown flag: --nope\nsee sluice demo --help\n"},
		"unknown command":     {args: []string{"dmo"}, want: `unknown command "dmo" for "sluice"`},
		"stray argument":      {args: []string{"demo", "now"}, want: `sluice demo takes no arguments, found "now"`},
		"no apps":             {args: []string{"demo", "--apps", "0"}, want: "--apps: a monorepo of 0 apps: want 1 to 2000\n"},
		"nothing configured":  {args: []string{"serve"}, want: "SLUICE_GITLAB_TOKEN"},
		"misspelt variable":   {args: []string{"serve"}, environ: []string{"SLUICE_GITLAB_TOKN=x"}, want: "SLUICE_GITLAB_TOKEN"},
		"secret is not shown": {args: []string{"serve"}, environ: []string{"SLUICE_GITLAB_TOKEN=glpat-secret", "SLUICE_SWEEP_INTERVAL=often"}, want: "often"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, problems := run(t, c.environ, c.args...)
			if code != process.Usage || !strings.Contains(problems, c.want) {
				t.Errorf("exit code %d, want %d, and on stderr %q:\n%s%s", code, process.Usage, c.want, out, problems)
			}
			if strings.Contains(out+problems, "glpat-secret") {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"demo", "--help"}, {"serve", "--help"}, {"plan", "--help"}, {"explain", "--help"}, {"init", "--help"}, {"setup", "--help"}, {"fake-gitlab", "--help"}} {
		code, out, _ := run(t, nil, args...)
		if code != process.OK || !strings.Contains(out, "Usage:") || len(strings.Split(out, "\n")) < 12 {
			t.Errorf("%v: exit code %d and\n%s", args, code, out)
		}
	}
}

// TestFakeGitLabServesAlone starts the command on a free port and asks it
// for the monorepo as a person would.
func TestFakeGitLabServesAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, process.Env{
			Args:    []string{"fake-gitlab", "--listen", "127.0.0.1:0", "--project", "team/flux"},
			Environ: []string{"SLUICE_FAKE_GITLAB_TOKEN_DEVELOPER=secret"}, Stdout: in, Stderr: io.Discard,
		})
		in.Close()
	}()
	var url string
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			url = at
		}
	}
	go io.Copy(io.Discard, out)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v4/projects/team%2Fflux/repository/files/sluice.yaml/raw?ref=main", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Private-Token", "secret")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "environments:") {
		t.Errorf("%s %v: %s", response.Status, err, body)
	}
	cancel()
	if code := <-ended; code != process.OK {
		t.Errorf("exit code %d", code)
	}
}

// TestWebhooksAreTakenWhileGitLabIsAway starts Sluice before its GitLab: what
// is told meanwhile must not get lost, and being stopped is no failure.
func TestWebhooksAreTakenWhileGitLabIsAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, process.Env{
			Args:    []string{"serve", "--listen", "127.0.0.1:0", "--gitlab-url", "http://127.0.0.1:1", "--projects", "team/flux", "--data-dir", t.TempDir()},
			Environ: []string{"SLUICE_GITLAB_TOKEN=glpat-secret", "SLUICE_GITLAB_WEBHOOK_SECRETS=hook-secret"}, Stdout: io.Discard, Stderr: in,
		})
		in.Close()
	}()
	var url string
	for lines := bufio.NewScanner(log); url == "" && lines.Scan(); {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "sluice is serving" {
			url = "http://" + line.Address
		}
	}
	go io.Copy(io.Discard, log)
	for path, want := range map[string]int{"/hooks/gitlab": http.StatusAccepted, "/readyz": http.StatusOK, "/readyz/promoter": http.StatusServiceUnavailable} {
		method := http.MethodGet
		if strings.HasPrefix(path, "/hooks") {
			method = http.MethodPost
		}
		request, err := http.NewRequestWithContext(ctx, method, url+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Gitlab-Token", "hook-secret")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, response.Status, want)
		}
	}
	cancel()
	if code := <-ended; code != process.OK {
		t.Errorf("exit code %d", code)
	}
}
