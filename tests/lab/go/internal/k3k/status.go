package k3k

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/k3s"
)

// invalid is a mistake in the spec that only the controller looks for.
type invalid string

func (i invalid) Error() string { return "cluster validation error: " + string(i) }

// tick is a failure that passes by itself: it is shown for a moment, then the
// controller goes on.
type tick struct{ error }

// validate repeats the checks of the controller; policy is nil when none is bound.
func validate(cluster *k3kapi.Cluster, policy *k3kapi.Policy) error {
	spec := &cluster.Spec
	switch {
	case cluster.Name == "system":
		return invalid(`invalid cluster name "system"`)
	case policy != nil && policy.Spec.AllowedMode != spec.Mode:
		return invalid(fmt.Sprintf("mode %q is not allowed by the policy %q", spec.Mode, policy.Name))
	case spec.Expose != nil && spec.Expose.Ingress != nil && len(dnsNames(cluster)) == 0:
		return invalid("expose.ingress requires at least one DNS name in spec.tlsSANs to use as the ingress host")
	case spec.Mode != k3kapi.ModeVirtual:
		return invalid(fmt.Sprintf(`the laboratory's stand-in for k3k provisions mode "virtual" only, not %q`, spec.Mode))
	}
	if spec.CustomCAs != nil && spec.CustomCAs.Enabled {
		for _, source := range spec.CustomCAs.Sources {
			if source.SecretName == "" {
				return invalid("custom CA certificate secret is missing")
			}
		}
	}
	return nil
}

// outcome is the phase and the reason for what a reconcile ended with.
func outcome(err error) (phase, reason, message string) {
	var mistake invalid
	switch {
	case err == nil:
		return k3kapi.PhaseReady, "Provisioned", "Cluster successfully provisioned"
	case errors.Is(err, k3s.ErrNotReady):
		return k3kapi.PhaseProvisioning, "Provisioning", err.Error()
	case errors.As(err, &mistake):
		return k3kapi.PhasePending, "ValidationFailed", err.Error()
	default:
		return k3kapi.PhaseFailed, "ProvisioningFailed", err.Error()
	}
}

// setOutcome writes phase and condition; it says whether the cluster became Ready just now.
func setOutcome(cluster *k3kapi.Cluster, err error) (becameReady bool) {
	phase, reason, message := outcome(err)
	status := metav1.ConditionFalse
	if err == nil {
		status = metav1.ConditionTrue
	}
	before := meta.IsStatusConditionTrue(cluster.Status.Conditions, "Ready")
	cluster.Status.Phase = phase
	// The transition time moves with the condition's status only, so a long
	// failure cannot be told from a short one by it.
	meta.SetStatusCondition(&cluster.Status.Conditions,
		metav1.Condition{Type: "Ready", Status: status, Reason: reason, Message: message})
	return err == nil && !before
}

// event reports an outcome: every failure again, Ready once, waiting never.
func (c *Controller) event(cluster *k3kapi.Cluster, err error, becameReady bool) {
	phase, reason, message := outcome(err)
	switch {
	case phase == k3kapi.PhaseFailed || phase == k3kapi.PhasePending:
		c.recorder.Event(reference(cluster), corev1.EventTypeWarning, reason, message)
	case becameReady:
		c.recorder.Event(reference(cluster), corev1.EventTypeNormal, reason, message)
	}
}

func reference(cluster *k3kapi.Cluster) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: k3kapi.GroupVersion.String(), Kind: "Cluster",
		Namespace: cluster.Namespace, Name: cluster.Name, UID: cluster.UID, ResourceVersion: cluster.ResourceVersion,
	}
}

// timeout is what the controller says when its packets are dropped.
func timeout(service *corev1.Service) error {
	return fmt.Errorf("Get %q: context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
		"https://"+bracketed(service.Spec.ClusterIP)+"/v1-k3s/config")
}

// unreachable is the controller's failure to reach the ingress host, which it
// must: names below .invalid resolve nowhere, all others count as reachable.
func unreachable(cluster *k3kapi.Cluster) error {
	if cluster.Spec.Expose == nil || cluster.Spec.Expose.Ingress == nil {
		return nil
	}
	host := dnsNames(cluster)[0]
	if !strings.HasSuffix(host, ".invalid") {
		return nil
	}
	return fmt.Errorf("failed to get server groups: Get %q: dial tcp: lookup %s: no such host", "https://"+host+"/api", host)
}
