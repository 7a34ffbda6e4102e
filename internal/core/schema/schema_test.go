package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/schema"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

func load(t testing.TB) *schema.Set {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t testing.TB, s *schema.Set, src string) string {
	t.Helper()
	f, err := yamledit.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	root, _ := f.Doc(0)
	var out []string
	for _, v := range s.Check(root) {
		n, d := root, 0
		for ; d < len(v.Path); d++ {
			next, err := n.At(v.Path[d : d+1])
			if err != nil {
				break
			}
			n = next
		}
		if d < len(v.Path) {
			t.Errorf("%v leads nowhere", v.Path)
		}
		out = append(out, fmt.Sprintf("%d:%d %s; %s", n.Line(), n.Column(), v.Reason, v.Fix))
	}
	return strings.Join(out, "\n")
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 25%}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          resources: {limits: {cpu: 1, memory: 2Gi}}
          env:
            - name: A
              value: a
          ports:
            - containerPort: 80
`

const release = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: search}
spec:
  interval: 10m
  chart:
    spec:
      chart: qdrant
      version: 1.15.4
      sourceRef: {kind: HelmRepository, name: qdrant}
  values: {anything: {goes: [1, two]}}
`

const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: YQ==}\n"

const monitor = `apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: a}
spec:
  selector: {}
  scrapeProtocols: [PrometheusProto]
  endpoints: [{port: http}]
`

