package agreement

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/sluice-gitops/sluice/internal/core/schema"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// rounds is how many objects are tried of each kind.
const rounds = 300

func load(t *testing.T) *schema.Set {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ours tells what the walker finds in an object.
func ours(t *testing.T, s *schema.Set, object map[string]any) []string {
	t.Helper()
	src, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	f, err := yamledit.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := f.Doc(0)
	var out []string
	for _, v := range s.Check(root) {
		out = append(out, v.Reason)
	}
	return out
}

// modules hold the definitions of custom resources in the bundle.
func modules() map[string]string {
	return map[string]string{
		"github.com/fluxcd/source-controller@v1.9.2":                 "config/crd/bases/*.yaml",
		"github.com/fluxcd/kustomize-controller@v1.9.5":              "config/crd/bases/*.yaml",
		"github.com/fluxcd/helm-controller@v1.6.3":                   "config/crd/bases/*.yaml",
		"github.com/fluxcd/notification-controller@v1.9.3":           "config/crd/bases/*.yaml",
		"github.com/cert-manager/cert-manager@v1.21.2":               "deploy/crds/*.yaml",
		"github.com/external-secrets/external-secrets@v1.3.2":        "config/crds/bases/*.yaml",
		"sigs.k8s.io/gateway-api@v1.6.3":                             "config/crd/standard/*.yaml",
		"github.com/bitnami-labs/sealed-secrets@v0.40.0":             "helm/sealed-secrets/crds/*.yaml",
		"github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd/*.yaml",
		"github.com/kyverno/kyverno@v1.19.1":                         "config/crds/*/*.yaml",
	}
}

func definitions(t *testing.T) []*v1.CustomResourceDefinition {
	t.Helper()
	var out []*v1.CustomResourceDefinition
	for _, module := range slices.Sorted(maps.Keys(modules())) {
		src, err := exec.Command("go", "mod", "download", "-json", module).Output()
		if err != nil {
			t.Fatalf("download %s: %v", module, err)
		}
		var m struct{ Dir string }
		if err := json.Unmarshal(src, &m); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(m.Dir, modules()[module]))
		if err != nil || len(files) == 0 {
			t.Fatalf("no definitions in %s: %v", module, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			crd := &v1.CustomResourceDefinition{}
			if err := yaml.Unmarshal(src, crd); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if crd.Kind == "CustomResourceDefinition" {
				out = append(out, crd)
			}
		}
	}
	return out
}

// Custom resources are taken and refused as the API server's library does it,
// rules in CEL and the choices among forms aside, which are not looked at.
func TestCustomResourcesAreJudgedAsTheAPIServerDoes(t *testing.T) {
	set := load(t)
	taken, refused := 0, 0
	for _, crd := range definitions(t) {
		for _, version := range crd.Spec.Versions {
			if !version.Served {
				continue
			}
			name := crd.Spec.Names.Kind + "." + version.Name
			judge := newJudge(t, version)
			r := rand.New(rand.NewPCG(1, 2))
			for range rounds {
				object := generate(r, version.Schema.OpenAPIV3Schema, 0).(map[string]any)
				delete(object, "status")
				object["apiVersion"], object["kind"] = crd.Spec.Group+"/"+version.Name, crd.Spec.Names.Kind
				object["metadata"] = map[string]any{"name": "a"}
				if spec, ok := object["spec"].(map[string]any); ok && r.IntN(3) > 0 {
					mutate(r, spec)
				}
				theirs := judge.judge(t, object)
				found := ours(t, set, object)
				if len(theirs) > 0 {
					refused++
				} else {
					taken++
				}
				if (len(theirs) > 0) != (len(found) > 0) {
					src, _ := json.Marshal(object)
					t.Errorf("%s: API server %v, ours %v\n%s", name, theirs, found, src)
					break
				}
			}
		}
	}
	if taken < 1000 || refused < 1000 {
		t.Errorf("%d objects taken, %d refused: that shows nothing", taken, refused)
	}
	t.Logf("%d objects taken, %d refused", taken, refused)
}

// judge is what an API server asks of a custom resource.
type judge struct {
	structural *structural.Structural
	validator  validation.SchemaValidator
}

func newJudge(t *testing.T, version v1.CustomResourceDefinitionVersion) judge {
	t.Helper()
	internal := &apiextensions.JSONSchemaProps{}
	withoutChoices := version.Schema.OpenAPIV3Schema.DeepCopy()
	drop(withoutChoices)
	if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(withoutChoices, internal, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structural.NewStructural(internal)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		t.Fatal(err)
	}
	return judge{s, validator}
}

// drop takes the choices out of a schema.
func drop(s *v1.JSONSchemaProps) {
	if !s.XIntOrString {
		s.AnyOf = nil
	}
	s.OneOf, s.AllOf, s.Not = nil, nil, nil
	if s.Format == "byte" || s.Format == "duration" {
		s.Format = "" // for the one the library takes a list of nothing, and the other is hardly used
	}
	for name, p := range s.Properties {
		drop(&p)
		s.Properties[name] = p
	}
	if s.Items != nil && s.Items.Schema != nil {
		drop(s.Items.Schema)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		drop(s.AdditionalProperties.Schema)
	}
}

func (j judge) judge(t *testing.T, object map[string]any) []string {
	t.Helper()
	object = runtime.DeepCopyJSON(object)
	var out []string
	unknown := pruning.PruneWithOptions(object, j.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	out = append(out, unknown...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, j.structural)
	defaulting.Default(object, j.structural)
	for _, e := range validation.ValidateCustomResource(nil, object, j.validator) {
		out = append(out, e.Error())
	}
	for _, e := range listtype.ValidateListSetsAndMaps(field.NewPath("root"), j.structural, object) {
		out = append(out, e.Error())
	}
	return out
}

// generate makes a value that has a good chance to be valid.
func generate(r *rand.Rand, s *v1.JSONSchemaProps, depth int) any {
	switch {
	case len(s.Enum) > 0:
		var v any
		_ = json.Unmarshal(s.Enum[r.IntN(len(s.Enum))].Raw, &v)
		return v
	case s.XIntOrString:
		return []any{int64(r.IntN(100)), "8Mi"}[r.IntN(2)]
	case s.Type == "object" || s.Type == "":
		return generateObject(r, s, depth)
	case s.Type == "array":
		n := 1
		if depth > 6 {
			n = 0
		}
		if s.MinItems != nil {
			n = max(n, int(*s.MinItems))
		}
		out := []any{}
		for range n {
			out = append(out, generate(r, s.Items.Schema, depth+1))
		}
		return out
	case s.Type == "integer":
		n := int64(r.IntN(5) + 1)
		if s.Minimum != nil {
			n += int64(*s.Minimum)
		}
		return n
	case s.Type == "number":
		return 0.5
	case s.Type == "boolean":
		return r.IntN(2) == 0
	}
	return text(r, s)
}

func text(r *rand.Rand, s *v1.JSONSchemaProps) string {
	switch {
	case s.Format == "date-time":
		return "2026-01-02T03:04:05Z"
	case s.Format == "byte":
		return "YQ=="
	case strings.Contains(s.Pattern, "ms|s|m|h"):
		return "10m"
	case strings.Contains(s.Pattern, "http"):
		return "https://example.com/a"
	}
	return []string{"a", "abc", "a-b", "A1"}[r.IntN(4)]
}

func generateObject(r *rand.Rand, s *v1.JSONSchemaProps, depth int) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		if slices.Contains(s.Required, name) || depth < 4 && r.IntN(3) == 0 {
			out[name] = generate(r, &p, depth+1)
		}
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		out["key"] = generate(r, s.AdditionalProperties.Schema, depth+1)
	}
	return out
}

