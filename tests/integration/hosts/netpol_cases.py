# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the laboratory's network policies must do: policies in namespace C(t), and who reaches what under them.

Pods: t/target and u/near on one node, t/friend and u/far on the other. Every pod serves TCP 8080 (named web) and 9090,
and UDP 8053. Braces in a policy stand for the address of a pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Pod to (node, labels).
PODS: Mapping[str, tuple[str, str]] = {
    "t/target": ("agent-1", "app=target"),
    "u/near": ("agent-1", "app=probe"),
    "t/friend": ("agent-2", "app=probe"),
    "u/far": ("agent-2", "app=probe"),
}

TO_TARGET = ("t/friend", "u/near", "u/far")


@dataclass(frozen=True)
class Case:
    """One set of policies. spec: of one NetworkPolicy in t, as YAML in flow style, or nothing for no policy.

    open: the connections "from > to:port" that work; all other probes must be blocked. "service" is t/target's.
    """

    spec: str
    open: frozenset[str]


#: Every connection that is tried in every case.
PROBES = frozenset(
    [f"{source} > t/target:{port}" for source in TO_TARGET for port in ("8080", "9090", "8053/udp")]
    + [f"{source} > service:80" for source in TO_TARGET]
    + [f"t/target > {target}:{port}" for target in TO_TARGET for port in ("8080", "9090")]
)


def but(*blocked: str) -> frozenset[str]:
    """Return all probes without those that begin with one of the texts."""
    return frozenset(probe for probe in PROBES if not probe.startswith(blocked))


def only(*allowed: str) -> frozenset[str]:
    """Return these connections to the target and all from it."""
    return frozenset(allowed) | {probe for probe in PROBES if probe.startswith("t/target >")}


def ingress(rules: str) -> str:
    """Return a policy for the target's ingress."""
    return f"{{podSelector: {{matchLabels: {{app: target}}}}, policyTypes: [Ingress], ingress: [{rules}]}}"


def egress(rules: str) -> str:
    """Return a policy for the target's egress."""
    return f"{{podSelector: {{matchLabels: {{app: target}}}}, policyTypes: [Egress], egress: [{rules}]}}"


CASES: Mapping[str, Case] = {
    "none": Case("", PROBES),
    "default deny ingress": Case("{podSelector: {}, policyTypes: [Ingress]}", but("t/target > t/", *(
        f"{source} >" for source in TO_TARGET))),
    "pods of the own namespace on one port": Case(
        ingress("{from: [{podSelector: {matchLabels: {app: probe}}}], ports: [{port: 8080}]}"),
        only("t/friend > t/target:8080", "t/friend > service:80")),
    "a namespace on a named port": Case(
        ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: u}}}], ports: [{port: web}]}"),
        only("u/near > t/target:8080", "u/near > service:80", "u/far > t/target:8080", "u/far > service:80")),
    "a range of addresses with an exception": Case(
        ingress("{from: [{ipBlock: {cidr: 10.62.0.0/16, except: ['{u/far}/32']}}], ports: [{port: 8080}]}"),
        only("t/friend > t/target:8080", "t/friend > service:80", "u/near > t/target:8080", "u/near > service:80")),
    "a range of ports": Case(
        ingress("{ports: [{port: 9000, endPort: 9100}]}"), only(*(f"{source} > t/target:9090" for source in TO_TARGET))),
    "UDP": Case(
        ingress("{ports: [{port: 8053, protocol: UDP}]}"), only(*(f"{source} > t/target:8053/udp" for source in TO_TARGET))),
    "default deny egress": Case(egress(""), but("t/target >")),
    "egress to pods of a namespace on one port": Case(
        egress("{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: u}}}], ports: [{port: 9090}]}"),
        but("t/target >") | {"t/target > u/near:9090", "t/target > u/far:9090"}),
    "egress to a range of addresses": Case(
        egress("{to: [{ipBlock: {cidr: '{t/friend}/32'}}]}"),
        but("t/target >") | {"t/target > t/friend:8080", "t/target > t/friend:9090"}),
    "none again": Case("", PROBES),
}  # fmt: skip