const store = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: a}
spec: {provider: {fake: {data: []}}}
`

// Each case plants one defect in an object that has none.
func TestDefectsAreFound(t *testing.T) {
	for name, c := range map[string]struct{ in, old, new, want string }{
		"unknown field":      {deployment, "replicas: 2", "replica: 2", `7:12 Deployment: spec has no field "replica"; did you mean replicas?`},
		"wrong type":         {deployment, "replicas: 2", `replicas: "2"`, `7:13 Deployment: spec.replicas is a string; want a whole number; write a whole number`},
		"number as text":     {deployment, "value: a", "value: 1", "19:22 Deployment: spec.template.spec.containers[0].env[0].value is a number; want a string: put it in quotes; write a string: put it in quotes"},
		"required":           {deployment, "name: web\n          image", "image", "14:11 Deployment: spec.template.spec.containers[0] has no name, which is required; add name"},
		"twice":              {deployment, "            - name: A\n", "            - name: A\n              value: b\n            - name: A\n", "20:15 Deployment: spec.template.spec.containers[0].env has two items with name A; remove one of them"},
		"mapping for list":   {deployment, "- containerPort", "containerPort", "21:13 Deployment: spec.template.spec.containers[0].ports is a mapping; want a list; write a list"},
		"pattern":            {release, "interval: 10m", "interval: 10 minutes", `5:13 HelmRelease: spec.interval is "10 minutes", which does not match ^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$; correct it`},
		"enum":               {release, "kind: HelmRepository", "kind: HelmRepo", `10:25 HelmRelease: spec.chart.spec.sourceRef.kind is "HelmRepo"; want one of HelmRepository, GitRepository, Bucket; write one of these`},
		"gone":               {release, "fluxcd.io/v2", "fluxcd.io/v2beta1", "1:13 HelmRelease of helm.toolkit.fluxcd.io/v2beta1 is gone since Flux 2.7; use helm.toolkit.fluxcd.io/v2"},
		"quantity":           {deployment, "2Gi", "2GB", `16:48 Deployment: spec.template.spec.containers[0].resources.limits.memory is "2GB", which is no quantity; write one such as 100m, 0.5 or 2Gi`},
		"enum of Kubernetes": {deployment, "image: web:1", "image: web:1\n          imagePullPolicy: Allways", `16:28 Deployment: spec.template.spec.containers[0].imagePullPolicy is "Allways"; want one of Always, IfNotPresent, Never; write one of these`},
		"32 bits":            {deployment, "replicas: 2", "replicas: 9999999999", "7:13 Deployment: spec.replicas does not fit into 32 bits; correct it"},
		"half":               {deployment, "replicas: 2", "replicas: 2.5", "7:13 Deployment: spec.replicas is a number; want a whole number; write a whole number"},
		"empty item":         {deployment, "              value: a\n", "              value: a\n            -\n", "20:14 Deployment: spec.template.spec.containers[0].env[1] is empty; want a mapping; write it, or remove the item"},
		"null":               {deployment, "selector: {matchLabels: {app: web}}", "selector: null", "7:3 Deployment: spec has no selector, which is required; add selector"},
		"kind":               {deployment, "kind: Deployment", "kind: Deploymnt", "2:7 there is no kind Deploymnt in apps/v1; did you mean Deployment?"},
		"base64":             {secret, "YQ==", "a password", "4:11 Secret: data.a is not base64; encode it, or put it below stringData if this is a Secret"},
		"too many":           {store, "fake: {data: []}", "fake: {data: []}, kubernetes: {}", "4:18 SecretStore: spec.provider has 2 fields, which is too few or too many; leave those that are meant"},
		"gone with Flux 2.8": {release, "helm.toolkit.fluxcd.io/v2\nkind: HelmRelease", "kustomize.toolkit.fluxcd.io/v1beta2\nkind: Kustomization", "1:13 Kustomization of kustomize.toolkit.fluxcd.io/v1beta2 is gone since Flux 2.8; use kustomize.toolkit.fluxcd.io/v1"},
		"gone with Flux 2.9": {release, "helm.toolkit.fluxcd.io/v2\nkind: HelmRelease", "notification.toolkit.fluxcd.io/v1beta2\nkind: Receiver", "1:13 Receiver of notification.toolkit.fluxcd.io/v1beta2 is gone since Flux 2.9; use notification.toolkit.fluxcd.io/v1"},
		"repeated":           {monitor, "[PrometheusProto]", "[PrometheusProto, PrometheusProto]", "6:38 ServiceMonitor: spec.scrapeProtocols has the same item twice; remove one of them"},
		"never was":          {deployment, "apps/v1", "apps/v2", "1:13 there is no Deployment of apps/v2; use apps/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(c.in, c.old, c.new, 1)
			if src == c.in {
				t.Fatal("nothing was planted")
			}
			if got := check(t, load(t), src); got != c.want {
				t.Errorf("found\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestNothingIsFoundInWhatIsRight(t *testing.T) {
	for _, src := range []string{
		deployment, release, secret, store, monitor,
		strings.Replace(deployment, "replicas: 2", "replicas: 2.0", 1),
		// The API server fills in the provider, and mountPath.
		strings.Replace(release, "      sourceRef:", "      verify: {secretRef: {name: cosign}}\n      sourceRef:", 1),
		strings.Replace(store, "fake: {data: []}", "vault: {server: https://vault, auth: {kubernetes: {role: r}}}", 1),
		strings.Replace(deployment, "image: web:1", "image: 2026-01-02", 1),
		"apiVersion: v1\nkind: ConfigMapList\nitems: []\n",
		"apiVersion: scheduling.k8s.io/v1alpha2\nkind: PodGroup\nmetadata: {name: a}\nspec: {schedulingPolicy: {basic: {}}}\n",
		// What a controller reports does not count in what is applied.
		"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: a}}\nstatus: {}\n",
		strings.Replace(release, "interval: 10m", "interval: ${interval}", 1),
		strings.Replace(deployment, "replicas: 2", "replicas: null", 1),
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: ENC[a]\ndata: ENC[b]\nsops: {version: 3.9.0}\n",
		"apiVersion: example.com/v1\nkind: Thing\nspec: {a: 1}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 53, protocol: UDP, targetPort: dns, name: u}, {port: 53, protocol: TCP, targetPort: 53, name: t}]}\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, egress: [{ports: [{port: 443}]}]}\n",
	} {
		if got := check(t, load(t), src); got != "" {
			t.Errorf("%s\nfound %s", src, got)
		}
	}
}

// A password that is no string is told of, and not shown.
func TestValuesOfSecretsAreNotShown(t *testing.T) {
	for _, src := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: 4711}\n",
		strings.Replace(deployment, "value: a", "value: 4711", 1),
	} {
		if got := check(t, load(t), src); strings.Contains(got, "4711") || got == "" {
			t.Errorf("found %q", got)
		}
	}
}

// A definition in the monorepo makes its kind known.
func TestDefinitionsAreLearnt(t *testing.T) {
	const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            spec: {type: object, required: [size, class], properties: {size: {type: integer, maximum: 9}, class: {type: string, maxLength: 3, default: a}}}
`
	s := load(t)
	f, err := yamledit.Parse([]byte(crd))
	if err != nil {
		t.Fatal(err)
	}
	root, _ := f.Doc(0)
	s.Learn(root)
	if got, want := check(t, s, "apiVersion: example.com/v1\nkind: Thing\nspec: {size: 10, class: gold}\n"), "3:14 Thing: spec.size is too small or too large; correct it\n3:25 Thing: spec.class has 4 characters, which is too short or too long; correct it"; got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	const thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a, lables: {}}\nspec: {sise: 1}\n"
	want := "3:29 Thing: metadata has no field \"lables\"; did you mean labels?\n4:14 Thing: spec has no field \"sise\"; did you mean size?\n4:7 Thing: spec has no size, which is required; add size"
	if got := check(t, s, thing); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(deployment)
	f.Add(release)
	f.Add("apiVersion: v1\nkind: Pod\nspec: &a {containers: [*a]}\n")
	s := load(f)
	f.Fuzz(func(t *testing.T, src string) {
		parsed, err := yamledit.Parse([]byte(src))
		if err != nil {
			return
		}
		for i := range parsed.Len() {
			root, _ := parsed.Doc(i)
			s.Learn(root)
			for _, v := range s.Check(root) {
				if v.Reason == "" || v.Fix == "" {
					t.Errorf("no words: %+v", v)
				}
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s := load(b)
	var roots []yamledit.Node
	for _, src := range []string{deployment, release} {
		f, err := yamledit.Parse([]byte(src))
		if err != nil {
			b.Fatal(err)
		}
		root, _ := f.Doc(0)
		roots = append(roots, root)
	}
	for b.Loop() {
		for _, root := range roots {
			if len(s.Check(root)) > 0 {
				b.Fatal("found something")
			}
		}
	}
}
