package world_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

var full = flag.Bool("full", false, "measure the load of docs/performance.md, which takes minutes")

// load is how many report how often, and for how long.
type load struct {
	clusters, objects int // objects per cluster
	perMinute         int
	lasts             time.Duration
}

// TestManyReports sends the reports of many clusters through the receiver and
// NATS into the gates of a promoter at work. With -full it prints what that
// costs; without, it only shows that no report is lost.
func TestManyReports(t *testing.T) {
	l := load{clusters: 10, objects: 4, perMinute: 3000, lasts: 2 * time.Second}
	if *full {
		l = load{clusters: 200, objects: 8, perMinute: 10_000, lasts: time.Minute}
	} else {
		t.Parallel()
	}
	var names []string
	for i := range l.clusters {
		names = append(names, fmt.Sprintf("stg-%03d", i))
	}
	rules := fmt.Sprintf("version: 1\nlayout: [\"flux-config/clusters/{cluster}/apps/{app}\"]\nenvironments:\n"+
		"  - {name: dev, clusters: [platform-core-dev-aks]}\n  - {name: stg, from: dev, clusters: [%s]}\n"+
		"  - {name: prd, from: stg, clusters: [platform-core-prd-aks], gates: {healthy: true}}\n", strings.Join(names, ", "))
	r := newRigEvery(t, rules, time.Hour, func(files map[string][]byte) { multiply(files, names) })
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), time.Minute, nil)()
	s := &sender{rig: r, names: names, objects: l.objects, revision: r.head()}
	s.everybody(1)
	r.eventually("a merge request for prd", func() bool { return s.prd().MR > 0 })
	r.eventually("stg is healthy", func() bool { return s.prd().Phase == plan.Ready })

	before, earlier := usage(r.dir), s.sent.Load()
	took, latencies, peak := s.run(l)
	sent := s.sent.Load() - earlier
	// Nothing is sent again: that would hide what was lost under the load.
	r.eventually("every object's newest report is known", func() bool { return s.known() == l.clusters*l.objects })
	if *full {
		print(l, s, sent, took, latencies, before, peak, usage(r.dir))
		if worst := latencies[len(latencies)*99/100]; worst > time.Second {
			t.Errorf("the gate took %s to follow, want less than a second", worst)
		}
		if peak.rss > maxResident {
			t.Errorf("the process took %d MiB, want at most %d", peak.rss>>20, maxResident>>20)
		}
	}
}

// multiply replaces stg's cluster by many, and puts newer versions there.
func multiply(files map[string][]byte, names []string) {
	for path, content := range files {
		if !strings.Contains(path, string(stgA)) && !strings.Contains(path, "platform-core-dev-aks") {
			continue
		}
		content = []byte(bumped(string(content)))
		files[path] = content
		for _, name := range names {
			if copied := strings.Replace(path, string(stgA), name, 1); copied != path {
				files[copied] = bytes.ReplaceAll(content, []byte(stgA), []byte(name))
			}
		}
	}
}

// sender is the notification-controllers of many clusters.
type sender struct {
	*rig
	names    []string
	objects  int
	revision string
	version  atomic.Uint64
	sent     atomic.Uint64
	latest   sync.Map // the resource version of the newest report, by key
}

// everybody has every object report once, with a message of its own.
func (s *sender) everybody(round int) {
	for i, name := range s.names {
		for o := range s.objects {
			s.report(name, o, fmt.Sprintf("%d.%d", round, i), "")
		}
	}
}

func object(o int) string {
	if o == 0 {
		return "apps"
	}
	return fmt.Sprintf("infra-%d", o)
}

// report posts one event and wants it taken.
func (s *sender) report(cluster string, o int, took, failure string) {
	version := s.version.Add(1) + 1<<33 // above what the stand-ins for Flux count
	event := map[string]any{
		"involvedObject": map[string]string{"kind": "Kustomization", "namespace": "flux-system", "name": object(o), "uid": cluster + object(o),
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "resourceVersion": fmt.Sprint(version)},
		"severity": "info", "reason": "ReconciliationSucceeded", "timestamp": time.Now().UTC().Format(time.RFC3339),
		"message":  "Reconciliation finished in " + took + "s, next run in 10m0s",
		"metadata": map[string]string{"revision": "main@sha1:" + s.revision, "cluster": cluster}, "reportingController": "kustomize-controller",
	}
	if failure != "" {
		event["severity"], event["reason"], event["message"] = "error", "HealthCheckFailed", failure
	}
	body, err := json.Marshal(event)
	must(s.t, err)
	mac := hmac.New(sha256.New, []byte(s.Clusters[core.Cluster(cluster)].EventKey.Reveal()))
	mac.Write(body)
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.HooksURL()+"/hooks/flux/"+cluster, bytes.NewReader(body))
	must(s.t, err)
	req.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		s.t.Errorf("a report was answered with %s", resp.Status)
	}
	s.sent.Add(1)
	s.latest.Store(events.ReportKey(core.Cluster(cluster), "Kustomization", "flux-system", object(o)), version)
}

