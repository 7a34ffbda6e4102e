package promoting

import (
	"bytes"
	"errors"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// receiversFile is the file that says how each cluster's Flux Receiver is
// reached. The tokens stand in files of their own, which secrets are mounted
// as; they are used byte for byte, since Flux does so too.
type receiversFile struct {
	Receivers []struct {
		Cluster   core.Cluster      `yaml:"cluster"`
		URL       string            `yaml:"url"`
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		TokenFile string            `yaml:"token-file"`
		Type      flux.ReceiverType `yaml:"type"`
	} `yaml:"receivers"`
}

func readReceivers(file string) (map[core.Cluster]flux.Receiver, error) {
	out := map[core.Cluster]flux.Receiver{}
	if file == "" {
		return out, nil
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "%s: %w", settings.FluxReceiversFile, err)
	}
	var doc receiversFile
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, core.Errorf(core.Invalid, "%s: %s: %w", settings.FluxReceiversFile, file, err)
	}
	for i, r := range doc.Receivers {
		if _, twice := out[r.Cluster]; twice || r.Cluster == "" {
			return nil, core.Errorf(core.Invalid, "%s: %s: receivers[%d]: cluster %q is missing or stands twice", settings.FluxReceiversFile, file, i, r.Cluster)
		}
		token, err := os.ReadFile(r.TokenFile)
		if err != nil {
			return nil, core.Errorf(core.Invalid, "%s: %s: receivers[%d].token-file: %w", settings.FluxReceiversFile, file, i, err)
		}
		receiver := flux.Receiver{Cluster: r.Cluster, BaseURL: r.URL, Name: r.Name, Namespace: r.Namespace, Token: core.Secret(token), Type: r.Type}
		if receiver.Namespace == "" {
			receiver.Namespace = "flux-system"
		}
		if receiver.Type == "" {
			receiver.Type = flux.HMAC
		}
		if err := receiver.Check(); err != nil {
			return nil, core.Errorf(core.Invalid, "%s: %s: receivers[%d]: %w", settings.FluxReceiversFile, file, i, err)
		}
		out[r.Cluster] = receiver
	}
	return out, nil
}
