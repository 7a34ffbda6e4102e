package e2eflux

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-gitops/sluice/internal/adapter/kube"
)

// judged compares what Sluice's reader makes of the objects of a real API server
// with what Flux's own library does.
func (c *cluster) judged(t *testing.T) {
	t.Helper()
	access, err := kube.Load(c.kube, "")
	if err != nil {
		t.Fatal(err)
	}
	reader := kube.NewClient(access)
	defer reader.Close()
	c.eventually(c.name+": Sluice's reader and Flux's library agree", time.Minute, func(ctx context.Context) error {
		objects, err := reader.Objects(ctx)
		if err != nil {
			return err
		}
		seen := 0
		for _, o := range objects {
			if o.Kind != "Kustomization" {
				continue
			}
			seen++
			real, err := c.get(ctx, kustomizations, o.Namespace, o.Name)
			if err != nil {
				return err
			}
			if real.GetResourceVersion() != o.ResourceVersion {
				return errNotThereYet // it changed in between
			}
			if err := agree(o, real); err != nil {
				return err
			}
		}
		if seen != 2 {
			return fmt.Errorf("it sees %d Kustomizations, want 2", seen)
		}
		return nil
	})
}

func agree(o kube.Object, real *unstructured.Unstructured) error {
	g := conditions.UnstructuredGetter(real)
	revision, _, _ := unstructured.NestedString(real.Object, "status", "lastAppliedRevision")
	ready := conditions.IsReady(g) && !conditions.IsReconciling(g) && !conditions.IsStalled(g)
	switch {
	case (o.State == kube.Ready) != ready:
		return fmt.Errorf("%s: the reader says %v (%s), Flux's library that ready is %t", o.Name, o.State, o.Reason, ready)
	case ready && o.Revision != revision:
		return fmt.Errorf("%s: the reader says revision %q, the object %q", o.Name, o.Revision, revision)
	case !ready && !conditions.IsReconciling(g) && o.Reason != conditions.GetReason(g, "Ready"):
		return fmt.Errorf("%s: the reader says %q, Flux's library %q", o.Name, o.Reason, conditions.GetReason(g, "Ready"))
	}
	return nil
}
