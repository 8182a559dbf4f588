package k3k

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"aitenancy/lab/internal/k3kapi"
)

// peers are where pods may go: out of the cluster, their namespace, DNS.
func peers(namespace string, podCIDRs []string) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{
		{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: podCIDRs}},
		{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}},
		{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "kube-system"}},
			PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
		},
	}
}

// networkPolicySpec selects by a label that server and agent pods of mode
// virtual do not have: it isolates none of them.
func networkPolicySpec(egress []networkingv1.NetworkPolicyEgressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "k3k.io/clusterName", Operator: metav1.LabelSelectorOpExists},
		}},
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{}},
		Egress:      egress,
	}
}

// podCIDRs are those of all nodes; a node without one is not excepted.
func (c *Controller) podCIDRs() ([]string, error) {
	nodes, err := c.nodes.List(labels.Everything())
	var cidrs []string
	for _, node := range nodes {
		if node.Spec.PodCIDR != "" {
			cidrs = append(cidrs, node.Spec.PodCIDR)
		}
	}
	slices.Sort(cidrs)
	return cidrs, err
}

// clusterNetworkPolicy exists in namespaces without policy only.
func (c *Controller) clusterNetworkPolicy(ctx context.Context, cluster *k3kapi.Cluster) error {
	name := k3kapi.Name(cluster.Name)
	if cluster.Status.PolicyName != "" {
		if _, err := c.networkPolicies.NetworkPolicies(cluster.Namespace).Get(name); err != nil {
			return nil
		}
		err := c.host.NetworkingV1().NetworkPolicies(cluster.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	cidrs, err := c.podCIDRs()
	if err != nil {
		return err
	}
	var egress []networkingv1.NetworkPolicyEgressRule
	for _, peer := range peers(cluster.Namespace, cidrs) {
		egress = append(egress, networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{peer}})
	}
	_, err = ensure(ctx, c.applied, c.networkPolicyKind(cluster.Namespace), &networkingv1.NetworkPolicy{
		ObjectMeta: child(cluster, name, nil), Spec: networkPolicySpec(egress),
	})
	return err
}

// ingress keeps the Ingress while spec.expose.ingress is set, and removes it after.
func (c *Controller) ingress(ctx context.Context, cluster *k3kapi.Cluster) error {
	name := k3kapi.Name(cluster.Name, "ingress")
	if cluster.Spec.Expose == nil || cluster.Spec.Expose.Ingress == nil {
		if _, err := c.ingresses.Ingresses(cluster.Namespace).Get(name); err != nil {
			return nil
		}
		err := c.host.NetworkingV1().Ingresses(cluster.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	_, err := ensure(ctx, c.applied, c.ingressKind(cluster.Namespace), apiIngress(cluster))
	return err
}

func apiIngress(cluster *k3kapi.Cluster) *networkingv1.Ingress {
	prefix := networkingv1.PathTypePrefix
	expose := cluster.Spec.Expose.Ingress
	ingress := &networkingv1.Ingress{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "ingress"), nil),
		Spec:       networkingv1.IngressSpec{IngressClassName: expose.IngressClassName},
	}
	ingress.Annotations = expose.Annotations
	for _, host := range dnsNames(cluster) {
		ingress.Spec.Rules = append(ingress.Spec.Rules, networkingv1.IngressRule{
			Host: host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: &prefix,
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: k3kapi.Name(cluster.Name, "service"),
						Port: networkingv1.ServiceBackendPort{Number: httpsPort},
					}},
				}},
			}},
		})
	}
	return ingress
}

// announce plays the load balancer: it gives the Service the laboratory's own address.
func (c *Controller) announce(ctx context.Context, service *corev1.Service) (*corev1.Service, error) {
	balanced := service.Spec.Type == corev1.ServiceTypeLoadBalancer
	if balanced == (len(service.Status.LoadBalancer.Ingress) > 0) {
		return service, nil
	}
	update := service.DeepCopy()
	update.Status.LoadBalancer = corev1.LoadBalancerStatus{}
	if balanced {
		update.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: c.options.ListenAddress}}
	}
	return c.host.CoreV1().Services(service.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
}
