# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The NetworkPolicies of one tenant: nothing in, nothing out, and each way with a name of its own.

One policy per purpose, so that C(kubectl get networkpolicy) reads as the list of ways. NetworkPolicies add up; nothing
here bites while k3k's own policy is on (VirtualClusterPolicy C(disableNetworkPolicy: true) is needed).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..names import LABEL_PREFIX
from ..network import Network, overlap, parse_network
from .request import Fence, Surroundings
from .ways import HOST_DNS, HostNetworks, Way

#: Ports of k3k's server pods: the API and etcd (Service C(k3k-NAME-service) 443 and 2379, controller v1.2.0-rc4).
API_PORT, ETCD_PORT, KUBELET_PORT, DNS_PORT = 6443, 2379, 10250, 53
#: What is not the internet, for IPv4 (RFC 1918, 6598, 3927, loop-back) and IPv6 (RFC 4193, 4291).
_NOT_INTERNET = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
_NOT_INTERNET_6 = ("fc00::/7", "fe80::/10", "::1/128")
#: Annotation that says in words what a policy opens.
ANNOTATION_WHY = LABEL_PREFIX + "opens"

Rule = dict[str, Any]


def policies(fence: Fence, around: Surroundings) -> dict[str, tuple[dict[str, Any], str]]:
    """The tenant's policies: name -> (spec, what it opens in words), in the order in which they are to be written."""
    found: dict[str, tuple[dict[str, Any], str]] = {
        "default-deny": ({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "nothing, in both directions"),
        "allow-tenant": (
            _spec(ingress=[{"from": [{"podSelector": {}}]}], egress=[{"to": [{"podSelector": {}}]}]),
            "everything between the tenant's own pods",
        ),
    }
    if fence.dns:
        found["allow-dns"] = (_spec(egress=[_dns(fence.dns)]), f"DNS: {', '.join(fence.dns)}")
    found["allow-controller"] = (
        _spec(ingress=[_from(_namespace(around.controller_namespace), API_PORT, ETCD_PORT)]),
        f"the k3k controller in {around.controller_namespace} to API and etcd",
    )
    found.update(_exposure(fence, around))
    if around.monitoring_namespace:
        found["allow-monitoring"] = (
            _spec(ingress=[_from(_namespace(around.monitoring_namespace), API_PORT, KUBELET_PORT)]),
            f"monitoring in {around.monitoring_namespace} to API and kubelet",
        )
    if fence.ingress:
        rules = [{"from": [_peer(way)], "ports": _ports(way)} for way in fence.ingress]
        found["allow-ingress"] = (_spec(ingress=rules), _in_words(fence.ingress))
    if fence.egress:
        rules = [{"to": [_peer(way)], "ports": _ports(way)} for way in fence.egress]
        found["allow-egress"] = (_spec(egress=rules), _in_words(fence.egress))
    if fence.internet:
        found["allow-internet"] = (
            _spec(egress=[{"to": _internet(around.networks)}]),
            "the internet, without private networks and the platform's own",
        )
    return found


def _exposure(fence: Fence, around: Surroundings) -> dict[str, tuple[dict[str, Any], str]]:
    """How clients reach the tenant's API from outside."""
    if fence.expose == "ingress" and around.ingress_namespace:
        rule = _from(_namespace(around.ingress_namespace), API_PORT)
        return {
            "allow-ingress-controller": (
                _spec(ingress=[rule]),
                f"the ingress controller in {around.ingress_namespace} to the API",
            )
        }
    if fence.expose in ("node_port", "load_balancer"):
        # kube-proxy forwards with a node's address as source (externalTrafficPolicy Cluster, which k3k's Service has).
        peers = [{"ipBlock": {"cidr": cidr}} for cidr in around.networks.nodes]
        rule = {"from": peers, "ports": _tcp(API_PORT)}
        return {"allow-nodes": (_spec(ingress=[rule]), f"clients through the nodes ({fence.expose}) to the API")}
    return {}


def _spec(ingress: Sequence[Rule] = (), egress: Sequence[Rule] = ()) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": {}, "policyTypes": []}
    for direction, rules in (("ingress", ingress), ("egress", egress)):
        if rules:
            spec["policyTypes"].append(direction.capitalize())
            spec[direction] = list(rules)
    return spec


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _from(peer: dict[str, Any], *ports: int) -> Rule:
    return {"from": [peer], "ports": _tcp(*ports)}


def _tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _peer(way: Way) -> dict[str, Any]:
    return {"ipBlock": {"cidr": way.cidr}} if way.cidr else _namespace(way.namespace)


def _ports(way: Way) -> list[dict[str, Any]]:
    return [
        {"protocol": way.protocol, "port": first, **({"endPort": last} if last != first else {})}
        for first, last in way.ports
    ]


def _dns(servers: Iterable[str]) -> Rule:
    peers = []
    for server in servers:
        if server == HOST_DNS:
            # Label of the DNS pods in every Kubernetes distribution, RKE2's CoreDNS included.
            peers.append({**_namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}})
        else:
            peers.append({"ipBlock": {"cidr": server}})
    return {"to": peers, "ports": [{"protocol": proto, "port": DNS_PORT} for proto in ("UDP", "TCP")]}


def _internet(networks: HostNetworks) -> list[dict[str, Any]]:
    """IPv4, and IPv6 when the host cluster has any; without what is private and what is the platform's."""
    ours = [parse_network(cidr) for _what, cidr in networks.protected]
    peers = [_world("0.0.0.0/0", _NOT_INTERNET, [network for network in ours if network.version == 4])]
    sixes = [network for network in ours if network.version == 6]
    if sixes:
        peers.append(_world("::/0", _NOT_INTERNET_6, sixes))
    return peers


def _world(cidr: str, private: Sequence[str], ours: Sequence[Network]) -> dict[str, Any]:
    networks = list(dict.fromkeys([*map(parse_network, private), *ours]))
    # What lies inside another entry would only cost a rule on every node.
    outer = [
        network
        for network in networks
        if not any(overlap(network, other) and other.prefixlen < network.prefixlen for other in networks)
    ]
    return {"ipBlock": {"cidr": cidr, "except": [str(network) for network in outer]}}


def _in_words(ways: Sequence[Way]) -> str:
    return "; ".join(str(way) for way in ways)
