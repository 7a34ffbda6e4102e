package overlay_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// row says which case shows a pin kind, a layout or an oddity. What is given
// must stand in one of the case's files, and what is shown in one of its
// expected parts: the inventory, the plan or the resulting bytes.
type row struct {
	what, archive, given, shown string
}

// The archives' places, from here.
const (
	here    = "testdata/"
	laidOut = "testdata/layouts/"
	edits   = "../yamledit/testdata/"
	planned = "../plan/testdata/"
	offline = "../../../cmd/sluice/internal/offline/testdata/"
	kinds   = offline + "kinds.txtar"
)

// audit is everything that is understood, or refused, of a monorepo.
var audit = []row{
	// Kustomizations.
	{"images newTag", kinds, "newTag: 1.0.0\n", "+    newTag: 1.1.0"},
	{"images newTag with digest", kinds, "digest: sha256:aaaa", "+    digest: sha256:bbbb"},
	{"images newTag: tag@digest", kinds, "newTag: 1.0.0@sha256:", "+    newTag: 1.1.0@sha256:"},
	{"images newName with newTag", kinds, "newName: mirror.example.org/web", "clusters/stg-1/apps/images-new-name/kustomization.yaml:5"},
	{"images by a regular expression", here + "images-layers.txtar", "\"r/pattern-[ab]\"", "image r/pattern-b = 4.0.0"},
	{"images of base, component and overlay", here + "images-layers.txtar", "kind: Component", "version in base components/pinned/"},
	{"images that meet nothing", here + "notices.txtar", "name: r/gone", "meets no container here"},
	{"helmCharts version", kinds, "helmCharts:", "clusters/stg-1/apps/helm-charts/kustomization.yaml:4"},
	{"helmCharts without version", here + "remote.txtar", "- name: floating", "the chart floating has no version"},
	{"remote resource with ref", kinds, "//deploy?ref=v1.0.0", "remote https://example.org/remote//deploy  v1.0.0 → v1.1.0"},
	{"remote base with ref", kinds, "bases:\n  - https://", "remote https://example.org/old//deploy  v1.0.0 → v1.1.0"},
	{"remote resource without ref", here + "notices.txtar", "https://example.com/app//deploy]", "has no ref"},
	{"remote component with ref", here + "remote.txtar", "components:\n- https://", "remote https://example.com/component = v1.0.0"},
	{"remote component over what is in sight", here + "remote.txtar", "components:\n- https://", "is never fetched"},
	{"components", kinds, "components: [../../../../components/sidecar]", "images-component: dev → stg\n  image example.org/sidecar"},
	{"patches by file", kinds, "patches: [{path: patch.yaml}]", "patch-file/patch.yaml:9"},
	{"patches inline", kinds, "  - patch: |", "patch-inline/kustomization.yaml:7"},
	{"patches with target", kinds, "target: {kind: Deployment}\n    path:", "patch-target/patch.yaml:5"},
	{"patches of several documents", kinds, "patches.yaml", "patch-documents/patches.yaml:9"},
	{"patches that add to lists", here + "patches-order.txtar", "name: newer", "image r/newer = 1.0.0"},
	{"patches that remove", here + "patches-removal.txtar", "$patch: delete", "image r/template-replaced = 2.0.0"},
	{"patches inline, in other styles", here + "patches-inline-styles.txtar", "patches:", "(cannot be edited)"},
	{"patchesStrategicMerge", kinds, "patchesStrategicMerge:", "patch-strategic-merge/patch.yaml:9"},
	{"JSON 6902 inline", kinds, "- op: replace\n        path:", "patch-json/kustomization.yaml:7"},
	{"JSON 6902 in JSON", kinds, `[{"op": "replace"`, "patch-json-file/operations.json:1"},
	{"patchesJson6902", kinds, "patchesJson6902:", "patch-json-6902/operations.yaml:3"},
	{"a patch that selects nothing", here + "notices.txtar", "target: {kind: StatefulSet}", "selects no object"},
	{"a patch of what is not read", here + "notices.txtar", "path: /spec/template/spec/containers/0/image", "may set a version of what a remote resource"},
	{"replacements with a pin for source", kinds, "fieldPath: spec.template.spec.containers.0.image", "replacement: dev → stg"},
	{"replacements from a ConfigMap", here + "replacements.txtar", "fieldPath: data.chart", "data.chart"},
	{"replacements not understood", here + "replacements.txtar", "options: {delimiter:", "replacements that may set a version are not understood"},
	{"names, prefixes, namespaces", here + "names.txtar", "namePrefix:", "image r/late = 2.0.0"},
	{"transformers and generators", here + "strict.txtar", "transformers:", "may change versions and are not understood"},
	// HelmReleases.
	{"HelmRelease v2", kinds, "helm.toolkit.fluxcd.io/v2\n", "release-v2: dev → stg"},
	{"HelmRelease v2beta2", kinds, "helm.toolkit.fluxcd.io/v2beta2\n", "release-v2beta2: dev → stg"},
	{"HelmRelease v2beta1", kinds, "helm.toolkit.fluxcd.io/v2beta1\n", "release-v2beta1: dev → stg"},
	{"chart version, a range", kinds, "version: \">=1.0.0 <2.0.0\"", "is the range >=1.0.0 <2.0.0"},
	{"chart version, a variable", kinds, "version: \"${VARIABLE_CHART}\"", "+      VARIABLE_CHART: \"1.1.0\""},
	{"chart without version", here + "notices.txtar", "chart: newest", "chart newest has no version"},
	{"chartRef to what the overlay has", kinds, "chartRef: {kind: OCIRepository, name: chart}", "chart-ref: dev → stg"},
	{"chartRef to elsewhere", kinds, "name: shared", "chart release comes from the OCIRepository shared"},
	{"values image.tag", kinds, "image: {repository: example.org/one, tag: 1.0.0}", "value release: image.tag "},
	{"values registry, tag and digest", kinds, "full: {image: {registry:", "full.image.tag "},
	{"values repo:tag@digest", kinds, "text: {image: \"example.org/three:1.0.0@", "+    text: {image: \"example.org/three:1.1.0@sha256:bbbb"},
	{"values fooImage", kinds, "sidecarImage:", "value release: sidecarImage "},
	{"values of sidecars and lists", kinds, "{name: six, image:", "sidecars.six.image "},
	{"valuesFrom", here + "notices.txtar", "valuesFrom:", "takes values from elsewhere"},
	{"postRenderers", here + "notices.txtar", "postRenderers:", "the postRenderers of HelmRelease range set images"},
	{"partial HelmRelease as patch", kinds, "patches: [{path: release.yaml}]", "release-patch/release.yaml:10"},
	// Sources.
	{"OCIRepository tag", kinds, "    tag: 1.0.0\n", "oci-tag/objects.yaml:6"},
	{"OCIRepository semver", kinds, "ref: {semver: 1.0.0}", "+  ref: {semver: 1.1.0}"},
	{"OCIRepository digest", kinds, "    digest: sha256:", "oci-digest: dev → stg"},
	{"OCIRepository without ref", here + "notices.txtar", "url: oci://example.com}", "OCIRepository latest has no ref"},
	{"GitRepository tag", kinds, "ref: {tag: v1.0.0}", "git-tag: dev → stg"},
	{"GitRepository semver", here + "sources.txtar", "semver:", "source range"},
	{"GitRepository commit", kinds, "commit: a1a1", "git-commit: dev → stg, blocked"},
	{"GitRepository branch", kinds, "ref: {branch: main}", "follows the branch main"},
	{"HelmChart", kinds, "kind: HelmChart", "helm-chart: dev → stg"},
	{"Flux Kustomization images", kinds, "  images:\n    - name: example.org/web", "flux-images: dev → stg"},
	{"Flux Kustomization patches", kinds, "  patches:\n    - target:", "flux-patches: dev → stg"},
	{"Flux Kustomization components", kinds, "  components: [versions]", "flux-component/versions/kustomization.yaml:5"},
	{"Flux Kustomization components again", here + "flux-again.txtar", "components: [../../../components/c", "image r/web = 2.0.0"},
	{"postBuild.substitute", kinds, "IMAGE_TAG: 1.0.0 # of an image", "+      IMAGE_TAG: 1.1.0 # of an image"},
	{"substituteFrom a ConfigMap", kinds, "FILE_CHART: 1.0.0", "+  FILE_CHART: 1.1.0"},
	{"substituteFrom a Secret", laidOut + "cluster-variables.txtar", "kind: Secret", "is not in sight"},
	{"a Flux Kustomization of another source", laidOut + "flux-kustomization-files.txtar", "kind: Kustomization", "names no directory below the root"},
	// Workloads.
	{"Deployment", kinds, "kind: Deployment\nmetadata: {name: deployment}", "deployment: dev → stg"},
	{"StatefulSet", kinds, "kind: StatefulSet", "stateful-set: dev → stg"},
	{"DaemonSet", kinds, "kind: DaemonSet", "daemon-set: dev → stg"},
	{"Job", kinds, "kind: Job\nmetadata: {name: job}", "\njob: dev → stg"},
	{"CronJob", kinds, "kind: CronJob", "cron-job: dev → stg"},
	{"Pod", kinds, "kind: Pod", "pod: dev → stg"},
	{"Knative Service", kinds, "serving.knative.dev/v1", "knative: dev → stg"},
	{"Argo Rollout", kinds, "argoproj.io/v1alpha1", "rollout: dev → stg"},
	{"initContainers and volumes", here + "schemas.txtar", "image: {reference: \"r/model:1.0.0\"}", "image r/model = "},
	{"objects inside of lists", here + "lists.txtar", "kind: List", "items[2].items[0].spec.containers[0].image"},
	{"fields of custom resources by policy", here + "fields.txtar", "kind: Model", "in overlay"},
	{"an image that the policy does not name", here + "fields.txtar", "serverImage", "has an image at spec.predictor.serverImage that is not looked at"},
	{"an image without a tag", here + "notices.txtar", "image: r/none}", "image r/none has neither tag nor digest"},
	{"a tag that moves", here + "notices.txtar", "newTag: latest", "image r/moving has latest"},
	{"an image that is a variable", here + "notices.txtar", "image: \"${IMAGE}\"", "is a variable as a whole"},
	// Markers, and what moves together.
	{"$imagepolicy markers", here + "owned.txtar", "$imagepolicy", ", of "},
	{"$imagepolicy markers, not written", planned + "owned.txtar", "$imagepolicy", "belongs to Flux's image automation"},
	{"chart version coupled with values", planned + "couple.txtar", "couple: [chart, values.schema", "which the policy couples with other versions"},
	{"remote ref coupled with an image", planned + "couple.txtar", "couple: [remote, image]", "pair in stg: "},
	{"versions that only one side has", offline + "notices.txtar", "example.org/once:1.0.0", "nothing is ever promoted to it"},
	// Layouts.
	{"directory per cluster and app", kinds, "layout: [\"clusters/{cluster}/apps/{app}\"]", "clusters/stg-1/apps/deployment/objects.yaml:4"},
	{"directory per environment", laidOut + "environment-directories.txtar", "/overlays/{env}", "in base"},
	{"file per environment", laidOut + "environment-files.txtar", "/{env}.yaml", "with content"},
	{"one file of variables per cluster", laidOut + "cluster-variables.txtar", "substituteFrom", "data."},
	{"a Flux Kustomization per app", laidOut + "flux-kustomization-files.txtar", "clusters/{cluster}/{app}.yaml", "with content"},
	{"fields that the policy names and nothing has", laidOut + "fields.txtar", "kind: Other", "Other"},
	{"a directory that is no overlay", here + "notices.txtar", "kind: Deployment", "clusters/d1/apps/bare:0:0: the directory has no kustomization.yaml"},
	// Apps that are not in both environments.
	{"app missing in the target", offline + "states.txtar", "example.org/missing", "stg has no overlay for it; add one"},
	{"app removed from the source", offline + "states.txtar", "example.org/removed", "dev has no overlay for it"},
	{"app renamed", offline + "states.txtar", "example.org/renamed", "if the app was renamed"},
	{"app present twice", offline + "states.txtar", "example.org/twice", "the app stands twice in this cluster"},
	{"app in some clusters", offline + "states.txtar", "example.org/some", "only some clusters of stg have an overlay"},
	{"app with one bad file", offline + "states.txtar", "newTag: 1.0.0\n-- ", "not YAML"},
	{"a base's version, overridden by a line", here + "overrides.txtar", "resources: [release.yaml, sources.yaml", "override d1 9.9.9@sha256:"},
	{"a base's version, out of reach", here + "overrides-refused.txtar", "resources: [release.yaml, more.yaml]", "override d1 9.9.9"},
	{"a base's version that Flux repeats", here + "flux-again.txtar", "components: [../../../components/c", "sets it after all that the overlay says"},
	{"a place that others use as well", here + "shared.txtar", "data: {agent: \"is ${AGENT}", "apps.yaml:10:14 among [canary in stg label in stg web in stg]"},
	{"a variable of two apps", planned + "shared.txtar", "substitute: {STACK: 1.0.0", "which serves api in stg as well"},
	{"an overlay on which another environment's builds", planned + "shared-files.txtar", "resources: [../stg]", "which serves web in prd as well"},
	{"app that comes from a base", offline + "added.txtar", "resources:", "(new entry)"},
	{"a base that passes gates by", planned + "bypass.txtar", "bases/", "past the gates"},
	// Bytes.
	{"carriage returns", here + "bytes.txtar", "# Windows", "set d1 1e3: clusters/d1/apps/crlf/kustomization.yaml"},
	{"byte order mark", here + "bytes.txtar", "name: bom", "set d1 1e3: clusters/d1/apps/bom/release.yaml"},
	{"tabs in comments", here + "bytes.txtar", "newTag: 2.0.0\t# behind a tab", "newTag: \"1.10\"\t# behind a tab"},
	{"non-ASCII", here + "bytes.txtar", "# über", "image: r/web:1.10 # über"},
	{"flow style", here + "bytes.txtar", "{name: r/side, newTag: '2.0.0'},   # why", "{name: r/side, newTag: '1.10'},   # why"},
	{"anchors without aliases", here + "bytes.txtar", "&n r/third", "&n r/third"},
	{"several documents", edits + "layout.txtar", "documents/in", "documents/want"},
	{"YAML in strings", here + "bytes.txtar", "- patch: |\n    apiVersion", "r/side:1.10"},
	{"text that would be 1.10", here + "bytes.txtar", "version: 2.0.0", "version: \"1.10\""},
	{"text that would be 1e3", here + "bytes.txtar", "version: 2.0.0", "version: \"1e3\""},
	{"text that would be yes", here + "bytes.txtar", "version: 2.0.0", "version: \"yes\""},
	{"a version that is a number already", here + "numbers.txtar", "1.10", "quote it"},
	{"aliases", here + "aliases.txtar", "image: *image", "alias"},
	{"merge keys", here + "aliases.txtar", "<<:", "merge key"},
	{"templates that are no YAML", here + "templates.txtar", "{{- range", "a Helm template is not YAML until it is rendered"},
	{"templates that are YAML", here + "templates.txtar", "\"{{ .Values.version }}\"", "a template would fill in"},
}

