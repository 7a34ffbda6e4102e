package bench

import (
	"fmt"
	"io"
	"strings"
)

// rules are the policy of the generated monorepos.
const rules = `version: 1
layout:
  - clusters/{cluster}/apps/{app}
environments:
  - {name: dev, clusters: [dev-1]}
  - {name: stg, from: dev, clusters: [stg-1]}
  - {name: prd, from: stg, clusters: [prd-1]}
`

func clusters() []string { return []string{"dev-1", "stg-1", "prd-1"} }

func appName(i int) string { return fmt.Sprintf("app-%05d", i) }

func overlayDir(cluster string, i int) string { return "clusters/" + cluster + "/apps/" + appName(i) }

// emit is told every file of a monorepo, each once.
type emit func(path, content string)

// generate makes a monorepo of n apps, 8 files for each: half of them patch a
// HelmRelease in each cluster, half set the image of a Deployment. All clusters
// carry the same versions.
func generate(n int, out emit) {
	out("sluice.yaml", rules)
	for _, cluster := range clusters() {
		out("clusters/"+cluster+"/flux-system/apps.yaml", strings.ReplaceAll(fluxKustomization, "CLUSTER", cluster))
	}
	for i := range n {
		if i%2 == 0 {
			release(i, out)
		} else {
			workload(i, out)
		}
	}
}

const kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

// release is 2 files of a base and 2 in each of the three clusters.
func release(i int, out emit) {
	name := appName(i)
	base := "bases/" + name
	out(base+"/kustomization.yaml", kustomization+"resources:\n  - helmrelease.yaml\n")
	out(base+"/helmrelease.yaml", strings.ReplaceAll(helmRelease, "NAME", name))
	for _, cluster := range clusters() {
		out(overlayDir(cluster, i)+"/kustomization.yaml", kustomization+"resources:\n  - ../../../../bases/"+name+"\npatches:\n  - path: helmrelease-patch.yaml\n")
		out(pinned(cluster, i), pinnedAt(i, "1.0.0"))
	}
}

// workload is 5 files of a base and 1 in each of the three clusters.
func workload(i int, out emit) {
	name := appName(i)
	base := "bases/" + name
	out(base+"/kustomization.yaml", kustomization+"resources:\n  - deployment.yaml\n  - service.yaml\n  - config.yaml\n  - budget.yaml\n")
	for file, text := range map[string]string{"deployment": deployment, "service": service, "config": config, "budget": budget} {
		out(base+"/"+file+".yaml", strings.ReplaceAll(text, "NAME", name))
	}
	for _, cluster := range clusters() {
		out(pinned(cluster, i), pinnedAt(i, "1.0.0"))
	}
}

// pinned is the file of an overlay that holds its version.
func pinned(cluster string, i int) string {
	if i%2 == 0 {
		return overlayDir(cluster, i) + "/helmrelease-patch.yaml"
	}
	return overlayDir(cluster, i) + "/kustomization.yaml"
}

// pinnedAt is that file's content at a version.
func pinnedAt(i int, version string) string {
	if i%2 == 0 {
		return strings.NewReplacer("NAME", appName(i), "VERSION", version).Replace(helmPatch)
	}
	return kustomization + "resources:\n  - ../../../../bases/" + appName(i) + "\nimages:\n  - name: registry.example.org/team/" + appName(i) + "\n    newTag: " + version + "\n"
}

// stream writes one commit for git fast-import.
func stream(w io.Writer, branch, from, message string, files func(emit)) {
	fmt.Fprintf(w, "commit refs/heads/%s\ncommitter A Person <person@example.org> 1770000000 +0000\ndata %d\n%s\n", branch, len(message), message)
	if from != "" {
		fmt.Fprintf(w, "from %s\n", from)
	}
	files(func(path, content string) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	})
	fmt.Fprintln(w)
}

const fluxKustomization = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./clusters/CLUSTER/apps
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
`

const helmRelease = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: NAME
  namespace: apps
spec:
  interval: 30m
  chart:
    spec:
      chart: NAME # version: see the overlays
      sourceRef:
        kind: HelmRepository
        name: charts
        namespace: flux-system
  install:
    remediation:
      retries: 3
  upgrade:
    remediation:
      retries: 3
  values:
    image:
      repository: registry.example.org/team/NAME # tag: see the overlays
    resources:
      requests: {cpu: 100m, memory: 128Mi}
    ingress:
      enabled: true
      host: NAME.example.org
`

const helmPatch = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: NAME
  namespace: apps
spec:
  chart:
    spec:
      version: VERSION
  values:
    image:
      tag: VERSION
    replicaCount: 2
`

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: apps
  labels:
    app.kubernetes.io/name: NAME
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
  template:
    metadata:
      labels:
        app.kubernetes.io/name: NAME
    spec:
      containers:
        - name: NAME
          image: registry.example.org/team/NAME # tag: see the overlays
          envFrom:
            - configMapRef:
                name: NAME
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: NAME
  namespace: apps
spec:
  selector:
    app.kubernetes.io/name: NAME
  ports:
    - name: http
      port: 80
      targetPort: http
`

const config = `apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
  namespace: apps
data:
  LOG_LEVEL: info
  UPSTREAM: http://gateway.apps.svc
`

const budget = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: NAME
  namespace: apps
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
`
