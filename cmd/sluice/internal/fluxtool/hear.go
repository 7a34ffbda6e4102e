package fluxtool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/fluxlint"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

const (
	statusTimeout  = 10 * time.Second
	maxStatusBytes = 32 << 20
)

// status is what is read of Sluice's /status.
type status struct {
	Monorepos []struct {
		Clusters []struct {
			Name     core.Cluster `json:"name"`
			Heard    time.Time    `json:"heard"`
			Every    string       `json:"every"`
			Revision core.SHA     `json:"revision"`
			Behind   string       `json:"behind"`
			Trigger  struct {
				Trouble string `json:"trouble"`
			} `json:"trigger"`
		} `json:"clusters"`
	} `json:"monorepos"`
}

// hear asks a running Sluice for what it has heard.
func (d *doctor) hear(ctx context.Context) {
	s, err := askSluice(ctx, d.sluice)
	if err != nil {
		d.say("Sluice", "status", failed, err.Error(), "check the address: it is that of the promoter, or of sluice serve")
		return
	}
	for _, m := range s.Monorepos {
		for _, c := range m.Clusters {
			if !d.asked(c.Name) {
				continue
			}
			every, _ := time.ParseDuration(c.Every)
			switch quiet := d.clock().Sub(c.Heard); {
			case c.Heard.IsZero():
				d.say(c.Name, "heartbeat", failed, "Sluice has never heard of this cluster",
					"check Provider and Alert (sluice flux manifests --check), the key on both sides, and whether the cluster reaches Sluice; then: flux events -n flux-system")
			case every > 0 && quiet > 2*every:
				d.say(c.Name, "heartbeat", failed, fmt.Sprintf("the last report is %s old, and one should come every %s", quiet.Round(time.Second), c.Every),
					"look at notification-controller's log, and at NotificationDispatchFailed in: kubectl events -n flux-system")
			default:
				d.say(c.Name, "heartbeat", fine, fmt.Sprintf("last report %s ago, at revision %s", quiet.Round(time.Second), c.Revision.Short()), "")
			}
			if c.Trigger.Trouble != "" {
				d.say(c.Name, "calls", failed, "Sluice could not call the Receiver: "+c.Trigger.Trouble, "run sluice flux doctor with --receivers-file where Sluice runs")
			}
		}
	}
}

func askSluice(ctx context.Context, address string) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(strings.TrimSuffix(address, "/status"), "/")+"/status", nil)
	if err != nil {
		return status{}, core.Errorf(core.Invalid, "ask Sluice: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return status{}, core.Errorf(core.Transient, "ask Sluice: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status{}, core.Errorf(core.Invalid, "ask Sluice: %s answered %s", req.URL.Host, resp.Status)
	}
	var s status
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatusBytes)).Decode(&s); err != nil {
		return status{}, core.Errorf(core.Invalid, "ask Sluice: the answer of %s is no status: %w", req.URL.Host, err)
	}
	return s, nil
}

// read looks at the manifests of each cluster of the policy.
func (d *doctor) read() error {
	p, err := readPolicy(d.dir)
	if err != nil {
		return err
	}
	for _, env := range p.Environments {
		for _, cluster := range env.Clusters {
			if !d.asked(cluster) {
				continue
			}
			root, err := rootOf(d.dir, p, env.Name, cluster)
			if err != nil {
				d.say(cluster, "manifests", doubt, err.Error(), "")
				continue
			}
			files, err := yamlBelow(d.dir, root)
			if err != nil {
				return err
			}
			d.judge(cluster, files)
		}
	}
	return nil
}

func (d *doctor) judge(cluster core.Cluster, files map[string][]byte) {
	traps := fluxlint.Lint(files)
	for _, f := range traps {
		d.say(cluster, f.Rule, doubt, fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Reason), f.Fix)
	}
	if len(traps) == 0 {
		d.say(cluster, "manifests", fine, "nothing keeps Flux from reporting what is so", "")
	}
	version, err := fluxVersion(files)
	switch {
	case err != nil:
		d.say(cluster, "version", doubt, err.Error(), "check it with: flux version")
	case strings.HasPrefix(version, "v2.8.") && len(version) == 6 && version[5] <= '5':
		d.say(cluster, "version", failed, "Flux "+version+" leaves the heartbeat out for Providers of type generic-hmac, so the gates healthy and soak wait for ever", "upgrade to 2.8.6 or later")
	default:
		d.say(cluster, "version", fine, "Flux "+version, "")
	}
}

// fluxVersion is what flux bootstrap labelled its manifests with.
func fluxVersion(files map[string][]byte) (string, error) {
	for path, src := range files {
		if !strings.HasSuffix(path, "/gotk-components.yaml") {
			continue
		}
		f, err := yamledit.Parse(src)
		if err != nil {
			return "", errors.New("gotk-components.yaml is no YAML")
		}
		for i := range f.Len() {
			root, _ := f.Doc(i)
			if version, ok := root.Get("metadata", "labels", "app.kubernetes.io/version"); ok {
				return version.Text(), nil
			}
		}
	}
	return "", errors.New("the version of Flux does not stand in gotk-components.yaml")
}
