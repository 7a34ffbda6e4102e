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

// Each case plants one defect in an object that has none.
func TestDefectsAreFound(t *testing.T) {
	for name, c := range map[string]struct{ in, old, new, want string }{
		"unknown field":    {deployment, "replicas: 2", "replica: 2", `7:12 Deployment: spec has no field "replica"; did you mean replicas?`},
		"wrong type":       {deployment, "replicas: 2", `replicas: "2"`, `7:13 Deployment: spec.replicas is a string; want a whole number; write a whole number`},
		"number as text":   {deployment, "value: a", "value: 1", "19:22 Deployment: spec.template.spec.containers[0].env[0].value is a number; want a string: put it in quotes; write a string: put it in quotes"},
		"required":         {deployment, "name: web\n          image", "image", "14:11 Deployment: spec.template.spec.containers[0] has no name, which is required; add name"},
		"twice":            {deployment, "            - name: A\n", "            - name: A\n              value: b\n            - name: A\n", "20:15 Deployment: spec.template.spec.containers[0].env has two items with name A; remove one of them"},
		"mapping for list": {deployment, "- containerPort", "containerPort", "21:13 Deployment: spec.template.spec.containers[0].ports is a mapping; want a list; write a list"},
		"pattern":          {release, "interval: 10m", "interval: 10 minutes", `5:13 HelmRelease: spec.interval is "10 minutes", which does not match ^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$; correct it`},
		"enum":             {release, "kind: HelmRepository", "kind: HelmRepo", `10:25 HelmRelease: spec.chart.spec.sourceRef.kind is "HelmRepo"; want one of HelmRepository, GitRepository, Bucket; write one of these`},
		"gone":             {release, "fluxcd.io/v2", "fluxcd.io/v2beta1", "1:13 HelmRelease of helm.toolkit.fluxcd.io/v2beta1 is gone since Flux 2.7; use helm.toolkit.fluxcd.io/v2"},
		"never was":        {deployment, "apps/v1", "apps/v2", "1:13 there is no Deployment of apps/v2; use apps/v1"},
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
		deployment, release,
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
            spec: {type: object, required: [size], properties: {size: {type: integer}}}
`
	s := load(t)
	f, err := yamledit.Parse([]byte(crd))
	if err != nil {
		t.Fatal(err)
	}
	root, _ := f.Doc(0)
	s.Learn(root)
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
