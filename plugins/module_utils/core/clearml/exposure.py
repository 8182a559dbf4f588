# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What leads from the host cluster to a tenant's application gateway (CML-5).

k3k does not expose workloads of a virtual cluster. The pods of its agents are its nodes, so a Service on the host that points
at them reaches what listens on these nodes: the ingress controller of k3s (port 80 by its servicelb), and each port of a
Service of type LoadBalancer or NodePort. Inferred from k3k's and k3s' sources; nobody has seen it work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .. import names
from ..errors import Problems
from ..names import LABEL_TENANT

Options = Mapping[str, Any]
Ports = tuple[int, int]

#: Names of the objects in the tenant's namespace on the host: the Service with the Ingress, the Service for TCP sessions.
NAME, SESSIONS, TLS_SECRET = "clearml-gateway", "clearml-gateway-tcp", "clearml-gateway-tls"
#: Where the ingress controller inside listens on each node of the virtual cluster.
HTTP_PORT = 80
#: What may be said about the exposure. The first must be.
FIELDS = ("ingress_class", "ingress_namespace", "issuer", "tls_secret", "annotations")
INGRESS_NAMESPACE = "kube-system"
PORTS_ALLOWED = "two ports 1-65535 such as 30000-30019, the lower one first, at most 256"
_PORTS = re.compile(r"(\d{1,5})-(\d{1,5})")
_MOST_PORTS = 256


def check(place: str, exposure: Options, problems: Problems) -> None:
    """Record what is wrong with an exposure; an empty one stands for none."""
    if not exposure:
        return
    for field, value in exposure.items():
        if field not in FIELDS:
            problems.add(f"{place}.{field}", value, f"only {', '.join(FIELDS)}")
        elif field == "annotations":
            if not isinstance(value, Mapping):
                problems.add(f"{place}.{field}", value, "a mapping of annotations")
        elif not names.is_dns_subdomain(value):
            problems.add(f"{place}.{field}", value, "the name of an object")
    if "ingress_class" not in exposure:
        problems.add(f"{place}.ingress_class", "", "the ingress class of the host cluster")
    if exposure.get("issuer") and exposure.get("tls_secret"):
        problems.add(f"{place}.tls_secret", exposure["tls_secret"], "not together with issuer, which makes one")


def read_ports(place: str, given: Mapping[str, Any], problems: Problems) -> dict[str, Ports]:
    """Ranges of TCP sessions by tenant; none is said twice, for clients reach them all through one network."""
    found: dict[str, Ports] = {}
    for name, text in given.items():
        ports = parse_ports(text)
        if ports is None:
            problems.add(f"{place}.{name}", text, PORTS_ALLOWED)
            continue
        for other, taken in found.items():
            if ports[0] <= taken[1] and taken[0] <= ports[1]:
                allowed = f"ports of its own; {place}.{other} is {taken[0]}-{taken[1]}"
                problems.add(f"{place}.{name}", text, allowed)
        found[name] = ports
    return found


def parse_ports(text: Any) -> Optional[Ports]:
    """Read C(30000-30019); None for what is no such range."""
    match = _PORTS.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    start, end = int(match[1]), int(match[2])
    return (start, end) if 1 <= start <= end <= 65535 and end - start < _MOST_PORTS else None


def objects_needed(exposure: Options, ports: Optional[Ports]) -> dict[str, int]:
    """Which objects with a quota L(stages) makes in the tenant's namespace, by the keys of a ResourceQuota.

    The Service inside the virtual cluster counts nothing: k3k does not copy Services to the host in virtual mode. Ours on the
    host counts as a load balancer, and each of its ports as a node port, for it leaves C(allocateLoadBalancerNodePorts) as it
    is by default, true (Kubernetes, quota of services).
    """
    if not exposure or ports is None:
        return {}
    return {"services.loadbalancers": 1, "services.nodeports": ports[1] - ports[0] + 1}


def ways(exposure: Options, ports: str, nodes: Sequence[str]) -> list[dict[str, Any]]:
    """The ways through the fence of a tenant's namespace, as allow_ingress of tenant_guard.

    ports: such as C(30000-30019), empty for none. nodes: networks of the host's nodes, from which a load balancer's
    connections come.
    """
    if not exposure:
        return []
    way = {"proto": "TCP", "why": "application gateway"}
    namespace = exposure.get("ingress_namespace") or INGRESS_NAMESPACE
    found = [{"namespace": namespace, "ports": [str(HTTP_PORT)], **way}]
    return found + [{"cidr": cidr, "ports": [ports], **way} for cidr in nodes if ports]


def stages(
    tenant: Mapping[str, Any], exposure: Options, host: str, ports: Optional[Ports], load_balancer_class: str = ""
) -> list[dict[str, Any]]:
    """The objects on the host as stages of platform_objects; those that are not wanted are removed.

    host: of the gateway, empty where there is to be none. ports: of TCP sessions.
    """
    if not exposure:
        return []
    http = {"name": "http", "port": HTTP_PORT, "targetPort": HTTP_PORT, "protocol": "TCP"}
    service = _service(tenant, NAME, [http], type="ClusterIP")
    ingress = _ingress(tenant, exposure, host)
    first, last = ports or (0, -1)
    listed = [
        {"name": f"tcp-{port}", "port": port, "targetPort": port, "protocol": "TCP"} for port in range(first, last + 1)
    ]
    more = {"loadBalancerClass": load_balancer_class} if load_balancer_class else {}
    sessions = _service(tenant, SESSIONS, listed, type="LoadBalancer", **more)
    wanted = [service, ingress, *([sessions] if ports else [])] if host else []
    unwanted = [item for item in (service, ingress, sessions) if item not in wanted]
    result = [{"name": "way to the gateway", "objects": wanted}] if wanted else []
    if unwanted:
        heads = [{key: item[key] for key in ("apiVersion", "kind", "metadata")} for item in unwanted]
        result.append({"name": "no way to the gateway", "state": "absent", "objects": heads})
    return result


def _service(tenant: Mapping[str, Any], name: str, ports: Sequence[Options], **spec: Any) -> dict[str, Any]:
    # The labels that k3k gives to the pods of agents.
    selector = {"cluster": tenant["cluster"]["name"], "type": "agent", "mode": "virtual"}
    metadata = {"name": name, "labels": {LABEL_TENANT: tenant["id"]}}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {**spec, "selector": selector, "ports": list(ports)},
    }


def _ingress(tenant: Mapping[str, Any], exposure: Options, host: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": NAME, "labels": {LABEL_TENANT: tenant["id"]}}
    annotations = dict(exposure.get("annotations") or {})
    if exposure.get("issuer"):
        annotations["cert-manager.io/cluster-issuer"] = exposure["issuer"]
    if annotations:
        metadata["annotations"] = annotations
    backend = {"service": {"name": NAME, "port": {"number": HTTP_PORT}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec: dict[str, Any] = {"ingressClassName": exposure["ingress_class"], "rules": [rule]}
    secret = TLS_SECRET if exposure.get("issuer") else exposure.get("tls_secret")
    if secret:
        spec["tls"] = [{"hosts": [host], "secretName": secret}]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