// mutate changes one thing somewhere below a mapping.
func mutate(r *rand.Rand, object map[string]any) {
	keys := slices.Sorted(maps.Keys(object))
	if len(keys) == 0 || r.IntN(6) == 0 {
		object[fmt.Sprintf("field%d", r.IntN(9))] = "a"
		return
	}
	key := keys[r.IntN(len(keys))]
	switch value := object[key].(type) {
	case map[string]any:
		if r.IntN(4) > 0 {
			mutate(r, value)
			return
		}
	case []any:
		if len(value) > 0 && r.IntN(4) > 0 {
			if first, ok := value[0].(map[string]any); ok && r.IntN(3) > 0 {
				mutate(r, first)
				return
			}
			object[key] = append(value, value[0])
			return
		}
	}
	switch r.IntN(7) {
	case 0:
		delete(object, key)
	case 1:
		object[key] = nil
	default:
		object[key] = []any{int64(7), "text", true, []any{nil}, map[string]any{}, 1.5, int64(1) << 40}[r.IntN(7)]
	}
}

// Objects of Kubernetes are taken where Kubernetes' own types can be decoded
// strictly, and refused where they cannot. What only the validation behind it
// refuses, such as missing fields, may be refused.
func TestObjectsOfKubernetesDecodeAsTheyAreJudged(t *testing.T) {
	set := load(t)
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	r := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for _, src := range seeds() {
		for range 20 * rounds {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(src), &object); err != nil {
				t.Fatal(err)
			}
			if len(ours(t, set, object)) > 0 {
				t.Fatalf("%v: %s", ours(t, set, object), src)
			}
			mutate(r, object["spec"].(map[string]any))
			text, _ := json.Marshal(object)
			_, _, err := decoder.Decode(text, nil, nil)
			found := ours(t, set, object)
			if err != nil {
				refused++
			}
			excused := len(found) > 0 && !slices.ContainsFunc(found, func(s string) bool {
				return !strings.Contains(s, "required") && !strings.Contains(s, "want one of") && !strings.Contains(s, "is empty") && !strings.Contains(s, "twice") && !strings.Contains(s, "two items")
			})
			if (err != nil) != (len(found) > 0) && !excused {
				t.Errorf("Kubernetes: %v, ours: %v\n%s", err, found, text)
				break
			}
		}
	}
	if refused < 1000 {
		t.Errorf("%d objects refused: that shows nothing", refused)
	}
}

