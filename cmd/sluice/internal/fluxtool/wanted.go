package fluxtool

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// The ways in which a Secret may come into a cluster.
const (
	external = "external-secrets"
	sealed   = "sealed-secrets"
	sops     = "sops"
	byHand   = "none"
)

func secretWays() []string { return []string{external, sealed, sops, byHand} }

func receiverTypes() []string { return []string{"generic-hmac", "generic", "gitlab"} }

// wanted is what a cluster is to be connected with.
type wanted struct {
	Cluster   core.Cluster
	Env       core.Env
	Root      string   // the cluster\'s directory, from the monorepo\'s root
	Address   string   // of Sluice
	Project   string   // the monorepo on GitLab, "" if not known
	Type      string   // of the Receiver
	Secrets   string   // one of secretWays
	Host      string   // under which the Receiver is reached; "" for no Ingress
	Statuses  string   // the GitLab address for commit statuses, such as https://gitlab.com/42; "" for none
	IngressNS string   // the namespace of the ingress controller
	Releases  []string // the namespaces in which HelmReleases are, sorted
}

func (w wanted) check() error {
	u, err := url.Parse(w.Address)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return core.Errorf(core.Invalid, "--sluice-url: found %q; write the address at which clusters reach Sluice's receiver, such as https://sluice.example.com", w.Address)
	case !slices.Contains(secretWays(), w.Secrets):
		return core.Errorf(core.Invalid, "--secrets: found %q; write %s", w.Secrets, strings.Join(secretWays(), ", "))
	case !slices.Contains(receiverTypes(), w.Type):
		return core.Errorf(core.Invalid, "--receiver-type: found %q; write %s", w.Type, strings.Join(receiverTypes(), ", "))
	}
	return nil
}

// object is one manifest as it is written where there is none.
type object struct {
	kind, name string
	text       string
	needs      []need
}

// need is a field of an object that Sluice cannot do without.
type need struct {
	path []string
	// text is what must be there; any text will do if fixed is not set, which is
	// then what is added where there is none.
	text  string
	fixed bool
	// item is what the list at path must have one like: of its kind, in its
	// namespace.
	item []yamledit.Field
}

// manifest is one file.
type manifest struct {
	name    string
	head    string // the comment at its top
	objects []object
}

// manifests are all files but the kustomizations.
func (w wanted) manifests() []manifest {
	out := []manifest{w.receiver(), w.events()}
	if w.Statuses != "" {
		out = append(out, w.statuses())
	}
	if w.Secrets != byHand {
		out = append(out, w.secretsApart())
	}
	return append(out, w.network())
}

