package overlay_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomPolicy is the policy of random monorepos.
const randomPolicy = `version: 1
layout:
  - clusters/{cluster}/apps/{app}
  - solo/{app}/{env}.yaml
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1, s2]}
`

// The marks around what kustomize is not asked to render, since it would fetch.
const fetchBegin, fetchEnd = "# fetched from here\n", "# fetched to here\n"

// randomMonorepo makes an app with one overlay that kustomize alone can build.
func randomMonorepo(rnd *rand.Rand) map[string]string {
	g := &generator{files: map[string]string{}, form: rnd, values: rnd, major: 1, plain: true}
	g.api = g.anAPI()
	g.bases()
	g.components()
	g.overlay("clusters/d1/apps/app", "d1")
	return g.files
}

// randomEnvironments makes an app with bases, components and an overlay in each of
// three clusters, and one with a file for each environment, in which versions
// are written and overridden in every way that is understood. The overlays of
// an app mostly have one form, and dev has the newer versions.
func randomEnvironments(seed uint64) map[string]string {
	g := &generator{files: map[string]string{}, form: rand.New(rand.NewPCG(seed, 1)), values: rand.New(rand.NewPCG(seed, 2)), major: 1}
	g.flux, g.api = g.chance(0.4), g.anAPI()
	g.bases()
	g.components()
	shape := g.form.Uint64()
	for i, cluster := range []string{"d1", "s1", "s2"} {
		g.form = rand.New(rand.NewPCG(shape, 3))
		if g.values.IntN(8) == 0 {
			g.form = rand.New(rand.NewPCG(seed, uint64(10+i))) // a form of its own
		}
		g.major = 1
		if cluster == "d1" {
			g.major = 4
		}
		g.overlay("clusters/"+cluster+"/apps/app", cluster)
		g.cluster("clusters/" + cluster)
	}
	for env, major := range map[string]int{"dev": 4, "stg": 1} {
		g.form = rand.New(rand.NewPCG(shape, 4))
		g.values, g.major, g.flux = rand.New(rand.NewPCG(seed, uint64(20+major))), major, false
		g.files["solo/one/"+env+".yaml"] = g.objects()
	}
	return g.files
}

// generator decides about the form of files and about versions apart, so that
// two overlays can have one form and different versions.
type generator struct {
	form, values *rand.Rand
	major        int    // of the versions
	flux         bool   // the clusters have Flux Kustomizations
	plain        bool   // nothing is fetched
	api          string // of HelmReleases
	added        int    // containers
	files        map[string]string
}

func (g *generator) chance(p float64) bool { return g.form.Float64() < p }

func (g *generator) anAPI() string {
	return "helm.toolkit.fluxcd.io/" + g.pick("v2", "v2", "v2beta2", "v2beta1")
}

func (g *generator) pick(of ...string) string { return of[g.form.IntN(len(of))] }

func (g *generator) version() string {
	return fmt.Sprintf("%d.%d.%d", g.values.IntN(3)+g.major, g.values.IntN(20), g.values.IntN(20))
}

// maybe is a version, or a variable of the Flux Kustomization that has one.
func (g *generator) maybe() string {
	v := g.version()
	if g.flux && g.chance(0.15) {
		return g.pick("${V_ONE}", "${V_TWO}", "${V_MAP}", "${V_ONE:=0.0.1}")
	}
	return v
}

func (g *generator) digest() string {
	return "sha256:" + strings.Repeat(fmt.Sprintf("%08x", g.values.Uint32()), 8)
}

// quoted is a scalar in one of the styles that YAML has.
func (g *generator) quoted(text string) string {
	return g.pick(`"`+text+`"`, `'`+text+`'`, `"`+text+`"`)
}

