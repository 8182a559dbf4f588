package netpol

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// port is a port of a rule: any, of a protocol, a number, a range or a name.
type port struct {
	any         bool
	protocol    corev1.Protocol
	first, last int32
	name        string
}

func allPorts(given []networkingv1.NetworkPolicyPort) []port {
	if len(given) == 0 {
		return []port{{any: true}}
	}
	var ports []port
	for _, one := range given {
		p := port{protocol: corev1.ProtocolTCP}
		if one.Protocol != nil {
			p.protocol = *one.Protocol
		}
		switch {
		case one.Port == nil:
		case one.Port.Type == intstr.String:
			p.name = one.Port.StrVal
		default:
			p.first, p.last = one.Port.IntVal, one.Port.IntVal
			if one.EndPort != nil {
				p.last = *one.EndPort
			}
		}
		ports = append(ports, p)
	}
	return ports
}

// match returns what iptables must look at. A name is looked up in the pod that
// listens; it is not ok when that pod (or no pod is known) has no such port.
func (p port) match(listener *corev1.Pod) (string, bool) {
	if p.any {
		return "", true
	}
	text := "-p " + strings.ToLower(string(p.protocol))
	first, last := p.first, p.last
	if p.name != "" {
		number, ok := namedPort(listener, p.name, p.protocol)
		if !ok {
			return "", false
		}
		first, last = number, number
	}
	switch {
	case first == 0:
		return text, true
	case first == last:
		return fmt.Sprintf("%s --dport %d", text, first), true
	}
	return fmt.Sprintf("%s --dport %d:%d", text, first, last), true
}

func namedPort(pod *corev1.Pod, name string, protocol corev1.Protocol) (int32, bool) {
	if pod == nil {
		return 0, false
	}
	for _, container := range pod.Spec.Containers {
		for _, one := range container.Ports {
			if one.Name == name && (one.Protocol == protocol || one.Protocol == "" && protocol == corev1.ProtocolTCP) {
				return one.ContainerPort, true
			}
		}
	}
	return 0, false
}

// subtract returns the ranges of cidr that are in none of the exceptions. Text
// that is no IPv4 range gives nothing; the API server lets none in.
func subtract(cidr string, exceptions []string) []string {
	whole, err := netip.ParsePrefix(cidr)
	if err != nil || !whole.Addr().Is4() {
		return nil
	}
	left := []netip.Prefix{whole.Masked()}
	for _, text := range exceptions {
		exception, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		var next []netip.Prefix
		for _, prefix := range left {
			next = append(next, without(prefix, exception.Masked())...)
		}
		left = next
	}
	texts := make([]string, 0, len(left))
	for _, prefix := range left {
		texts = append(texts, prefix.String())
	}
	return texts
}

// without halves a range until the exception is one of the halves.
func without(prefix, exception netip.Prefix) []netip.Prefix {
	if !prefix.Overlaps(exception) {
		return []netip.Prefix{prefix}
	}
	if exception.Bits() <= prefix.Bits() {
		return nil
	}
	lower := netip.PrefixFrom(prefix.Addr(), prefix.Bits()+1)
	bytes := prefix.Addr().As4()
	bytes[prefix.Bits()/8] |= 0x80 >> (prefix.Bits() % 8)
	upper := netip.PrefixFrom(netip.AddrFrom4(bytes), prefix.Bits()+1)
	return append(without(lower, exception), without(upper, exception)...)
}
