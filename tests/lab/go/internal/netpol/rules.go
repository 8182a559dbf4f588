// Package netpol enforces networking.k8s.io/v1 NetworkPolicy for the pods of one
// node with iptables. Which rules there must be is a pure function of the
// cluster's objects (this file); agent.go puts them into the kernel.
//
// Traffic between a pod and its own node is never refused, as the Kubernetes
// documentation of NetworkPolicy has it. Only IPv4 is looked at.
package netpol

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// hook is the chain that FORWARD jumps to.
const hook = "LAB-NETPOL"

// Objects are what decides the rules.
type Objects struct {
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Policies   []*networkingv1.NetworkPolicy
}

// Chain is a chain of the table "filter" and its rules without "-A NAME".
type Chain struct {
	Name  string
	Rules []string
}

// direction is what differs between ingress and egress.
type direction struct {
	kind networkingv1.PolicyType
	// own and peer are the options for the pod's and the other side's address.
	own, peer, letter string
}

var directions = []direction{
	{networkingv1.PolicyTypeIngress, "-d", "-s", "I"},
	{networkingv1.PolicyTypeEgress, "-s", "-d", "E"},
}

// rule is one rule of a policy, of either direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// Chains returns the chains for the pods of a node; the hook's is the first.
func Chains(objects Objects, node string) []Chain {
	world := newWorld(objects)
	dispatch := Chain{Name: hook}
	var chains []Chain
	for _, pod := range world.pods {
		if pod.Spec.NodeName != node {
			continue
		}
		for _, direction := range directions {
			rules, isolated := world.rulesFor(pod, direction)
			if !isolated {
				continue
			}
			name := chainName(pod, direction)
			dispatch.Rules = append(dispatch.Rules, fmt.Sprintf("%s %s/32 -j %s", direction.own, pod.Status.PodIP, name))
			chains = append(chains, Chain{Name: name, Rules: rules})
		}
	}
	return append([]Chain{dispatch}, chains...)
}

func chainName(pod *corev1.Pod, direction direction) string {
	sum := sha256.Sum256([]byte(pod.Namespace + "/" + pod.Name + "/" + string(pod.UID)))
	return "LABNP-" + direction.letter + "-" + hex.EncodeToString(sum[:8])
}

// world is the cluster's objects in the form in which they are asked for.
type world struct {
	pods       []*corev1.Pod
	namespaces map[string]labels.Set
	policies   []*networkingv1.NetworkPolicy
}

func newWorld(objects Objects) world {
	w := world{namespaces: map[string]labels.Set{}}
	for _, namespace := range objects.Namespaces {
		w.namespaces[namespace.Name] = namespace.Labels
	}
	for _, pod := range objects.Pods {
		active := pod.Status.Phase == corev1.PodRunning || pod.Status.Phase == corev1.PodPending
		if active && pod.Status.PodIP != "" && !strings.Contains(pod.Status.PodIP, ":") && !pod.Spec.HostNetwork {
			w.pods = append(w.pods, pod)
		}
	}
	slices.SortFunc(w.pods, func(a, b *corev1.Pod) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	w.policies = slices.Clone(objects.Policies)
	slices.SortFunc(w.policies, func(a, b *networkingv1.NetworkPolicy) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return w
}

// rulesFor returns what a pod's chain has, and whether any policy isolates the pod in this direction.
func (w world) rulesFor(pod *corev1.Pod, direction direction) ([]string, bool) {
	// Answers of connections that were allowed to begin.
	rules := []string{"-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"}
	isolated := false
	for _, policy := range w.policies {
		if policy.Namespace != pod.Namespace || !applies(policy, direction.kind) || !matches(&policy.Spec.PodSelector, pod.Labels) {
			continue
		}
		isolated = true
		for _, rule := range rulesOf(policy, direction.kind) {
			rules = append(rules, w.allow(pod, rule, policy.Namespace, direction)...)
		}
	}
	return append(slices.Compact(rules), "-j DROP"), isolated
}

// applies tells whether a policy is about a direction; without policyTypes
// egress counts only when there are rules for it.
func applies(policy *networkingv1.NetworkPolicy, kind networkingv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, kind)
	}
	return kind == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

func rulesOf(policy *networkingv1.NetworkPolicy, kind networkingv1.PolicyType) []rule {
	var rules []rule
	if kind == networkingv1.PolicyTypeIngress {
		for _, one := range policy.Spec.Ingress {
			rules = append(rules, rule{peers: one.From, ports: one.Ports})
		}
		return rules
	}
	for _, one := range policy.Spec.Egress {
		rules = append(rules, rule{peers: one.To, ports: one.Ports})
	}
	return rules
}

// allow returns the iptables rules of one rule of a policy.
func (w world) allow(pod *corev1.Pod, rule rule, namespace string, direction direction) []string {
	var rules []string
	add := func(prefix, port string) {
		words := []string{}
		if prefix != "" {
			words = append(words, direction.peer+" "+prefix)
		}
		if port != "" {
			words = append(words, port)
		}
		rules = append(rules, strings.Join(append(words, "-j RETURN"), " "))
	}
	peers := w.peers(rule.peers, namespace)
	for _, port := range allPorts(rule.ports) {
		for _, peer := range peers {
			// A named port is one of the pod that listens.
			listener := pod
			if direction.kind == networkingv1.PolicyTypeEgress {
				listener = peer.pod
			}
			named := port.name != ""
			if named && listener == nil && peer.prefix == "" {
				// Egress to anywhere on a named port: every pod that has the name.
				for _, other := range w.pods {
					if match, ok := port.match(other); ok {
						add(other.Status.PodIP+"/32", match)
					}
				}
				continue
			}
			if match, ok := port.match(listener); ok {
				add(peer.prefix, match)
			}
		}
	}
	return rules
}

// peer is one possible other side: a range of addresses, and the pod if it is one. No range means anywhere.
type peer struct {
	prefix string
	pod    *corev1.Pod
}

func (w world) peers(given []networkingv1.NetworkPolicyPeer, namespace string) []peer {
	if len(given) == 0 {
		return []peer{{}}
	}
	var peers []peer
	for _, one := range given {
		if one.IPBlock != nil {
			for _, prefix := range subtract(one.IPBlock.CIDR, one.IPBlock.Except) {
				peers = append(peers, peer{prefix: prefix})
			}
			continue
		}
		for _, pod := range w.pods {
			if w.selects(one, namespace, pod) {
				peers = append(peers, peer{prefix: pod.Status.PodIP + "/32", pod: pod})
			}
		}
	}
	return peers
}

func (w world) selects(given networkingv1.NetworkPolicyPeer, namespace string, pod *corev1.Pod) bool {
	if given.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if !matches(given.NamespaceSelector, w.namespaces[pod.Namespace]) {
		return false
	}
	return given.PodSelector == nil || matches(given.PodSelector, pod.Labels)
}

func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}