func (g *generator) bases() {
	resources := "resources:\n- objects.yaml\n"
	if g.chance(0.3) {
		resources += "- ../common\n"
		g.files["bases/common/kustomization.yaml"] = "resources: [shared.yaml]\n" + g.images(0.4) + g.names()
		g.files["bases/common/shared.yaml"] = g.workload("side")
	}
	g.files["bases/app/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + resources + g.images(0.3) + g.names()
	g.files["bases/app/objects.yaml"] = g.objects()
}

func (g *generator) components() {
	for _, name := range []string{"c", "e"} {
		dir := "components/" + name
		g.files[dir+"/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {a: b}\n" + g.images(0.7) + g.patches(dir, 2)
	}
}

// overlay writes a kustomization with all that it may have.
func (g *generator) overlay(dir, cluster string) {
	var b strings.Builder
	b.WriteString("resources:\n")
	if g.chance(0.3) {
		g.files[dir+"/own.yaml"] = g.workload("own")
		b.WriteString("- own.yaml\n")
	}
	b.WriteString("- ../../../../bases/app\n")
	if !g.plain && g.chance(0.15) {
		fmt.Fprintf(&b, "%s- https://example.org/%s//deploy?ref=v%s\n%s", fetchBegin, cluster[:1], g.version(), fetchEnd)
	}
	switch g.form.IntN(5) {
	case 0:
		b.WriteString("components:\n- ../../../../components/c\n")
	case 1:
		b.WriteString("components:\n- ../../../../components/e\n- ../../../../components/c\n")
	}
	b.WriteString(g.patches(dir, 4) + g.oldPatches(dir))
	b.WriteString(g.images(0.6))
	if g.chance(0.2) {
		b.WriteString(g.names())
	}
	if !g.plain && g.chance(0.1) {
		fmt.Fprintf(&b, "%shelmCharts:\n- name: extra\n  repo: https://example.org\n  version: %s\n%s", fetchBegin, g.quoted(g.version()), fetchEnd)
	}
	g.files[dir+"/kustomization.yaml"] = b.String()
}

// cluster writes the Flux Kustomization of all overlays of a cluster.
func (g *generator) cluster(dir string) {
	if !g.flux {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./%s/apps\n", dir)
	b.WriteString(indentBy("  ", g.images(0.3)))
	if g.chance(0.3) {
		b.WriteString("  patches:\n  - target: {kind: HelmRelease}\n    patch: |\n" + indentBy("      ", g.operations()))
	}
	if g.chance(0.2) {
		b.WriteString("  components:\n  - ../../../components/c\n")
	}
	if g.chance(0.2) {
		b.WriteString("  namePrefix: flux-\n")
	}
	fmt.Fprintf(&b, "  postBuild:\n    substitute:\n      V_ONE: %s\n      V_TWO: %s\n", g.quoted(g.version()), g.quoted(g.version()))
	b.WriteString("    substituteFrom:\n    - kind: ConfigMap\n      name: versions\n")
	g.files[dir+"/flux-system/apps.yaml"] = b.String()
	g.files[dir+"/flux-system/versions.yaml"] = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions, namespace: flux-system}\ndata:\n  V_MAP: %s # of %s\n  V_ONE: not this\n", g.quoted(g.version()), dir)
}

// names renames the objects of a kustomization, which patches above still find.
func (g *generator) names() string {
	return g.pick("", "", "namePrefix: team-\n", "nameSuffix: -v1\n", "namespace: apps\n", "namePrefix: a-\nnameSuffix: -z\nnamespace: other\n")
}

func (g *generator) objects() string {
	docs := []string{g.deployment("web", 1+g.form.IntN(3)), g.release("web"), g.repository("web")}
	for _, name := range []string{"worker", "batch"} {
		if g.chance(0.5) {
			docs = append(docs, g.workload(name))
		}
	}
	if g.chance(0.5) {
		docs = append(docs, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
	}
	if g.chance(0.3) {
		docs = append(docs, g.git("config"))
	}
	if g.chance(0.3) {
		docs = append(docs, fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: chart}\nspec: {chart: x, version: %s}\n", g.quoted(g.maybe())))
	}
	return strings.Join(docs, "---\n")
}

// ref is an image reference of one of a few images.
func (g *generator) ref(image string) string {
	digest := g.digest()
	switch g.form.IntN(12) {
	case 0:
		return image + "@" + digest
	case 1, 2:
		return image + ":" + g.version() + "@" + digest
	default:
		return image + ":" + g.maybe()
	}
}

func (g *generator) deployment(name string, containers int) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  template:\n    spec:\n%s", name, indentBy("      ", g.pod(name, containers)))
}

// pod is what a pod template specifies.
func (g *generator) pod(name string, containers int) string {
	var b strings.Builder
	if g.chance(0.3) {
		fmt.Fprintf(&b, "initContainers:\n- name: init\n  image: %s\n", g.ref("registry:5000/init-"+name))
	}
	b.WriteString("containers:\n")
	for i := range containers {
		fmt.Fprintf(&b, "- name: c%d\n  image: %s # of %s\n  env: [{name: A, value: \"1\"}]\n", i, g.ref(fmt.Sprintf("img%d", i)), name)
	}
	return b.String()
}

// workload is an object with containers of one of the kinds that there are.
func (g *generator) workload(name string) string {
	head := func(api, kind string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\nspec:\n", api, kind, name)
	}
	pod := g.pod(name, 1+g.form.IntN(2))
	template := "  template:\n    spec:\n" + indentBy("      ", pod)
	switch g.form.IntN(8) {
	case 0:
		return head("apps/v1", "StatefulSet") + template
	case 1:
		return head("apps/v1", "DaemonSet") + template
	case 2:
		return head("batch/v1", "Job") + template
	case 3:
		return head("batch/v1", "CronJob") + "  jobTemplate:\n    spec:\n" + indentBy("    ", template)
	case 4:
		return head("v1", "Pod") + indentBy("  ", pod)
	case 5:
		return head("serving.knative.dev/v1", "Service") + template
	case 6:
		return head("argoproj.io/v1alpha1", "Rollout") + template
	default:
		return head("apps/v1", "Deployment") + template
	}
}

func (g *generator) release(name string) string {
	return fmt.Sprintf(`apiVersion: %s
kind: HelmRelease
metadata:
  name: %s
spec:
  chart:
    spec: {chart: web, version: %q}
  values:
    image:
      repository: r/web
      tag: %q
    sidecars:
    - name: a
      image: {repository: r/a, tag: %q, digest: ""}
    plain:
      image: %s
    controller: {image: {registry: r.example.org, repository: ingress, tag: %q, digest: %q}}
    whole: {toolImage: %s}
    extra:
    - image: r/x
      tag: %q
    - repository: r/y
      tag: %q
`, g.api, name, g.maybe(), g.maybe(), g.version(), g.ref("r/plain"), g.version(), g.digest(), g.ref("r/tool"), g.version(), g.version())
}

func (g *generator) repository(name string) string {
	tag, digest := g.maybe(), g.digest()
	ref := g.pick("{tag: "+tag+"}", "{tag: "+tag+"}", "{tag: "+tag+", digest: \""+digest+"\"}", "{semver: "+tag+"}")
	if strings.HasPrefix(tag, "$") {
		ref = "{tag: \"" + tag + "\"}"
	}
	return fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: %s}\nspec:\n  url: oci://r/web\n  ref: %s\n", name, ref)
}

func (g *generator) git(name string) string {
	v := g.version()
	return fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: %s}\nspec:\n  url: https://example.org\n  ref:\n    %s\n",
		name, g.pick("tag: v"+v, "{branch: main, tag: v"+v+"}", "branch: main", "semver: "+v, "name: refs/tags/v"+v))
}