// secretsApart has the secrets applied by a Kustomization of its own: what makes
// them known, such as External Secrets, is often made by one that the root
// makes, and the root must not wait for that.
func (w wanted) secretsApart() manifest {
	decryption := ""
	if w.Secrets == sops {
		decryption = "  decryption: # see https://fluxcd.io/flux/guides/mozilla-sops/ for the key\n    provider: sops\n"
	}
	return manifest{name: "secrets.yaml", head: "# Apart from the rest, which need not wait until the cluster knows how to make these secrets.\n", objects: []object{{
		kind: "Kustomization", name: "sluice-secrets",
		text: fmt.Sprintf(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: sluice-secrets
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 1m
  timeout: 3m
  path: ./%s/%s
  prune: true
  wait: true
%s  sourceRef:
    kind: GitRepository
    name: flux-system
`, w.Root, secretsFolder, decryption),
		needs: []need{{path: []string{"spec", "path"}, text: "./" + w.Root + "/" + secretsFolder}},
	}}}
}

func (w wanted) receiver() manifest {
	events := ""
	if w.Type == "gitlab" {
		events = "  events: [Push Hook]\n"
	}
	filter := ""
	if w.Project != "" {
		filter = fmt.Sprintf("  # Calls about other monorepos are answered and do nothing. Sluice also sends req.ref, req.sha and, unless they are too\n"+
			"  # many, req.paths, so that a Receiver can choose further: !has(req.paths) || req.paths.exists(p, p.startsWith(\"…\"))\n"+
			"  resourceFilter: '!has(req.project) || req.project == %q'\n", w.Project)
	}
	return manifest{name: "receiver.yaml", head: "# Sluice calls this after a merge, so that Flux looks at Git at once.\n", objects: []object{{
		kind: "Receiver", name: "sluice",
		text: fmt.Sprintf(`apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata:
  name: sluice
  namespace: flux-system
spec:
  type: %s
%s  secretRef:
    name: sluice-receiver
%s  # The GitRepository alone: what it feeds follows by itself, and would apply the old revision once more if it were named.
  resources:
    - apiVersion: source.toolkit.fluxcd.io/v1
      kind: GitRepository
      name: flux-system
`, w.Type, events, filter),
		needs: []need{{path: []string{"spec", "type"}, text: w.Type, fixed: true}, {path: []string{"spec", "secretRef", "name"}, text: "sluice-receiver"},
			{path: []string{"spec", "resources"}, item: []yamledit.Field{{Key: "apiVersion", Text: "source.toolkit.fluxcd.io/v1"}, {Key: "kind", Text: "GitRepository"}, {Key: "name", Text: "flux-system"}}}},
	}}}
}

func (w wanted) events() manifest {
	address := strings.TrimSuffix(w.Address, "/") + "/hooks/flux/" + url.PathEscape(string(w.Cluster))
	return manifest{name: "events.yaml", head: "# What this cluster reports to Sluice. The gates healthy and soak live on it.\n", objects: []object{
		{
			kind: "Provider", name: "sluice",
			text: fmt.Sprintf(`apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: sluice
  namespace: flux-system
spec:
  type: generic-hmac
  address: %s
  timeout: 60s # room for Flux's own repetitions; after that an event is lost
  secretRef:
    name: sluice-events
`, address),
			needs: []need{
				{path: []string{"spec", "type"}, text: "generic-hmac", fixed: true}, {path: []string{"spec", "address"}, text: address, fixed: true},
				{path: []string{"spec", "timeout"}, text: "60s"}, {path: []string{"spec", "secretRef", "name"}, text: "sluice-events"},
			},
		},
		{
			kind: "Alert", name: "sluice",
			text: fmt.Sprintf(`apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: sluice
  namespace: flux-system
spec:
  providerRef:
    name: sluice
  eventSeverity: info # successes are the heartbeat: with "error" every cluster falls silent
  eventMetadata:
    cluster: %s
    env: %s
  eventSources:
    - kind: Kustomization
      name: "*"
      namespace: flux-system
%s`, w.Cluster, w.Env, w.releaseSources()),
			needs: append(w.sourceNeeds(), []need{
				{path: []string{"spec", "providerRef", "name"}, text: "sluice", fixed: true}, {path: []string{"spec", "eventSeverity"}, text: "info", fixed: true},
				{path: []string{"spec", "eventMetadata", "cluster"}, text: string(w.Cluster), fixed: true}, {path: []string{"spec", "eventMetadata", "env"}, text: string(w.Env), fixed: true},
			}...),
		},
	}}
}

// releaseSources names the HelmReleases of each namespace: Flux knows no "*" for
// namespaces.
func (w wanted) releaseSources() string {
	var out strings.Builder
	for _, namespace := range w.Releases {
		fmt.Fprintf(&out, "    - kind: HelmRelease\n      name: \"*\"\n      namespace: %s\n", namespace)
	}
	return out.String()
}

// sourceNeeds are the objects that an Alert must name.
func (w wanted) sourceNeeds() []need {
	of := func(kind, namespace string) need {
		return need{path: []string{"spec", "eventSources"}, item: []yamledit.Field{{Key: "kind", Text: kind}, {Key: "name", Text: "*"}, {Key: "namespace", Text: namespace}}}
	}
	needs := []need{of("Kustomization", "flux-system")}
	for _, namespace := range w.Releases {
		needs = append(needs, of("HelmRelease", namespace))
	}
	return needs
}

// statuses have Flux write to GitLab as well, under names that hold the cluster.
func (w wanted) statuses() manifest {
	expression := fmt.Sprintf(`('flux/%s/' + event.involvedObject.kind + '/' + event.involvedObject.namespace + '/' + event.involvedObject.name).lowerAscii()`, w.Cluster)
	return manifest{name: "statuses.yaml", head: "# The same as commit statuses in GitLab: a second source, and something to see there. Its token needs the scope api.\n", objects: []object{
		{
			kind: "Provider", name: "sluice-gitlab",
			text: fmt.Sprintf(`apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: sluice-gitlab
  namespace: flux-system
spec:
  type: gitlab
  address: %s
  commitStatusExpr: "%s"
  secretRef:
    name: sluice-gitlab
`, w.Statuses, expression),
			needs: []need{{path: []string{"spec", "commitStatusExpr"}, text: expression, fixed: true}},
		},
		{
			kind: "Alert", name: "sluice-gitlab",
			text: `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: sluice-gitlab
  namespace: flux-system
spec:
  providerRef:
    name: sluice-gitlab
  eventSeverity: info
  eventSources:
    - kind: Kustomization
      name: "*"
      namespace: flux-system
`,
		},
	}}
}

// secretNames are the Secrets that a cluster needs, each with the key that it
// holds.
func (w wanted) secretNames() []string {
	names := []string{"sluice-receiver", "sluice-events"}
	if w.Statuses != "" {
		names = append(names, "sluice-gitlab")
	}
	return names
}

func (w wanted) secrets() manifest {
	m := manifest{name: "secrets.yaml", head: map[string]string{
		external: "# Each key holds a token without a line break at its end: Flux uses it byte for byte. Sluice is given the same tokens.\n",
		sealed: "# A shape, without a secret in it. Make the values, and replace the placeholders, with:\n" +
			"#   printf %s \"$TOKEN\" | kubeseal --raw --namespace flux-system --name NAME\n" +
			"# printf and not echo: a line break at the end would be a part of the token.\n",
		sops: "# A shape, without a secret in it. Put the tokens in (no line break at their ends) and encrypt before you commit:\n" +
			"#   sops --encrypt --encrypted-regex '^(data|stringData)$' --in-place secrets.yaml\n" +
			"# The Kustomization that applies it needs spec.decryption.\n",
	}[w.Secrets]}
	for _, name := range w.secretNames() {
		m.objects = append(m.objects, w.secret(name))
	}
	return m
}

func (w wanted) secret(name string) object {
	meta := fmt.Sprintf("metadata:\n  name: %s\n  namespace: flux-system\n", name)
	switch w.Secrets {
	case external:
		return object{kind: "ExternalSecret", name: name, text: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n" + meta + fmt.Sprintf(`spec:
  refreshInterval: 1h
  secretStoreRef:
    kind: ClusterSecretStore
    name: azure-key-vault
  target:
    name: %s
  data:
    - secretKey: token
      remoteRef:
        key: %s-%s
`, name, w.Cluster, name)}
	case sealed:
		return object{kind: "SealedSecret", name: name, text: "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n" + meta +
			fmt.Sprintf("spec:\n  encryptedData:\n    token: REPLACE_WITH_THE_OUTPUT_OF_KUBESEAL\n  template:\n    metadata:\n      name: %s\n      namespace: flux-system\n", name)}
	}
	return object{kind: "Secret", name: name, text: "apiVersion: v1\nkind: Secret\n" + meta + "type: Opaque\nstringData:\n  token: \"\" # nobody takes an empty one, so nothing works before it is replaced\n"}
}

// network lets in what calls the Receiver, and nothing else.
func (w wanted) network() manifest {
	m := manifest{name: "network.yaml", head: "# The way of Sluice's calls: one path, to one port. What other policies allow stays allowed: if calls are to come this\n# way alone, remove allow-webhooks, which flux bootstrap made.\n", objects: []object{{
		kind: "NetworkPolicy", name: "sluice-receiver",
		text: fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: sluice-receiver
  namespace: flux-system
spec:
  podSelector:
    matchLabels:
      app: notification-controller
  policyTypes:
    - Ingress
  ingress:
    - from:
        - podSelector: {} # the other controllers, which send their events here
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: %s
      ports:
        - port: 9292
          protocol: TCP
`, w.IngressNS),
	}}}
	if w.Host == "" {
		return m
	}
	m.objects = append(m.objects, object{kind: "Ingress", name: "sluice-receiver", text: fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: sluice-receiver
  namespace: flux-system
spec:
  ingressClassName: nginx
  tls:
    - hosts:
        - %[1]s
      secretName: sluice-receiver-tls
  rules:
    - host: %[1]s
      http:
        paths:
          # Unchanged: Flux compares the whole request line.
          - path: /hook/
            pathType: Prefix
            backend:
              service:
                name: webhook-receiver
                port:
                  number: 80
`, w.Host)})
	return m
}
