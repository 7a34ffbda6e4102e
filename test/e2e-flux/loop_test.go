package e2eflux

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kustomizations = schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}
	receivers      = schema.GroupVersionKind{Group: "notification.toolkit.fluxcd.io", Version: "v1", Kind: "Receiver"}
)

// scene is the whole of it: a forge, three clusters with their nodes, Sluice.
type scene struct {
	*forge
	clusters map[string]*cluster // by environment
	nodes    map[string]*nodes
	shared   map[string]secrets
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := newStage(t)
	sc := &scene{forge: s.startForge(), clusters: map[string]*cluster{}, nodes: map[string]*nodes{}, shared: map[string]secrets{}}
	a, etcd := s.newAuthority(), s.startEtcd()
	var all []*cluster
	for _, env := range []string{"dev", "stg", "prd"} {
		c := s.startAPI(a, etcd, "platform-core-"+env+"-aks", env)
		sc.clusters[env], all = c, append(all, c)
		sc.shared[c.name] = secrets{receiver: rand.Text(), events: rand.Text()}
	}
	crds := definitions(t, "source-controller", "github.com/fluxcd/source-controller")
	crds = append(crds, definitions(t, "kustomize-controller", "github.com/fluxcd/kustomize-controller")...)
	crds = append(crds, definitions(t, "notification-controller", "github.com/fluxcd/notification-controller")...)
	crds = append(crds, definitions(t, "helm-controller", "github.com/fluxcd/helm-controller")...)
	for _, c := range all {
		c.ready()
		c.define(crds)
		c.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system}")
		c.startFlux()
		sc.nodes[c.env] = c.startNodes()
	}
	hooks := sc.startSluice(all, sc.shared)
	for _, c := range all {
		c.apply(sc.manifests(c, hooks))
	}
	return sc
}

// manifests are what a person gives a cluster to connect it.
func (sc *scene) manifests(c *cluster, hooks string) string {
	sc.Helper()
	var out strings.Builder
	s := sc.shared[c.name]
	err := template.Must(template.ParseFiles("testdata/flux.yaml.tmpl")).Execute(&out, map[string]string{
		"GitToken": sc.bot.Reveal(), "ReceiverToken": s.receiver, "EventKey": s.events, "Hooks": hooks, "Cluster": c.name, "Env": c.env, "GitLab": sc.url,
	})
	if err != nil {
		sc.Fatal(err)
	}
	return out.String()
}

// settled waits until every Kustomization of a cluster is ready.
func (c *cluster) settled() {
	c.Helper()
	for _, name := range []string{"infra-namespaces", "apps"} {
		c.eventually(fmt.Sprintf("%s: Kustomization %s is ready", c.name, name), 2*time.Minute, func(ctx context.Context) error {
			o, err := c.get(ctx, kustomizations, "flux-system", name)
			if err != nil {
				return err
			}
			g := conditions.UnstructuredGetter(o)
			if !conditions.IsReady(g) {
				return fmt.Errorf("%s: %s", conditions.GetReason(g, "Ready"), conditions.GetMessage(g, "Ready"))
			}
			return nil
		})
	}
	c.eventually(c.name+": the Receiver is ready", time.Minute, func(ctx context.Context) error {
		o, err := c.get(ctx, receivers, "flux-system", "sluice")
		if err == nil && !conditions.IsReady(conditions.UnstructuredGetter(o)) {
			err = errNotThereYet
		}
		return err
	})
}

// runs waits until the cluster's API server has the app in a version.
func (c *cluster) runs(tag string, patience time.Duration) {
	c.Helper()
	c.eventually(fmt.Sprintf("%s runs %s", c.name, tag), patience, func(ctx context.Context) error {
		o, err := c.get(ctx, deployments, "ai-platform", "model-registry")
		if err != nil {
			return err
		}
		if image := imageOf(o); !strings.HasSuffix(image, ":"+tag) {
			return errors.New("it runs " + image)
		}
		return nil
	})
}

func imageOf(o *unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if len(containers) == 0 {
		return ""
	}
	first, _ := containers[0].(map[string]any)
	image, _ := first["image"].(string)
	return image
}

// The clusters' sources look at Git once an hour, so nothing but Sluice's calls
// of real Receivers can bring a version there, and nothing but real reports
// opens the gates.
func TestAVersionReachesTheAPIServersOfPrd(t *testing.T) {
	sc := newScene(t)
	for _, tool := range programs {
		t.Logf("%s %s", tool, version(t, tool))
	}
	for _, env := range []string{"dev", "stg", "prd"} {
		sc.clusters[env].settled()
	}
	sc.answers(t)
	sc.clusters["prd"].judged(t)
	sc.release("v2.99.0")
	for _, env := range []string{"dev", "stg", "prd"} {
		sc.clusters[env].runs("v2.99.0", 2*time.Minute)
	}
	sc.fails(t)
}

// fails releases a version of which stg's pods do not come up: prd must not get
// it before they do, and the merge request must say why.
func (sc *scene) fails(t *testing.T) {
	t.Helper()
	sc.nodes["stg"].broken.Store(true)
	sc.release("v2.100.0")
	sc.clusters["stg"].runs("v2.100.0", 2*time.Minute)
	sc.eventually("prd's merge request says what failed in stg", 3*time.Minute, func(ctx context.Context) error {
		state, text, err := sc.notes(ctx, "sluice/prd/model-registry")
		switch {
		case err != nil:
			return err
		case state != "opened":
			return fmt.Errorf("the newest merge request is %s", state)
		case !strings.Contains(text, "HealthCheckFailed") || !strings.Contains(text, "model-registry"):
			return errors.New("it says " + text)
		}
		return nil
	})
	sc.clusters["stg"].judged(t)
	if got := sc.file(fmt.Sprintf(registry, "prd")); strings.Contains(got, "v2.100.0") {
		t.Fatalf("prd got what failed in stg:\n%s", got)
	}
	sc.nodes["stg"].broken.Store(false)
	sc.clusters["prd"].runs("v2.100.0", 2*time.Minute)
}
