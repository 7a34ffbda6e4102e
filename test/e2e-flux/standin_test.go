package e2eflux

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	deployments = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	volumes     = schema.GroupVersionKind{Version: "v1", Kind: "PersistentVolumeClaim"}
	releases    = schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"}
)

// nodes stands in for what a cluster of API servers alone lacks: it reports
// Deployments available, volumes bound and releases installed, for the
// generation that is there. Broken, it reports that a Deployment's new pods do
// not come up.
type nodes struct {
	*cluster
	broken atomic.Bool
	done   chan struct{}
	idle   sync.WaitGroup
}

func (c *cluster) startNodes() *nodes {
	n := &nodes{cluster: c, done: make(chan struct{})}
	n.idle.Go(func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-n.done:
				return
			case <-tick.C:
				n.report()
			}
		}
	})
	c.Cleanup(func() { close(n.done); n.idle.Wait() })
	return n
}

func (n *nodes) report() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n.each(ctx, deployments, n.deployment)
	n.each(ctx, volumes, func(*unstructured.Unstructured) map[string]any { return map[string]any{"phase": "Bound"} })
	n.each(ctx, releases, release)
}

// each sets the status of every object of a kind, where it is another. That an
// object has changed meanwhile is left to the next round.
func (n *nodes) each(ctx context.Context, kind schema.GroupVersionKind, status func(*unstructured.Unstructured) map[string]any) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := n.api.List(ctx, list); err != nil {
		return // no such kind yet
	}
	for i := range list.Items {
		o := &list.Items[i]
		want := status(o)
		if fmt.Sprint(o.Object["status"]) == fmt.Sprint(want) {
			continue
		}
		o.Object["status"] = want
		if err := n.api.Status().Update(ctx, o); err != nil && !apierrors.IsConflict(err) && client.IgnoreNotFound(err) != nil && ctx.Err() == nil {
			n.Logf("%s: the stand-in for nodes cannot report on %s %s: %v", n.name, kind.Kind, o.GetName(), err)
		}
	}
}

const since = "2026-01-01T00:00:00Z"

func condition(kind, status, reason string) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": reason, "lastTransitionTime": since}
}

func (n *nodes) deployment(o *unstructured.Unstructured) map[string]any {
	replicas, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	progressing := condition("Progressing", "True", "NewReplicaSetAvailable")
	out := map[string]any{"observedGeneration": o.GetGeneration(), "replicas": replicas, "updatedReplicas": replicas}
	if n.broken.Load() {
		progressing = condition("Progressing", "False", "ProgressDeadlineExceeded")
		out["unavailableReplicas"] = replicas
	} else {
		out["readyReplicas"], out["availableReplicas"] = replicas, replicas
	}
	delete(progressing, "lastTransitionTime")
	available := condition("Available", map[bool]string{true: "False", false: "True"}[n.broken.Load()], "MinimumReplicas")
	delete(available, "lastTransitionTime")
	out["conditions"] = []any{available, progressing}
	return out
}

func release(o *unstructured.Unstructured) map[string]any {
	ready := condition("Ready", "True", "InstallSucceeded")
	ready["observedGeneration"] = o.GetGeneration()
	return map[string]any{"observedGeneration": o.GetGeneration(), "conditions": []any{ready}}
}