// TestEverythingHasACase requires that each row's case is there and still shows
// it.
func TestEverythingHasACase(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range audit {
		if seen[r.what] {
			t.Errorf("%s: there are two rows", r.what)
		}
		seen[r.what] = true
		given, shown := halves(t, r.archive)
		if !strings.Contains(given, r.given) {
			t.Errorf("%s: nothing in %s holds %q", r.what, r.archive, r.given)
		}
		if !strings.Contains(shown, r.shown) {
			t.Errorf("%s: nothing that %s expects holds %q", r.what, r.archive, r.shown)
		}
	}
}

// TestEveryCaseIsInTheTable requires that no archive of this package is forgotten.
func TestEveryCaseIsInTheTable(t *testing.T) {
	unlisted := []string{ // further cases of what rows name
		"components.txtar", "fields-refused.txtar", "flux.txtar", "helm-layers.txtar", "helm-values.txtar", "helmrelease.txtar",
		"images-forms.txtar", "images.txtar", "couple.txtar", "patches-json.txtar", "patches-strategic.txtar", "refused.txtar",
		"workloads.txtar", "twice.txtar",
	}
	for _, pattern := range []string{here + "*.txtar", laidOut + "*.txtar"} {
		archives, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range archives {
			listed := slices.ContainsFunc(audit, func(r row) bool { return r.archive == name })
			if !listed && !slices.Contains(unlisted, filepath.Base(name)) {
				t.Errorf("no row names %s", name)
			}
		}
	}
}

// halves are what an archive gives and what it expects, with the names of the
// files.
func halves(t *testing.T, name string) (given, shown string) {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	a := txtar.Parse(src)
	for _, f := range a.Files {
		text := "-- " + f.Name + " --\n" + string(f.Data)
		if isExpected(f.Name) {
			shown += text
			continue
		}
		given += text
	}
	return given, shown
}

func isExpected(name string) bool {
	word, _, _ := strings.Cut(name, " ")
	return isGolden(name) || word == "plan" || strings.HasSuffix(name, ".txt") || strings.HasSuffix(name, ".diff") || strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, "repo/") ||
		strings.HasSuffix(name, "/want") || strings.HasSuffix(name, "/error")
}
