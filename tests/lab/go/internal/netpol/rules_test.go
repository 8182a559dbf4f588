package netpol

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, ip, node string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Ports: []corev1.ContainerPort{
			{Name: "web", ContainerPort: 8080}, {Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP},
		}}}},
		Status: corev1.PodStatus{PodIP: ip, Phase: corev1.PodRunning},
	}
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}}
}

func selector(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func policy(name string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "t", Name: name}, Spec: spec}
}

// world has pods a and b in t, c in u; a and c are on n1.
func objects(policies ...*networkingv1.NetworkPolicy) Objects {
	return Objects{
		Pods: []*corev1.Pod{
			pod("t", "a", "10.0.1.1", "n1", map[string]string{"app": "a"}),
			pod("t", "b", "10.0.2.1", "n2", map[string]string{"app": "b"}),
			pod("u", "c", "10.0.1.2", "n1", map[string]string{"app": "b"}),
		},
		Namespaces: []*corev1.Namespace{namespace("t"), namespace("u")},
		Policies:   policies,
	}
}

// rulesOn returns the rules of the only isolated pod's chain on a node, without the first and the last, which it checks.
func rulesOn(t *testing.T, node string, policies ...*networkingv1.NetworkPolicy) []string {
	t.Helper()
	chains := Chains(objects(policies...), node)
	if len(chains) != 2 {
		t.Fatalf("chains %v", chains)
	}
	rules := chains[1].Rules
	if !strings.Contains(rules[0], "ESTABLISHED") || rules[len(rules)-1] != "-j DROP" {
		t.Fatalf("rules %q", rules)
	}
	return rules[1 : len(rules)-1]
}

func ingress(rules ...networkingv1.NetworkPolicyIngressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{PodSelector: *selector("app", "a"), Ingress: rules}
}

func egress(rules ...networkingv1.NetworkPolicyEgressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		PodSelector: *selector("app", "a"), Egress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
	}
}

func ports(values ...networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort { return values }

func portOf(protocol corev1.Protocol, value intstr.IntOrString) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &value}
}

func TestRules(t *testing.T) {
	last := int32(90)
	ranged := networkingv1.NetworkPolicyPort{Port: &intstr.IntOrString{IntVal: 80}, EndPort: &last}
	block := func(cidr string, except ...string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}
	}
	from := func(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyIngressRule {
		return networkingv1.NetworkPolicyIngressRule{From: peers}
	}
	cases := map[string]struct {
		spec networkingv1.NetworkPolicySpec
		want []string
	}{
		"default deny": {ingress(), nil},
		"allow all":    {ingress(networkingv1.NetworkPolicyIngressRule{}), []string{"-j RETURN"}},
		"pods of the own namespace": {
			ingress(from(networkingv1.NetworkPolicyPeer{PodSelector: selector("app", "b")})), []string{"-s 10.0.2.1/32 -j RETURN"},
		},
		"all pods of a namespace": {
			ingress(from(networkingv1.NetworkPolicyPeer{NamespaceSelector: selector("kubernetes.io/metadata.name", "u")})),
			[]string{"-s 10.0.1.2/32 -j RETURN"},
		},
		"some pods of all namespaces": {
			ingress(from(networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}, PodSelector: selector("app", "b")})),
			[]string{"-s 10.0.2.1/32 -j RETURN", "-s 10.0.1.2/32 -j RETURN"},
		},
		"range with exception": {ingress(from(block("10.0.0.0/30", "10.0.0.1/32"))), []string{
			"-s 10.0.0.0/32 -j RETURN", "-s 10.0.0.2/31 -j RETURN",
		}},
		"number and range of ports": {
			ingress(networkingv1.NetworkPolicyIngressRule{Ports: ports(portOf(corev1.ProtocolUDP, intstr.FromInt32(53)), ranged)}),
			[]string{"-p udp --dport 53 -j RETURN", "-p tcp --dport 80:90 -j RETURN"},
		},
		"named port of the pod": {
			ingress(networkingv1.NetworkPolicyIngressRule{Ports: ports(portOf(corev1.ProtocolTCP, intstr.FromString("web")))}),
			[]string{"-p tcp --dport 8080 -j RETURN"},
		},
		"named port of another protocol": {
			ingress(networkingv1.NetworkPolicyIngressRule{Ports: ports(portOf(corev1.ProtocolTCP, intstr.FromString("dns")))}), nil,
		},
		"egress to a pod's named port": {
			egress(networkingv1.NetworkPolicyEgressRule{
				To:    []networkingv1.NetworkPolicyPeer{{PodSelector: selector("app", "b")}},
				Ports: ports(portOf(corev1.ProtocolTCP, intstr.FromString("web"))),
			}), []string{"-d 10.0.2.1/32 -p tcp --dport 8080 -j RETURN"},
		},
		"egress to a named port anywhere": {
			egress(networkingv1.NetworkPolicyEgressRule{Ports: ports(portOf(corev1.ProtocolUDP, intstr.FromString("dns")))}),
			[]string{
				"-d 10.0.1.1/32 -p udp --dport 53 -j RETURN", "-d 10.0.2.1/32 -p udp --dport 53 -j RETURN",
				"-d 10.0.1.2/32 -p udp --dport 53 -j RETURN",
			},
		},
		"egress to a named port of a range of addresses": {
			egress(networkingv1.NetworkPolicyEgressRule{
				To:    []networkingv1.NetworkPolicyPeer{block("0.0.0.0/0")},
				Ports: ports(portOf(corev1.ProtocolTCP, intstr.FromString("web"))),
			}), nil,
		},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			if got := rulesOn(t, "n1", policy("p", one.spec)); !slices.Equal(got, one.want) {
				t.Errorf("rules %q, want %q", got, one.want)
			}
		})
	}
}

