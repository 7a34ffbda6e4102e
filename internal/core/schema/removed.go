package schema

import "strings"

// removal says when an API version went, and what came instead.
type removal struct {
	group, version string
	kinds          string // separated by spaces; "" for all of the version
	since, instead string
}

// removals are those of Kubernetes (its deprecation guide) and of Flux (the notes
// of its releases).
func removals() []removal {
	return []removal{
		{"extensions", "v1beta1", "Ingress", "Kubernetes 1.22", "networking.k8s.io/v1"},
		{"extensions", "v1beta1", "NetworkPolicy", "Kubernetes 1.16", "networking.k8s.io/v1"},
		{"extensions", "v1beta1", "PodSecurityPolicy", "Kubernetes 1.16", "Pod Security Admission, by labels of the namespace"},
		{"extensions", "v1beta1", "", "Kubernetes 1.16", "apps/v1"},
		{"apps", "v1beta1", "", "Kubernetes 1.16", "apps/v1"},
		{"apps", "v1beta2", "", "Kubernetes 1.16", "apps/v1"},
		{"networking.k8s.io", "v1beta1", "Ingress IngressClass", "Kubernetes 1.22", "networking.k8s.io/v1"},
		{"rbac.authorization.k8s.io", "v1beta1", "", "Kubernetes 1.22", "rbac.authorization.k8s.io/v1"},
		{"apiextensions.k8s.io", "v1beta1", "", "Kubernetes 1.22", "apiextensions.k8s.io/v1"},
		{"admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration ValidatingWebhookConfiguration", "Kubernetes 1.22", "admissionregistration.k8s.io/v1"},
		{"batch", "v1beta1", "", "Kubernetes 1.25", "batch/v1"},
		{"policy", "v1beta1", "PodDisruptionBudget", "Kubernetes 1.25", "policy/v1"},
		{"policy", "v1beta1", "PodSecurityPolicy", "Kubernetes 1.25", "Pod Security Admission, by labels of the namespace"},
		{"storage.k8s.io", "v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", "Kubernetes 1.22", "storage.k8s.io/v1"},
		{"storage.k8s.io", "v1beta1", "CSIStorageCapacity", "Kubernetes 1.27", "storage.k8s.io/v1"},
		{"scheduling.k8s.io", "v1beta1", "PriorityClass", "Kubernetes 1.22", "scheduling.k8s.io/v1"},
		{"coordination.k8s.io", "v1beta1", "Lease", "Kubernetes 1.22", "coordination.k8s.io/v1"},
		{"apiregistration.k8s.io", "v1beta1", "", "Kubernetes 1.22", "apiregistration.k8s.io/v1"},
		{"certificates.k8s.io", "v1beta1", "CertificateSigningRequest", "Kubernetes 1.22", "certificates.k8s.io/v1"},
		{"node.k8s.io", "v1beta1", "", "Kubernetes 1.25", "node.k8s.io/v1"},
		{"events.k8s.io", "v1beta1", "", "Kubernetes 1.25", "events.k8s.io/v1"},
		{"discovery.k8s.io", "v1beta1", "", "Kubernetes 1.25", "discovery.k8s.io/v1"},
		{"autoscaling", "v2beta1", "", "Kubernetes 1.25", "autoscaling/v2"},
		{"autoscaling", "v2beta2", "", "Kubernetes 1.26", "autoscaling/v2"},
		{"flowcontrol.apiserver.k8s.io", "v1beta1", "", "Kubernetes 1.26", "flowcontrol.apiserver.k8s.io/v1"},
		{"flowcontrol.apiserver.k8s.io", "v1beta2", "", "Kubernetes 1.29", "flowcontrol.apiserver.k8s.io/v1"},
		{"flowcontrol.apiserver.k8s.io", "v1beta3", "", "Kubernetes 1.32", "flowcontrol.apiserver.k8s.io/v1"},
		{"kustomize.toolkit.fluxcd.io", "v1beta1", "", "Flux 2.7", "kustomize.toolkit.fluxcd.io/v1"},
		{"kustomize.toolkit.fluxcd.io", "v1beta2", "", "Flux 2.8", "kustomize.toolkit.fluxcd.io/v1"},
		{"helm.toolkit.fluxcd.io", "v2beta1", "", "Flux 2.7", "helm.toolkit.fluxcd.io/v2"},
		{"helm.toolkit.fluxcd.io", "v2beta2", "", "Flux 2.8", "helm.toolkit.fluxcd.io/v2"},
		{"source.toolkit.fluxcd.io", "v1beta1", "", "Flux 2.7", "source.toolkit.fluxcd.io/v1"},
		{"source.toolkit.fluxcd.io", "v1beta2", "", "Flux 2.8", "source.toolkit.fluxcd.io/v1"},
		{"notification.toolkit.fluxcd.io", "v1beta1", "Receiver", "Flux 2.7", "notification.toolkit.fluxcd.io/v1"},
		{"notification.toolkit.fluxcd.io", "v1beta1", "", "Flux 2.7", "notification.toolkit.fluxcd.io/v1beta3"},
		{"notification.toolkit.fluxcd.io", "v1beta2", "Receiver", "Flux 2.9", "notification.toolkit.fluxcd.io/v1"},
		{"notification.toolkit.fluxcd.io", "v1beta2", "", "Flux 2.9", "notification.toolkit.fluxcd.io/v1beta3"},
		{"image.toolkit.fluxcd.io", "v1beta1", "", "Flux 2.7", "image.toolkit.fluxcd.io/v1"},
		{"image.toolkit.fluxcd.io", "v1beta2", "", "Flux 2.9", "image.toolkit.fluxcd.io/v1"},
	}
}

func removed(apiVersion, kind string) (removal, bool) {
	group, version := gvk(apiVersion)
	for _, r := range removals() {
		if r.group != group || r.version != version {
			continue
		}
		for _, one := range strings.Fields(r.kinds) {
			if one == kind {
				return r, true
			}
		}
		if r.kinds == "" {
			return r, true
		}
	}
	return removal{}, false
}
