package k3k

import (
	"context"
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"aitenancy/lab/internal/k3kapi"
)

const podSecurity = "pod-security.kubernetes.io/"

// reconcilePolicy keeps what a policy means in every namespace bound to it. It
// writes no status and no events.
func (c *Controller) reconcilePolicy(ctx context.Context, name string) error {
	item, exists, err := c.policies.GetByKey(name)
	if err != nil || !exists {
		return err
	}
	object := item.(*unstructured.Unstructured)
	policy, err := k3kapi.PolicyFrom(object)
	if err != nil {
		return err
	}
	if policy.DeletionTimestamp != nil {
		return c.finalizePolicy(ctx, object, policy)
	}
	if !slices.Contains(policy.Finalizers, k3kapi.PolicyFinalizer) {
		update := object.DeepCopy()
		update.SetFinalizers(append(update.GetFinalizers(), k3kapi.PolicyFinalizer))
		_, err := c.dynamic.Resource(k3kapi.Policies).Update(ctx, update, metav1.UpdateOptions{})
		return ignoreConflict(err)
	}
	bound := c.boundNamespaces(name)
	for _, namespace := range bound {
		if err := c.applyPolicy(ctx, policy, namespace); err != nil {
			return err
		}
	}
	return c.cleanUp(ctx, name, bound)
}