func TestWhoIsIsolated(t *testing.T) {
	both := networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{"Ingress", "Egress"}}
	chains := Chains(objects(policy("all", both)), "n1")
	// Of n1's pods only a is in the policy's namespace; it has a chain per direction.
	if len(chains) != 3 || len(chains[0].Rules) != 2 || !strings.HasPrefix(chains[0].Rules[0], "-d 10.0.1.1/32 -j LABNP-I-") ||
		!strings.HasPrefix(chains[0].Rules[1], "-s 10.0.1.1/32 -j LABNP-E-") {
		t.Errorf("chains %v", chains)
	}
	implied := networkingv1.NetworkPolicySpec{Egress: []networkingv1.NetworkPolicyEgressRule{{}}}
	if chains := Chains(objects(policy("implied", implied)), "n1"); len(chains) != 3 {
		t.Errorf("egress rules imply the type: %v", chains)
	}
	world := objects(policy("all", both))
	world.Pods[0].Spec.HostNetwork = true
	if chains := Chains(world, "n1"); len(chains) != 1 {
		t.Errorf("a pod in the host's network is nobody's business: %v", chains)
	}
	world.Pods[0].Spec.HostNetwork, world.Pods[0].Status.Phase = false, corev1.PodSucceeded
	if chains := Chains(world, "n1"); len(chains) != 1 {
		t.Errorf("a pod that ended has no address: %v", chains)
	}
}

func TestPoliciesAddUp(t *testing.T) {
	first := policy("1", ingress(networkingv1.NetworkPolicyIngressRule{Ports: ports(portOf("TCP", intstr.FromInt32(1)))}))
	second := policy("2", ingress(networkingv1.NetworkPolicyIngressRule{Ports: ports(portOf("TCP", intstr.FromInt32(2)))}))
	want := []string{"-p tcp --dport 1 -j RETURN", "-p tcp --dport 2 -j RETURN"}
	if got := rulesOn(t, "n1", second, first); !slices.Equal(got, want) {
		t.Errorf("rules %q", got)
	}
}

func TestSubtract(t *testing.T) {
	inside := func(prefixes []string, address netip.Addr) bool {
		return slices.ContainsFunc(prefixes, func(text string) bool { return netip.MustParsePrefix(text).Contains(address) })
	}
	exceptions := []string{"10.0.0.16/28", "10.0.0.200/32", "10.1.0.0/16"}
	left := subtract("10.0.0.0/24", exceptions)
	for address := netip.MustParseAddr("10.0.0.0"); netip.MustParsePrefix("10.0.0.0/24").Contains(address); address = address.Next() {
		if inside(left, address) == inside(exceptions, address) {
			t.Errorf("%s: in %v and in %v", address, left, exceptions)
		}
	}
	if got := subtract("10.0.0.0/24", []string{"0.0.0.0/0"}); len(got) != 0 {
		t.Errorf("nothing must be left: %v", got)
	}
	if got := subtract("fd00::/8", nil); len(got) != 0 {
		t.Errorf("IPv6 is not looked at: %v", got)
	}
}

func TestRestore(t *testing.T) {
	text := Restore([]Chain{{hook, []string{"-d 1 -j A"}}, {"A", []string{"-j DROP"}}}, map[string]bool{"A": true, "OLD": true, hook: true})
	want := "*filter\n:LAB-NETPOL - [0:0]\n:A - [0:0]\n:OLD - [0:0]\n-A LAB-NETPOL -d 1 -j A\n-A A -j DROP\n-X OLD\nCOMMIT\n"
	if text != want {
		t.Errorf("got %q", text)
	}
}