func seeds() []string {
	pod := `
    metadata: {labels: {app: a}}
    spec:
      serviceAccountName: a
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      tolerations: [{key: a, operator: Exists, effect: NoSchedule}]
      containers:
      - name: a
        image: a:1
        imagePullPolicy: Always
        args: [a, b]
        env: [{name: A, value: a}, {name: B, valueFrom: {secretKeyRef: {name: a, key: b}}}]
        ports: [{containerPort: 80, name: http, protocol: TCP}]
        resources: {limits: {cpu: 100m, memory: 1Gi}}
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 5}
        volumeMounts: [{name: v, mountPath: /v, readOnly: true}]
      volumes: [{name: v, configMap: {name: a, items: [{key: a, path: b}], defaultMode: 420}}]
`
	return []string{
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: 1\n  strategy: {rollingUpdate: {maxSurge: 1}}\n  selector: {matchLabels: {app: a}}\n  template:" + pod,
		"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec:\n  serviceName: a\n  selector: {matchLabels: {app: a}}\n  volumeClaimTemplates: [{metadata: {name: v}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]\n  template:" + pod,
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ClusterIP, selector: {app: a}, ports: [{port: 80, targetPort: http, name: http}], sessionAffinity: None}\n",
		"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {ingressClassName: a, tls: [{hosts: [a], secretName: s}], rules: [{host: a, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchExpressions: [{key: a, operator: In, values: [a]}]}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80, protocol: TCP}]}]}\n",
		"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {minReplicas: 1, maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}\n",
	}
}
