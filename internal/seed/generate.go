package seed

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"text/template"

	"github.com/sluice-gitops/sluice/internal/core"
)

// templates are the files of generated apps: a directory for each style, in it
// base and overlay. They end in .tmpl because they are not YAML yet.
//
//go:embed templates
var templates embed.FS

// app is a generated application, and what its templates see.
type app struct {
	Name     string
	Style    string
	Version  string // of podinfo: its chart and its image are released together
	Cache    string // of the sidecar, if the style has one
	Replicas int    // the one thing that differs between the clusters, and is no pin
}

// styles are the ways in which real monorepos pin a version, each a directory
// of templates.
func styles() []string { return []string{"helm-patch", "images", "helm-overlay", "sidecar"} }

// generate draws n apps. Each app takes the same number of draws, so that the
// first apps of a longer list are the shorter list.
func generate(n int, seed int64) []app {
	rnd := rand.New(rand.NewPCG(uint64(seed), 0))
	names := names(rnd)
	apps := make([]app, n)
	for i := range apps {
		apps[i] = app{
			Name:    nameAt(names, i),
			Style:   styles()[i%len(styles())],
			Version: pick(rnd, "6.5.4", "6.6.0", "6.6.1", "6.6.2", "6.7.0", "6.7.1"),
			Cache:   pick(rnd, "7.2.5", "7.4.0", "7.4.1"),
		}
	}
	return apps
}

// names returns every combination of a kind of workload and a subject, shuffled.
func names(rnd *rand.Rand) []string {
	var all []string
	for _, kind := range []string{"batch", "embedding", "eval", "feature", "finetune", "guardrail", "inference", "rerank"} {
		for _, subject := range []string{"claims", "contracts", "fraud", "images", "invoices", "mail", "pricing", "search", "speech", "support", "tables", "translation"} {
			all = append(all, kind+"-"+subject)
		}
	}
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// nameAt goes through the names again, with a number, once they are used up.
func nameAt(names []string, i int) string {
	name, round := names[i%len(names)], i/len(names)
	if round == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, round+1)
}

// pick draws one of several versions, all of which have been released.
func pick(rnd *rand.Rand, choices ...string) string { return choices[rnd.IntN(len(choices))] }

// grow adds apps to every cluster. None at all leaves the reference monorepo
// byte for byte as it is.
func (f Files) grow(apps []app) error {
	if len(apps) == 0 {
		return nil
	}
	rendered, err := parse()
	if err != nil {
		return err
	}
	names := make([]string, len(apps))
	for i, a := range apps {
		names[i] = a.Name
		if err := f.render(rendered, a, "base", baseDir(a.Name)); err != nil {
			return err
		}
	}
	for replicas, cluster := range clusters() {
		if err := f.growCluster(rendered, cluster, replicas+1, apps, names); err != nil {
			return err
		}
	}
	return nil
}

// growCluster adds the overlays of all apps to one cluster, the chart repository
// that they need, and both to the lists through which Flux finds them.
func (f Files) growCluster(t *template.Template, cluster string, replicas int, apps []app, names []string) error {
	for _, a := range apps {
		a.Replicas = replicas
		if err := f.render(t, a, "overlay", overlayDir(cluster, a.Name)); err != nil {
			return err
		}
	}
	repositories := path.Join(root, "clusters", cluster, "infrastructure/helm-repositories")
	if err := f.execute(t, "podinfo.yaml.tmpl", app{}, path.Join(repositories, "podinfo.yaml")); err != nil {
		return err
	}
	if err := f.editResources(repositories, with("podinfo.yaml")); err != nil {
		return err
	}
	return f.editResources(appsDir(cluster), with(names...))
}

// render executes the templates of one layer of an app's style into a
// directory. A style may have none for a layer: not every app has a base.
func (f Files) render(t *template.Template, a app, layer, dir string) error {
	prefix := path.Join(a.Style, layer) + "/"
	for _, each := range t.Templates() {
		file, ok := strings.CutPrefix(each.Name(), prefix)
		if !ok {
			continue
		}
		if err := f.execute(t, each.Name(), a, path.Join(dir, strings.TrimSuffix(file, ".tmpl"))); err != nil {
			return err
		}
	}
	return nil
}

// execute writes one template's result as the file to.
func (f Files) execute(t *template.Template, name string, a app, to string) error {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, a); err != nil {
		return core.Errorf(core.Internal, "render %s for %q: %w", name, a.Name, err)
	}
	f[to] = out.Bytes()
	return nil
}

// parse reads all templates, each named by its path below the directory
// templates; template.ParseFS would keep only the last part of it.
func parse() (*template.Template, error) {
	all := template.New("")
	err := fs.WalkDir(templates, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templates.ReadFile(name)
		if err != nil {
			return err
		}
		_, err = all.New(strings.TrimPrefix(name, "templates/")).Parse(string(text))
		return err
	})
	if err != nil {
		return nil, core.Errorf(core.Internal, "parse the templates of generated apps: %w", err)
	}
	return all, nil
}