// prd is where prd's target stands in the newest plan.
func (s *sender) prd() plan.Status {
	p := s.newest.Plans()[world.Project]
	if p == nil {
		return plan.Status{}
	}
	for _, t := range p.Targets {
		if t.Target.Env == "prd" {
			return *t
		}
	}
	return plan.Status{}
}

// known counts the objects whose newest report is what NATS keeps of them.
func (s *sender) known() (n int) {
	s.latest.Range(func(key, version any) bool {
		e, err := s.bus.Get(s.ctx, events.BucketReports, key.(string))
		must(s.t, err)
		var record struct{ Order uint64 }
		must(s.t, json.Unmarshal(e.Value, &record))
		if record.Order == version {
			n++
		}
		return true
	})
	return n
}

// run keeps the rate up, and has one cluster fail and recover in turn meanwhile:
// how long the plan takes to follow is the latency of the gate.
func (s *sender) run(l load) (took time.Duration, latencies []time.Duration, peak cost) {
	begun := time.Now()
	var running sync.WaitGroup
	var stop atomic.Bool
	const senders = 8
	for w := range senders {
		running.Go(func() {
			for i := w; !stop.Load(); i += senders {
				due := begun.Add(time.Duration(i) * time.Minute / time.Duration(l.perMinute))
				if wait := time.Until(due); wait > 0 {
					time.Sleep(wait) // a rate is kept by waiting
				}
				name := s.names[1+i%(len(s.names)-1)]
				s.report(name, i/len(s.names)%s.objects, fmt.Sprint(i), "")
			}
		})
	}
	for n := 0; time.Since(begun) < l.lasts; n++ {
		failure, want := "Deployment/ai-platform/ai-gateway failed", plan.Waiting
		if n%2 == 1 {
			failure, want = "", plan.Ready
		}
		at := time.Now()
		s.report(s.names[0], 0, fmt.Sprintf("9.%d", n), failure)
		for s.prd().Phase != want && time.Since(at) < patience {
			time.Sleep(time.Millisecond) // it is measured
		}
		latencies = append(latencies, time.Since(at))
		peak = peak.max(usage(s.dir))
	}
	stop.Store(true)
	running.Wait()
	slices.Sort(latencies)
	return time.Since(begun), latencies, peak
}

// maxResident is well above where the collector begins, and far below what
// keeping every report would come to.
const maxResident = 512 << 20

// cost is what the whole process, GitLab's stand-in included, takes.
type cost struct{ heap, rss, disk, bucket uint64 }

func (c cost) max(o cost) cost {
	return cost{max(c.heap, o.heap), max(c.rss, o.rss), max(c.disk, o.disk), max(c.bucket, o.bucket)}
}

func usage(dir string) cost {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c := cost{heap: m.HeapInuse}
	status, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := strings.Cut(string(status), "VmRSS:"); ok {
		_, _ = fmt.Sscan(rest, &c.rss)
		c.rss *= 1024
	}
	_ = filepath.WalkDir(filepath.Join(dir, "nats"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				c.disk += uint64(info.Size())
				if strings.Contains(path, "KV_"+events.BucketReports+string(filepath.Separator)) {
					c.bucket += uint64(info.Size())
				}
			}
		}
		return nil
	})
	return c
}

func print(l load, s *sender, sent uint64, took time.Duration, latencies []time.Duration, before, peak, after cost) {
	mib := func(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }
	at := func(percent int) time.Duration {
		return latencies[min(len(latencies)-1, len(latencies)*percent/100)].Round(time.Millisecond)
	}
	fmt.Printf("\n%d clusters with %d Kustomizations each, %d reports a minute for %s\n\n", l.clusters, l.objects, l.perMinute, l.lasts)
	fmt.Printf("| What | Measured |\n| --- | --- |\n")
	fmt.Printf("| reports sent and taken | %d, %.0f a minute |\n", sent, float64(sent)/took.Minutes())
	fmt.Printf("| objects whose newest report is known afterwards | %d of %d |\n", s.known(), l.clusters*l.objects)
	fmt.Printf("| from a report to the gate that follows it, %d times: p50, p99, longest | %s, %s, %s |\n", len(latencies), at(50), at(99), at(100))
	fmt.Printf("| heap before, at most, after | %s, %s, %s |\n", mib(before.heap), mib(peak.heap), mib(after.heap))
	fmt.Printf("| resident memory before, at most, after | %s, %s, %s |\n", mib(before.rss), mib(peak.rss), mib(after.rss))
	fmt.Printf("| NATS on disk before, after | %s, %s |\n", mib(before.disk), mib(after.disk))
	fmt.Printf("| … of it the bucket of reports | %d KiB, %d KiB |\n", before.bucket>>10, after.bucket>>10)
}
