package overlay_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomMonorepo makes one app with a base, a component and an overlay, in
// which versions are written and overridden in every way that is understood.
func randomMonorepo(rnd *rand.Rand) map[string]string {
	g := &generator{rnd: rnd, files: map[string]string{}}
	g.files["bases/app/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- objects.yaml\n" + g.images(0.3) + g.names()
	g.files["bases/app/objects.yaml"] = g.objects()
	top := "resources:\n- ../../../../bases/app\n"
	if g.chance(0.3) {
		g.files["components/c/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {a: b}\n" + g.images(0.7) + g.patches("components/c", 1)
		top += "components:\n- ../../../../components/c\n"
	}
	if g.chance(0.3) {
		g.files["clusters/d1/apps/app/own.yaml"] = g.deployment("own", 1)
		top = strings.Replace(top, "resources:\n", "resources:\n- own.yaml\n", 1)
	}
	g.files["clusters/d1/apps/app/kustomization.yaml"] = top + g.patches("clusters/d1/apps/app", 3) + g.images(0.6)
	return g.files
}

type generator struct {
	rnd   *rand.Rand
	files map[string]string
}

func (g *generator) chance(p float64) bool { return g.rnd.Float64() < p }

func (g *generator) pick(of ...string) string { return of[g.rnd.IntN(len(of))] }

func (g *generator) version() string {
	return fmt.Sprintf("%d.%d.%d", g.rnd.IntN(3)+1, g.rnd.IntN(20), g.rnd.IntN(20))
}

func (g *generator) digest() string {
	return "sha256:" + strings.Repeat(fmt.Sprintf("%08x", g.rnd.Uint32()), 8)
}

// names renames the objects of a base, which patches above still find.
func (g *generator) names() string {
	return g.pick("", "", "namePrefix: team-\n", "nameSuffix: -v1\n", "namespace: apps\n")
}

func (g *generator) objects() string {
	docs := []string{g.deployment("web", 1+g.rnd.IntN(3)), g.release("web"), g.repository("web")}
	if g.chance(0.5) {
		docs = append(docs, g.deployment("worker", 1), "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n")
	}
	return strings.Join(docs, "---\n")
}

// ref is an image reference of one of a few images.
func (g *generator) ref(image string) string {
	switch g.rnd.IntN(5) {
	case 0:
		return image + "@" + g.digest()
	case 1:
		return image + ":" + g.version() + "@" + g.digest()
	default:
		return image + ":" + g.version()
	}
}

func (g *generator) deployment(name string, containers int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  template:\n    spec:\n", name)
	if g.chance(0.3) {
		fmt.Fprintf(&b, "      initContainers:\n      - name: init\n        image: %s\n", g.ref("registry:5000/init-"+name))
	}
	b.WriteString("      containers:\n")
	for i := range containers {
		fmt.Fprintf(&b, "      - name: c%d\n        image: %s # of %s\n        env: [{name: A, value: \"1\"}]\n", i, g.ref(fmt.Sprintf("img%d", i)), name)
	}
	return b.String()
}

func (g *generator) release(name string) string {
	return fmt.Sprintf(`apiVersion: helm.toolkit.fluxcd.io/v2
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
`, name, g.version(), g.version(), g.version(), g.ref("r/plain"))
}

func (g *generator) repository(name string) string {
	return fmt.Sprintf("apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: %s}\nspec:\n  url: oci://r/web\n  ref: {tag: %s}\n", name, g.version())
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
		switch g.rnd.IntN(6) {
		case 4:
			fmt.Fprintf(&b, "  newName: mirror/%s\n", strings.TrimPrefix(name, "registry:5000/"))
		case 5:
			fmt.Fprintf(&b, "  newName: mirror/%s\n  newTag: %q\n", g.pick("a", "b"), g.version())
		case 0:
			fmt.Fprintf(&b, "  digest: %s\n", g.digest())
		case 1:
			fmt.Fprintf(&b, "  newTag: %q\n  digest: %s\n", g.version(), g.digest())
		case 2:
			fmt.Fprintf(&b, "  newTag: %s@%s\n", g.version(), g.digest())
		default:
			fmt.Fprintf(&b, "  newTag: '%s'\n", g.version())
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
	for i := range g.rnd.IntN(n + 1) {
		file := fmt.Sprintf("patch-%d.yaml", i)
		switch g.rnd.IntN(5) {
		case 0:
			g.files[dir+"/"+file] = g.merge()
			list = append(list, "- path: "+file+"\n")
		case 1:
			list = append(list, "- patch: |\n"+indent(g.merge()))
		case 2:
			g.files[dir+"/"+file] = g.operations()
			list = append(list, "- path: "+file+"\n  target: {kind: HelmRelease, name: .*}\n")
		case 3:
			list = append(list, "- target: {group: helm.toolkit.fluxcd.io, kind: HelmRelease}\n  patch: |-\n"+indent(g.operations()))
		default:
			list = append(list, fmt.Sprintf("- target: {kind: OCIRepository}\n  patch: |\n    apiVersion: x\n    kind: y\n    metadata: {name: z}\n    spec: {ref: {tag: %q}}\n", g.version()))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "patches:\n" + strings.Join(list, "")
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ") + "\n"
}

// merge is a partial object, as overlays patch them.
func (g *generator) merge() string {
	switch g.rnd.IntN(4) {
	case 0:
		return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: c0\n        image: %s\n", g.ref("img0"))
	case 1:
		return fmt.Sprintf("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: web\nspec:\n  chart:\n    spec:\n      version: %q # by hand\n  values:\n    image:\n      tag: '%s'\n", g.version(), g.version())
	case 2:
		return fmt.Sprintf("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n  values:\n    sidecars:\n    - name: b\n      image: {repository: r/b, tag: %q}\n    plain: null\n", g.version())
	default:
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n"
	}
}

func (g *generator) operations() string {
	ops := []string{
		fmt.Sprintf("- op: replace\n  path: /spec/chart/spec/version\n  value: %q\n", g.version()),
		fmt.Sprintf("- {op: add, path: /spec/values/image/tag, value: %q}\n", g.version()),
		fmt.Sprintf("- op: add\n  path: /spec/values/extraImage\n  value:\n    repository: r/x\n    tag: %q\n", g.version()),
		"- op: add\n  path: /spec/suspend\n  value: true\n",
	}
	g.rnd.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return strings.Join(ops[:1+g.rnd.IntN(len(ops))], "")
}
