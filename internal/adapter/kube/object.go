package kube

import (
	"strings"
	"time"
)

// State is what an object's conditions amount to.
type State int

// The states. The zero value says nothing of the object's fate.
const (
	Progressing State = iota // work goes on, or the controller has not seen the newest spec
	Ready                    // the newest spec is in force and, where asked for, healthy
	Failed                   // it is not, and the condition says why
)

// String is the state as logs and errors spell it.
func (s State) String() string { return [...]string{"progressing", "ready", "failed"}[s] }

// Object is what is kept of a Kustomization or a HelmRelease.
type Object struct {
	Kind            string
	Namespace       string
	Name            string
	UID             string
	ResourceVersion string
	// Revision is that of the source, as Flux writes it: the one that was applied,
	// or that was tried last if that failed. Origin is the Git revision that the
	// source was made from, where it tells. HelmReleases have neither.
	Revision  string
	Origin    string
	Interval  time.Duration // 0 if it has none that can be read
	Suspended bool
	State     State
	Reason    string // of the condition that decided
	Message   string // likewise, cut to 4 KiB; not masked
}

// Condition is one of an object's conditions.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"` // True, False or Unknown
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// ObservedGeneration is that of the spec which the condition is about, 0 if it
	// does not tell.
	ObservedGeneration int64 `json:"observedGeneration"`
}

// wireObject is the JSON of either kind.
type wireObject struct {
	Metadata struct {
		Name              string     `json:"name"`
		Namespace         string     `json:"namespace"`
		UID               string     `json:"uid"`
		ResourceVersion   string     `json:"resourceVersion"`
		Generation        int64      `json:"generation"`
		DeletionTimestamp *time.Time `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		Interval string `json:"interval"`
		Suspend  bool   `json:"suspend"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration        int64       `json:"observedGeneration"`
		Conditions                []Condition `json:"conditions"`
		LastAppliedRevision       string      `json:"lastAppliedRevision"`
		LastAttemptedRevision     string      `json:"lastAttemptedRevision"`
		LastAppliedOriginRevision string      `json:"lastAppliedOriginRevision"`
	} `json:"status"`
}

func (w wireObject) object(kind string) Object {
	o := Object{
		Kind: kind, Namespace: w.Metadata.Namespace, Name: w.Metadata.Name, UID: w.Metadata.UID,
		ResourceVersion: w.Metadata.ResourceVersion, Suspended: w.Spec.Suspend,
	}
	if d, err := time.ParseDuration(w.Spec.Interval); err == nil && d > 0 {
		o.Interval = d
	}
	var decided Condition
	o.State, decided = Judge(w.Metadata.Generation, w.Status.ObservedGeneration, w.Status.Conditions)
	if w.Metadata.DeletionTimestamp != nil {
		o.State = Progressing
	}
	o.Reason, o.Message = decided.Reason, cut(decided.Message)
	if kind != kustomization {
		return o
	}
	o.Revision, o.Origin = w.Status.LastAppliedRevision, w.Status.LastAppliedOriginRevision
	if o.State == Failed && w.Status.LastAttemptedRevision != "" && w.Status.LastAttemptedRevision != o.Revision {
		o.Revision, o.Origin = w.Status.LastAttemptedRevision, "" // of what was tried, no origin is kept
	}
	return o
}

// Judge says what conditions amount to, as IsReady, IsReconciling and IsStalled
// of fluxcd/pkg/runtime/conditions and the conventions of kstatus do, with the
// condition that decided. Generations are those of the spec: one that nobody has
// observed makes whatever is said of the object old.
func Judge(generation, observed int64, conditions []Condition) (State, Condition) {
	ready, reconciling, stalled := find(conditions, "Ready"), find(conditions, "Reconciling"), find(conditions, "Stalled")
	switch {
	case generation != observed, ready.ObservedGeneration != 0 && ready.ObservedGeneration != generation:
		return Progressing, ready
	case stalled.Status == "True":
		return Failed, stalled
	case ready.Status == "False" && !waits(ready.Reason):
		return Failed, ready
	case reconciling.Status == "True":
		return Progressing, reconciling
	case ready.Status == "True":
		return Ready, ready
	}
	return Progressing, ready
}

// waits tells whether an object that is not ready waits for something that is
// about to happen: Flux says of it that it is retried, and not that it failed.
func waits(reason string) bool {
	switch reason {
	case "DependencyNotReady", "Progressing", "ProgressingWithRetry", "HealthCheckCanceled", "SourceNotReady":
		return true
	}
	return false
}

func find(conditions []Condition, kind string) Condition {
	for _, c := range conditions {
		if c.Type == kind {
			return c
		}
	}
	return Condition{}
}

func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}
