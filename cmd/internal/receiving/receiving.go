// Package receiving builds the receiver from its settings. It is apart from
// the package that builds the promoter, so that the receiver's program links
// neither GitLab's client nor Git.
package receiving

import (
	"log/slog"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
	"github.com/sluice-gitops/sluice/services/receiver"
)

// New makes a receiver that publishes through p.
func New(v settings.Values, p receiver.Publisher, logger *slog.Logger) (*receiver.Receiver, error) {
	tokens, err := v.Secrets(settings.GitLabWebhookSecrets)()
	if err != nil {
		return nil, err
	}
	keys, err := v.Secrets(settings.GitLabSigningKeys)()
	if err != nil {
		return nil, err
	}
	clusters := map[core.Cluster][]core.Secret{}
	byName, err := v.SecretMap(settings.FluxKeys)()
	if err != nil {
		return nil, err
	}
	for name, list := range byName {
		clusters[core.Cluster(name)] = list
	}
	return receiver.New(receiver.Config{
		GitLab:       receiver.GitLab{SigningKeys: keys, Tokens: tokens, RequireSignature: v.Bool(settings.RequireSignature)},
		Clusters:     clusters,
		DrainTimeout: v.Duration(settings.ShutdownGrace),
	}, receiver.Deps{Publisher: p, Flux: Flux{}, Now: time.Now, Logger: logger})
}

// Flux lets the receiver read Flux's events with the Flux adapter.
type Flux struct{}

// Verify implements receiver.Flux.
func (Flux) Verify(key core.Secret, signature string, body []byte) error {
	return flux.VerifyEvent(key, signature, body)
}

// Decode implements receiver.Flux.
func (Flux) Decode(body []byte) (events.Report, error) {
	e, err := flux.DecodeEvent(body)
	if err != nil {
		return events.Report{}, err
	}
	return events.Report{
		Kind: e.Object.Kind, Namespace: e.Object.Namespace, Name: e.Object.Name, UID: e.Object.UID,
		ResourceVersion: e.Object.ResourceVersion, Severity: e.Severity, Reason: e.Reason,
		Revision: e.Metadata["revision"], OriginRevision: e.Metadata["originRevision"],
		Message: e.Message, Timestamp: e.At, Controller: e.Controller, Metadata: e.Metadata,
	}, nil
}
