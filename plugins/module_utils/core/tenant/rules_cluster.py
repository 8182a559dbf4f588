# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules about a tenant's virtual cluster and its nodes."""

from __future__ import annotations

from typing import Optional

from .. import names, network
from ..redact import MASK
from . import options
from .case import Case
from .cluster import PodResources

#: hcp came with this version of k3k.
HCP_SINCE = (1, 2, 0)
NODE_PORTS = range(30000, 32768)
LOAD_BALANCER_PORT = 443
#: Largest service networks that the API server takes, as the shortest prefix length by IP version.
_SHORTEST_SERVICE_PREFIX = {4: 12, 6: 108}


def check_resources(case: Case) -> None:
    """Container limits and pod-level resources exclude each other: k3k clears the former when it sees the latter."""
    cluster = case.tenant.cluster
    pairs = (
        ("server", cluster.server_limit, cluster.server_resources),
        ("worker", cluster.worker_limit, cluster.worker_resources),
    )
    for role, limit, pod in pairs:
        place = f"cluster.{role}_resources"
        if limit and pod is not None:
            case.add(place, "set together with a limit", f"either this or cluster.{role}_limit, not both")
        _check_requests(case, place, pod)
    granted = [name for name, count in case.tenant.quota.accelerators.items() if count]
    if cluster.worker_resources is not None and granted and not cluster.worker_limit:
        allowed = f"cluster.worker_limit instead: pod-level resources cannot carry {', '.join(granted)}"
        case.add("cluster.worker_resources", "set although accelerators are granted", allowed)


def _check_requests(case: Case, place: str, pod: Optional[PodResources]) -> None:
    if pod is None:
        return
    for name, amount in pod.requests.items():
        if name in pod.limits and amount > pod.limits[name]:
            case.add(f"{place}.requests[{name}]", str(amount), f"at most the limit, {pod.limits[name]}")


def check_storage(case: Case) -> None:
    """Without a volume, every change that restarts a server loses the tenant, and several servers split."""
    cluster, level = case.tenant.cluster, case.tenant.isolation.level
    if not case.sound("cluster.storage", "cluster.external_datastore", "isolation.level", "cluster.servers"):
        return
    if cluster.storage.type == "ephemeral":
        if cluster.servers > 1:
            case.add("cluster.servers", cluster.servers, "1 with storage.type ephemeral: several servers would split")
        if level != "sandboxed" or cluster.external_datastore is None:
            allowed = "dynamic; ephemeral only with isolation.level sandboxed and cluster.external_datastore"
            case.add("cluster.storage.type", "ephemeral", allowed)
    elif level == "sandboxed":
        allowed = "ephemeral, with cluster.external_datastore, when isolation.level is sandboxed"
        case.add("cluster.storage.type", cluster.storage.type, allowed)


def check_isolation(case: Case) -> None:
    """Each level of isolation needs what makes it true."""
    isolation = case.tenant.isolation
    if not case.sound("isolation"):
        return
    if isolation.level in ("dedicated", "private") and not isolation.nodes and not isolation.node_selector:
        allowed = f"with isolation.nodes or isolation.node_selector that name the {isolation.level} nodes"
        case.add("isolation.level", isolation.level, allowed)
    if isolation.level == "sandboxed" and isolation.runtime_class is None:
        case.add("isolation.runtime_class", None, "a RuntimeClass of the host; sandboxed needs it")
    gpus = {**case.tenant.quota.accelerators, **_devices(case)}
    if isolation.level == "shared" and any(gpus.values()) and not isolation.accept_risk:
        allowed = "true, to accept that on shared nodes a tenant can use every GPU of the node, whatever its quota"
        case.add("isolation.accept_risk", False, allowed)


def _devices(case: Case) -> dict[str, int]:
    limit = case.tenant.cluster.worker_limit
    return {name: amount.to_int() for name, amount in limit.items() if names.is_extended_resource(name)}


