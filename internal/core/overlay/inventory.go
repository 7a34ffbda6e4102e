package overlay

import (
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// Inventory is what the overlays of a monorepo deploy at one commit. It is
// immutable once made.
type Inventory struct {
	// Deployments holds the clusters' overlays of each target, ordered by cluster.
	Deployments map[core.Target][]*Deployment
	Problems    []Problem // ordered by file and line
}

// Deployment is one overlay: one app in one cluster.
type Deployment struct {
	App     core.App
	Cluster core.Cluster
	Dir     string    // the overlay's directory, or its file where the layout names files
	Carrier string    // the Flux Kustomization that applies it, as namespace/name; "" if it is not in sight
	Pins    []pin.Pin // the effective ones, ordered by key; at most one per key
	Inputs  []Input   // every file that was read for it, ordered by path
	Broken  *Problem  // set if the overlay could not be understood; Pins is then incomplete
}

// Input is a file that a deployment depends on.
type Input struct {
	Path    string
	SHA     core.SHA
	Content []byte // shared between deployments; never changed
}

// Problem is something in the monorepo that could not be understood.
type Problem struct {
	File    string
	Line    int // 1-based; 0 if the whole file is meant
	Column  int // 1-based; 0 if the whole line is meant
	Message string
}