func (g *generator) images(p float64) string {
	if !g.chance(p) {
		return ""
	}
	var b strings.Builder
	b.WriteString("images:\n")
	for _, name := range []string{"img0", "img1", "registry:5000/init-web", "unused"} {
		if g.chance(0.4) {
			continue
		}
		fmt.Fprintf(&b, "- name: %s\n", name)
		version, digest := g.version(), g.digest()
		switch g.form.IntN(12) {
		case 8, 9:
			fmt.Fprintf(&b, "  newName: mirror/%s\n", strings.TrimPrefix(name, "registry:5000/"))
		case 10, 11:
			fmt.Fprintf(&b, "  newName: mirror/%s\n  newTag: %q\n", g.pick("a", "b"), version)
		case 0:
			fmt.Fprintf(&b, "  digest: %s\n", digest)
		case 1, 2:
			fmt.Fprintf(&b, "  newTag: %q\n  digest: %s\n", version, digest)
		case 3, 4:
			fmt.Fprintf(&b, "  newTag: %s@%s\n", version, digest)
		default:
			fmt.Fprintf(&b, "  newTag: '%s'\n", version)
		}
	}
	if b.Len() == len("images:\n") {
		return ""
	}
	return b.String()
}

// patches writes up to n patches, each in one of the ways that there are.
func (g *generator) patches(dir string, n int) string {
	var list []string
	for i := range g.form.IntN(n + 1) {
		file := fmt.Sprintf("patch-%d.yaml", i)
		switch g.form.IntN(7) {
		case 0:
			g.files[dir+"/"+file] = g.merge()
			list = append(list, "- path: "+file+"\n")
		case 1:
			list = append(list, "- patch: |\n"+indentBy("    ", g.merge()))
		case 2:
			g.files[dir+"/"+file] = g.operations()
			list = append(list, "- path: "+file+"\n  target: {kind: HelmRelease, name: .*}\n")
		case 3:
			list = append(list, "- target: {group: helm.toolkit.fluxcd.io, kind: HelmRelease}\n  patch: |-\n"+indentBy("    ", g.operations()))
		case 4:
			list = append(list, "- target: {kind: Deployment, name: web}\n  patch: |-\n"+indentBy("    ", g.containerOperations()))
		case 5:
			g.files[dir+"/"+file] = g.merge() + "---\n" + g.merge()
			list = append(list, "- path: "+file+"\n")
		default:
			list = append(list, fmt.Sprintf("- target: {kind: HelmChart}\n  patch: |\n    apiVersion: x\n    kind: y\n    metadata: {name: z}\n    spec: {version: %q}\n", g.version()))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "patches:\n" + strings.Join(list, "")
}

// oldPatches writes patches in the fields that they once had of their own.
func (g *generator) oldPatches(dir string) string {
	out := ""
	if g.chance(0.15) {
		g.files[dir+"/strategic.yaml"] = g.merge()
		out += "patchesStrategicMerge:\n- strategic.yaml\n- |-\n" + indentBy("  ", g.merge())
	}
	if g.chance(0.15) {
		g.files[dir+"/json.yaml"] = g.operations()
		out += "patchesJson6902:\n- target: {group: helm.toolkit.fluxcd.io, version: v2.*, kind: HelmRelease, name: .*web.*}\n  path: json.yaml\n"
	}
	return out
}

func indentBy(by, s string) string {
	if s == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n"+by) + "\n"
}

// merge is a partial object, as overlays patch them.
func (g *generator) merge() string {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n"
	switch g.form.IntN(6) {
	case 0:
		return fmt.Sprintf("%s  template:\n    spec:\n      containers:\n      - name: c0\n        image: %s\n", deployment, g.ref("img0"))
	case 1:
		return fmt.Sprintf("%s  template:\n    spec:\n      containers:\n      - {name: added, image: \"%s\"}\n", deployment, g.ref("added"))
	case 2:
		return fmt.Sprintf("%s  template:\n    spec:\n      initContainers: null\n", deployment)
	case 3:
		return fmt.Sprintf("apiVersion: %s\nkind: HelmRelease\nmetadata:\n  name: web\nspec:\n  chart:\n    spec:\n      version: %q # by hand\n  values:\n    image:\n      tag: '%s'\n", g.api, g.maybe(), g.version())
	case 4:
		return fmt.Sprintf("apiVersion: %s\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n  values:\n    sidecars:\n    - name: b\n      image: {repository: r/b, tag: %q}\n    plain: null\n", g.api, g.version())
	default:
		return deployment + "  replicas: 3\n"
	}
}

func (g *generator) operations() string {
	ops := []string{
		fmt.Sprintf("- op: replace\n  path: /spec/chart/spec/version\n  value: %q\n", g.maybe()),
		fmt.Sprintf("- {op: add, path: /spec/values/image/tag, value: %q}\n", g.version()),
		fmt.Sprintf("- op: add\n  path: /spec/values/extraImage\n  value:\n    repository: r/x\n    tag: %q\n", g.version()),
		"- op: add\n  path: /spec/suspend\n  value: true\n",
		fmt.Sprintf("- op: replace\n  path: /spec/values/sidecars/0/image/tag\n  value: %q\n", g.version()),
		"- {op: copy, from: /spec/values/image, path: /spec/values/copied}\n",
		"- {op: test, path: /spec/chart/spec/chart, value: web}\n",
		fmt.Sprintf("- op: add\n  path: /spec/values/extra/-\n  value: {repository: r/z, tag: %q}\n", g.version()),
	}
	g.form.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return strings.Join(ops[:1+g.form.IntN(len(ops))], "")
}

func (g *generator) containerOperations() string {
	g.added++
	const containers = "/spec/template/spec/containers"
	return g.pick(
		fmt.Sprintf("- {op: replace, path: %s/0/image, value: \"%s\"}\n", containers, g.ref("img0")),
		fmt.Sprintf("- op: add\n  path: %s/-\n  value: {name: last%d, image: \"%s\"}\n", containers, g.added, g.ref("last")),
		fmt.Sprintf("- op: add\n  path: %s/0\n  value:\n    name: first%d\n    image: \"%s\"\n", containers, g.added, g.ref("first")),
	)
}