// applyPolicy makes the policy hold in one namespace.
func (c *Controller) applyPolicy(ctx context.Context, policy *k3kapi.Policy, namespace *corev1.Namespace) error {
	meta := metav1.ObjectMeta{
		Namespace: namespace.Name, Name: k3kapi.Name(policy.Name),
		Labels:          map[string]string{k3kapi.ManagedByLabel: k3kapi.PolicyManager, k3kapi.PolicyNameLabel: policy.Name},
		OwnerReferences: []metav1.OwnerReference{policy.OwnerReference()},
	}
	if err := c.policyNetworkPolicy(ctx, policy, meta); err != nil {
		return err
	}
	if policy.Spec.Quota != nil {
		quota := &corev1.ResourceQuota{ObjectMeta: meta, Spec: *policy.Spec.Quota}
		if _, err := ensure(ctx, c.applied, c.quotaKind(namespace.Name), quota); err != nil {
			return err
		}
	} else if _, err := c.quotas.ResourceQuotas(namespace.Name).Get(meta.Name); err == nil {
		if err := ignoreMissing(c.host.CoreV1().ResourceQuotas(namespace.Name).Delete(ctx, meta.Name, metav1.DeleteOptions{})); err != nil {
			return err
		}
	}
	if policy.Spec.Limit != nil {
		limit := &corev1.LimitRange{ObjectMeta: meta, Spec: *policy.Spec.Limit}
		if _, err := ensure(ctx, c.applied, c.limitRangeKind(namespace.Name), limit); err != nil {
			return err
		}
	} else if _, err := c.limitRanges.LimitRanges(namespace.Name).Get(meta.Name); err == nil {
		if err := ignoreMissing(c.host.CoreV1().LimitRanges(namespace.Name).Delete(ctx, meta.Name, metav1.DeleteOptions{})); err != nil {
			return err
		}
	}
	if err := c.relabel(ctx, namespace, podSecurityLabels(policy.Spec.PodSecurityAdmissionLevel)); err != nil {
		return err
	}
	for _, cluster := range c.clustersIn(namespace.Name) {
		if err := c.setAppliedPolicy(ctx, cluster, policy.Applied()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) policyNetworkPolicy(ctx context.Context, policy *k3kapi.Policy, meta metav1.ObjectMeta) error {
	if policy.Spec.DisableNetworkPolicy {
		if _, err := c.networkPolicies.NetworkPolicies(meta.Namespace).Get(meta.Name); err != nil {
			return nil
		}
		return ignoreMissing(c.host.NetworkingV1().NetworkPolicies(meta.Namespace).Delete(ctx, meta.Name, metav1.DeleteOptions{}))
	}
	cidrs, err := c.podCIDRs()
	if err != nil {
		return err
	}
	egress := []networkingv1.NetworkPolicyEgressRule{{To: peers(meta.Namespace, cidrs)}}
	_, err = ensure(ctx, c.applied, c.networkPolicyKind(meta.Namespace),
		&networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: networkPolicySpec(egress)})
	return err
}

// podSecurityLabels are the four labels that the controller owns in a bound
// namespace; nil means: remove, whoever set it. The audit labels are not touched.
func podSecurityLabels(level string) map[string]*string {
	latest := "latest"
	labels := map[string]*string{
		podSecurity + "enforce": nil, podSecurity + "enforce-version": nil,
		podSecurity + "warn": nil, podSecurity + "warn-version": nil,
	}
	if level != "" {
		labels[podSecurity+"enforce"], labels[podSecurity+"enforce-version"] = &level, &latest
	}
	if level != "" && level != "privileged" {
		labels[podSecurity+"warn"], labels[podSecurity+"warn-version"] = &level, &latest
	}
	return labels
}

// relabel sets the labels of a namespace (nil: removes) when that changes something.
func (c *Controller) relabel(ctx context.Context, namespace *corev1.Namespace, labels map[string]*string) error {
	changes := false
	for label, value := range labels {
		live, found := namespace.Labels[label]
		changes = changes || (value == nil && found) || (value != nil && live != *value)
	}
	if !changes {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return err
	}
	_, err = c.host.CoreV1().Namespaces().Patch(ctx, namespace.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return ignoreMissing(err)
}

// setAppliedPolicy replaces status.policy as a whole; nil removes it.
func (c *Controller) setAppliedPolicy(ctx context.Context, object *unstructured.Unstructured, applied *k3kapi.AppliedPolicy) error {
	cluster, err := k3kapi.ClusterFrom(object)
	if err != nil || equality.Semantic.DeepEqual(cluster.Status.Policy, applied) {
		return err
	}
	operation := map[string]any{"op": "add", "path": "/status/policy", "value": applied}
	if applied == nil {
		operation = map[string]any{"op": "remove", "path": "/status/policy"}
	}
	patch, err := json.Marshal([]any{operation})
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(k3kapi.Clusters).Namespace(cluster.Namespace).
		Patch(ctx, cluster.Name, types.JSONPatchType, patch, metav1.PatchOptions{}, "status")
	if applied == nil && apierrors.IsInvalid(err) {
		return nil // removed already
	}
	return ignoreMissing(err)
}

// cleanUp removes the policy's objects and its word on Clusters from namespaces
// that are not bound to it (any more). Pod security labels stay there.
func (c *Controller) cleanUp(ctx context.Context, policy string, bound []*corev1.Namespace) error {
	unbound := func(namespace string) bool {
		return !slices.ContainsFunc(bound, func(n *corev1.Namespace) bool { return n.Name == namespace })
	}
	for _, owned := range c.ownedBy(policy) {
		if !unbound(owned.namespace) {
			continue
		}
		if err := ignoreMissing(owned.remove(ctx)); err != nil {
			return err
		}
	}
	for _, cluster := range c.clustersUnder(policy) {
		if unbound(cluster.GetNamespace()) {
			if err := c.setAppliedPolicy(ctx, cluster, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// finalizePolicy takes the policy back from its namespaces, the binding and the
// pod security labels it had set included. The owned objects go by garbage collection.
func (c *Controller) finalizePolicy(ctx context.Context, object *unstructured.Unstructured, policy *k3kapi.Policy) error {
	if !slices.Contains(policy.Finalizers, k3kapi.PolicyFinalizer) {
		return nil
	}
	for _, cluster := range c.clustersUnder(policy.Name) {
		if err := c.setAppliedPolicy(ctx, cluster, nil); err != nil {
			return err
		}
	}
	for _, namespace := range c.boundNamespaces(policy.Name) {
		labels := map[string]*string{}
		if policy.Spec.PodSecurityAdmissionLevel != "" {
			labels = podSecurityLabels("")
		}
		labels[k3kapi.PolicyNameLabel] = nil
		if err := c.relabel(ctx, namespace, labels); err != nil {
			return err
		}
	}
	update := object.DeepCopy()
	update.SetFinalizers(slices.DeleteFunc(update.GetFinalizers(), func(f string) bool { return f == k3kapi.PolicyFinalizer }))
	_, err := c.dynamic.Resource(k3kapi.Policies).Update(ctx, update, metav1.UpdateOptions{})
	return ignoreConflict(ignoreMissing(err))
}

func ignoreMissing(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
