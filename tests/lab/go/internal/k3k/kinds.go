package k3k

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"aitenancy/lab/internal/k3kapi"
)

// found turns a lister's answer into the two values of kind.cached.
func found[T any](object T, err error) (T, bool) { return object, err == nil }

func (c *Controller) serviceKind(namespace string) kind[*corev1.Service] {
	return kind[*corev1.Service]{
		client:  c.host.CoreV1().Services(namespace),
		cached:  func(ns, name string) (*corev1.Service, bool) { return found(c.services.Services(ns).Get(name)) },
		overlay: overlayService,
		owned:   func(s *corev1.Service) any { return []any{s.Spec, s.Annotations} },
	}
}

func (c *Controller) statefulSetKind(namespace string) kind[*appsv1.StatefulSet] {
	return kind[*appsv1.StatefulSet]{
		client: c.host.AppsV1().StatefulSets(namespace),
		cached: func(ns, name string) (*appsv1.StatefulSet, bool) {
			return found(c.statefulSets.StatefulSets(ns).Get(name))
		},
		overlay: func(live, desired *appsv1.StatefulSet) *appsv1.StatefulSet {
			result := live.DeepCopy()
			result.Labels, result.OwnerReferences = merged(live.Labels, desired.Labels), desired.OwnerReferences
			if live.DeletionTimestamp == nil {
				result.Finalizers = []string{k3kapi.EtcdPodFinalizer}
			}
			result.Spec = desired.Spec
			return result
		},
		owned: func(s *appsv1.StatefulSet) any { return s.Spec },
	}
}

// deploymentKind writes the agents' Deployment. With wipe, annotations count as a
// difference: the controller writes the Deployment back as it would make it, at
// each reconcile, so every annotation is lost (the Deployment controller's own
// too, which returns) and the generation grows for ever.
func (c *Controller) deploymentKind(namespace string, wipe bool) kind[*appsv1.Deployment] {
	return kind[*appsv1.Deployment]{
		client: c.host.AppsV1().Deployments(namespace),
		cached: func(ns, name string) (*appsv1.Deployment, bool) {
			return found(c.deployments.Deployments(ns).Get(name))
		},
		overlay: func(live, desired *appsv1.Deployment) *appsv1.Deployment {
			result := live.DeepCopy()
			result.Labels, result.Annotations = desired.Labels, nil
			result.OwnerReferences, result.Spec = desired.OwnerReferences, desired.Spec
			return result
		},
		owned: func(d *appsv1.Deployment) any {
			if wipe {
				return []any{d.Spec, d.Annotations}
			}
			return d.Spec
		},
	}
}

func (c *Controller) networkPolicyKind(namespace string) kind[*networkingv1.NetworkPolicy] {
	return kind[*networkingv1.NetworkPolicy]{
		client: c.host.NetworkingV1().NetworkPolicies(namespace),
		cached: func(ns, name string) (*networkingv1.NetworkPolicy, bool) {
			return found(c.networkPolicies.NetworkPolicies(ns).Get(name))
		},
		overlay: func(live, desired *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
			result := live.DeepCopy()
			result.Labels, result.OwnerReferences = merged(live.Labels, desired.Labels), desired.OwnerReferences
			result.Spec = desired.Spec
			return result
		},
		owned: func(p *networkingv1.NetworkPolicy) any { return p.Spec },
	}
}

func (c *Controller) ingressKind(namespace string) kind[*networkingv1.Ingress] {
	return kind[*networkingv1.Ingress]{
		client: c.host.NetworkingV1().Ingresses(namespace),
		cached: func(ns, name string) (*networkingv1.Ingress, bool) {
			return found(c.ingresses.Ingresses(ns).Get(name))
		},
		overlay: func(live, desired *networkingv1.Ingress) *networkingv1.Ingress {
			result := live.DeepCopy()
			result.Annotations = merged(live.Annotations, desired.Annotations)
			result.OwnerReferences, result.Spec = desired.OwnerReferences, desired.Spec
			return result
		},
		owned: func(i *networkingv1.Ingress) any { return []any{i.Spec, i.Annotations} },
	}
}

func (c *Controller) quotaKind(namespace string) kind[*corev1.ResourceQuota] {
	return kind[*corev1.ResourceQuota]{
		client: c.host.CoreV1().ResourceQuotas(namespace),
		cached: func(ns, name string) (*corev1.ResourceQuota, bool) {
			return found(c.quotas.ResourceQuotas(ns).Get(name))
		},
		overlay: func(live, desired *corev1.ResourceQuota) *corev1.ResourceQuota {
			result := live.DeepCopy()
			result.Labels, result.OwnerReferences = merged(live.Labels, desired.Labels), desired.OwnerReferences
			result.Spec = desired.Spec
			return result
		},
		owned: func(q *corev1.ResourceQuota) any { return q.Spec },
	}
}

func (c *Controller) limitRangeKind(namespace string) kind[*corev1.LimitRange] {
	return kind[*corev1.LimitRange]{
		client: c.host.CoreV1().LimitRanges(namespace),
		cached: func(ns, name string) (*corev1.LimitRange, bool) {
			return found(c.limitRanges.LimitRanges(ns).Get(name))
		},
		overlay: func(live, desired *corev1.LimitRange) *corev1.LimitRange {
			result := live.DeepCopy()
			result.Labels, result.OwnerReferences = merged(live.Labels, desired.Labels), desired.OwnerReferences
			result.Spec = desired.Spec
			return result
		},
		owned: func(l *corev1.LimitRange) any { return l.Spec },
	}
}
