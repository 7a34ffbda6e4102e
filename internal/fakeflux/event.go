package fakeflux

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// event is the JSON that a Provider of type generic-hmac posts: the fields, and
// their order, are Flux's.
type event struct {
	InvolvedObject      object            `json:"involvedObject"`
	Severity            string            `json:"severity"`
	Timestamp           string            `json:"timestamp"`
	Message             string            `json:"message"`
	Reason              string            `json:"reason,omitempty"`
	Metadata            map[string]string `json:"metadata,omitempty"`
	ReportingController string            `json:"reportingController"`
	ReportingInstance   string            `json:"reportingInstance,omitempty"`
}

type object struct {
	Kind            string `json:"kind,omitempty"`
	Namespace       string `json:"namespace,omitempty"`
	Name            string `json:"name,omitempty"`
	UID             string `json:"uid,omitempty"`
	APIVersion      string `json:"apiVersion,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// succeeded is the heartbeat: it is sent after every run that worked.
func (f *Flux) succeeded(name string, revision core.SHA, took time.Duration) event {
	e := f.event(name, revision, "info", "ReconciliationSucceeded",
		fmt.Sprintf("Reconciliation finished in %v, next run in %v", took, f.config.Interval))
	e.Metadata["commit_status"] = "update"
	return e
}

// recovered precedes the heartbeat of the first run that works again.
func (f *Flux) recovered(name string, revision core.SHA, took time.Duration) event {
	return f.event(name, revision, "info", "Progressing", fmt.Sprintf("Health check passed in %v", took))
}

// failed is sent after every run that did not work.
func (f *Flux) failed(name string, revision core.SHA, failure *Failure) event {
	return f.event(name, revision, "error", "HealthCheckFailed", failure.message())
}

func (f *Flux) event(name string, revision core.SHA, severity, reason, message string) event {
	metadata := map[string]string{
		"cluster":  string(f.config.Cluster),
		"revision": f.config.Branch + "@" + algorithm(revision) + ":" + string(revision),
	}
	if f.config.Env != "" {
		metadata["env"] = string(f.config.Env)
	}
	now := f.config.Clock.Now().UTC().Truncate(time.Second)
	return event{
		InvolvedObject: object{
			Kind:            "Kustomization",
			Namespace:       f.config.ReceiverNamespace,
			Name:            name,
			UID:             uid(string(f.config.Cluster), name),
			APIVersion:      "kustomize.toolkit.fluxcd.io/v1",
			ResourceVersion: strconv.FormatInt(f.versions.Add(1), 10),
		},
		Severity:            severity,
		Timestamp:           now.Format(time.RFC3339),
		Message:             message,
		Reason:              reason,
		Metadata:            metadata,
		ReportingController: "kustomize-controller",
		ReportingInstance:   "kustomize-controller-fake",
	}
}

func algorithm(revision core.SHA) string {
	if len(revision) == sha256.Size*2 {
		return "sha256"
	}
	return "sha1"
}

// uid is the same in every run, so that a restarted demo is the same cluster.
func uid(cluster, name string) string {
	sum := sha256.Sum256([]byte(cluster + "/" + name))
	s := hex.EncodeToString(sum[:16])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func (e event) encode() ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, core.Errorf(core.Internal, "encode event: %w", err)
	}
	return body, nil
}

// key is what notification-controller takes for the same event. Reason and
// severity are not part of it.
func (e event) key() string {
	o := e.InvolvedObject
	return fmt.Sprintf("%q", []string{o.Name, o.Namespace, o.Kind, e.Message, e.Metadata["revision"]})
}