def check_networks(case: Case) -> None:
    """The inner networks overlap neither each other nor the host's; DNS lies in the service network."""
    cluster, fleet = case.tenant.cluster, case.fleet.networks
    inner = {
        place: network.parse_network(getattr(cluster, place))
        for place in ("cluster_cidr", "service_cidr")
        if case.sound(f"cluster.{place}")
    }
    host = [(f"fleet.networks.{name}", network.parse_network(text)) for name, text in fleet.named()]
    for place, own in inner.items():
        for name, other in network.overlapping(own, host):
            case.add(f"cluster.{place}", str(own), f"a network that does not overlap {name} {other}")
    if len(inner) == 2 and network.overlap(inner["cluster_cidr"], inner["service_cidr"]):
        allowed = f"a network that does not overlap cluster_cidr {cluster.cluster_cidr}"
        case.add("cluster.service_cidr", cluster.service_cidr, allowed)
    if len(inner) == 2 and inner["cluster_cidr"].version != inner["service_cidr"].version:
        allowed = f"a network of the same IP version as cluster_cidr {cluster.cluster_cidr}"
        case.add("cluster.service_cidr", cluster.service_cidr, allowed)
    service = inner.get("service_cidr")
    if service is None:
        return
    shortest = _SHORTEST_SERVICE_PREFIX[service.version]
    if service.prefixlen < shortest:
        case.add("cluster.service_cidr", str(service), f"a network of /{shortest} or smaller")
    dns = cluster.cluster_dns
    if dns is not None and not network.contains(service, network.parse_address(dns)):
        case.add("cluster.cluster_dns", dns, f"an address inside service_cidr {service}")


def check_hcp(case: Case) -> None:
    """A hosted control plane has no agents: real nodes join it from outside."""
    cluster = case.tenant.cluster
    if cluster.mode != "hcp":
        return
    wrong = {
        "cluster.agents": cluster.agents,
        "cluster.worker_limit": cluster.worker_limit,
        "cluster.worker_resources": cluster.worker_resources,
        "quota.accelerators": case.tenant.quota.accelerators,
    }
    for place, value in wrong.items():
        if value:
            why = "computed from the nodes that join" if place.startswith("quota") else "mode hcp has no agents"
            case.add(place, value if isinstance(value, int) else "set", f"nothing; {why}")
    if cluster.expose.type == "none":
        case.add(
            "cluster.expose.type", "none", "ingress, loadBalancer or nodePort: nodes of mode hcp join from outside"
        )
    floor = case.fleet.minimum_versions.k3k
    numbers = tuple(int(part) for part in floor.lstrip("v").split("-")[0].split("+")[0].split(".") if part.isdigit())
    if numbers < HCP_SINCE:
        case.add("cluster.mode", "hcp", f"virtual, as fleet.minimum_versions.k3k is {floor}; hcp needs 1.2.0")


def check_expose(case: Case) -> None:
    """The way in must be one that k3k can really build."""
    expose = case.tenant.cluster.expose
    if not case.sound("cluster.expose"):
        return
    if expose.type == "ingress":
        if not names.is_host(expose.host):
            case.add("cluster.expose.host", expose.host, f"{names.HOST_ALLOWED}; an ingress needs it")
        if "traefik" in (expose.ingress_class or ""):
            allowed = (
                "a class whose controller passes TLS through (Traefik's Ingress does not); or expose.type loadBalancer"
            )
            case.add("cluster.expose.class", expose.ingress_class, allowed)
    if expose.port is None:
        return
    if expose.type == "nodePort" and expose.port not in NODE_PORTS:
        allowed = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}; k3k silently drops others"
        case.add("cluster.expose.port", expose.port, allowed)
    if expose.type == "loadBalancer" and expose.port != LOAD_BALANCER_PORT:
        case.add("cluster.expose.port", expose.port, "443: agents and further servers join through that port")
    if expose.type in ("ingress", "none"):
        case.add("cluster.expose.port", expose.port, f"nothing with expose.type {expose.type}")


def check_options(case: Case) -> None:
    """Options for k3s must survive the shell and leave alone what k3k or the collection decides."""
    checks = (("server_args", options.server_option_problem), ("agent_args", options.agent_option_problem))
    for field, problem_of in checks:
        for position, text in enumerate(getattr(case.tenant.cluster, field)):
            allowed = problem_of(text)
            if allowed:
                shown = MASK if options.carries_secret(text) else text
                case.add(f"cluster.{field}[{position}]", shown, allowed)


RULES = (
    check_resources,
    check_storage,
    check_isolation,
    check_networks,
    check_hcp,
    check_expose,
    check_options,
)
