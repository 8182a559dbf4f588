# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From one declared tenant to what each module is asked to do: the way of a tenant through the platform, as data.

Every function takes tenants and fleet in the plain form that C(TenantsFile.to_dict) gives, because that is what Ansible
hands around, and returns the options of one module by their Ansible names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from . import later
from .clearml import exposure
from .durations import seconds_of
from .errors import Problems
from .probes import PROBES

Tenant = Mapping[str, Any]

PRESENT, ABSENT = "present", "absent"
#: How an exposure is called in the tenants file and in the options of k3k_cluster.
_EXPOSE = {"none": "none", "nodePort": "node_port", "loadBalancer": "load_balancer", "ingress": "ingress"}
#: What a container gets that states nothing itself; without it the base quota would refuse it.
_LIMIT_RANGE = {"default": {"cpu": "1", "memory": "1Gi"}, "default_request": {"cpu": "100m", "memory": "128Mi"}}
#: The Secret in the tenant's namespace that keeps the pair of the tenant's ClearML agent.
AGENT_CREDENTIALS = "clearml-agent-credentials"


@dataclass(frozen=True)
class Site:
    """What the inventory says beside the tenants file.

    api_host: name or address under which node ports are reached. kubeconfig_dir: where kubeconfigs are written, or
    empty. images: the k3k server and agent images that may run in tenants' namespaces; empty for the module's default.
    gateways: how tenants' application gateways are reached: C(exposure) as L(clearml.exposure.check) takes it, C(ports) by
    tenant, C(nodes), networks of the nodes; empty for not at all.
    """

    api_host: str = ""
    kubeconfig_dir: str = ""
    images: tuple[str, ...] = field(default=())
    gateways: Mapping[str, Any] = field(default_factory=dict)


def chosen(tenants: Sequence[Tenant], only: Iterable[str] = ()) -> list[Tenant]:
    """The tenants to work on: those of C(only), or all. Absent ones are left to the offboarding playbook.

    Raises ConfigError for an id that is not declared, and for what this version cannot do yet.
    """
    problems = Problems()
    known = {tenant["id"]: tenant for tenant in tenants}
    wanted = list(only) or list(known)
    for identity in wanted:
        if identity not in known:
            problems.add("tenants_only", identity, f"ids of the tenants file: {', '.join(known) or 'it has none'}")
        elif known[identity]["state"] != ABSENT:
            later.refuse(known[identity], problems)
    problems.raise_if_any("choice of tenants")
    return [known[identity] for identity in wanted if known[identity]["state"] == PRESENT]


def guard(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(tenant_guard)."""
    network, security = tenant["network"], tenant["security"]
    images = list(security["admission_images"]) or list(site.images)
    return {
        "tenant": tenant["id"],
        "namespace": tenant["namespace"],
        "labels": dict(tenant["labels"]),
        "limit_range": _LIMIT_RANGE,
        "network": {
            "internet": network["internet"],
            "allow_egress": network["allow_egress"],
            "allow_ingress": [*network["allow_ingress"], *_ways_to_gateway(tenant, site)],
            "dns": network["dns"] if isinstance(network["dns"], list) else [network["dns"]],
            "expose": _EXPOSE[tenant["cluster"]["expose"]["type"]],
        },
        "admission": {"mode": security["vap"], **({"images": images} if images else {})},
    }


def _way_in(tenant: Tenant, site: Site) -> tuple[Mapping[str, Any], str]:
    """The exposure of a tenant's gateway, empty where there is none, and the ports of its TCP sessions as text."""
    clearml = tenant["clearml"]
    if not (clearml["enabled"] and clearml["app_gateway"]["enabled"]):
        return {}, ""
    return site.gateways.get("exposure") or {}, (site.gateways.get("ports") or {}).get(tenant["id"]) or ""


def _ways_to_gateway(tenant: Tenant, site: Site) -> list[dict[str, Any]]:
    return exposure.ways(*_way_in(tenant, site), site.gateways.get("nodes") or ())


def _objects(tenant: Tenant, site: Site) -> dict[str, int]:
    """Limits on numbers of objects: those of the tenants file, and on top of them what leads to the gateway."""
    given, ports = _way_in(tenant, site)
    needed = exposure.objects_needed(given, exposure.parse_ports(ports))
    declared = tenant["quota"]["objects"]
    return {**declared, **{name: declared.get(name, 0) + count for name, count in needed.items()}}


def quota(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(gpu_quota)."""
    wanted, isolation, cluster = tenant["quota"], tenant["isolation"], tenant["cluster"]
    return _without_none(
        {
            "tenant": tenant["id"],
            "namespace": tenant["namespace"],
            "labels": dict(tenant["labels"]),
            "resources": wanted["accelerators"],
            "guaranteed": wanted["guaranteed"],
            "device_classes": wanted["device_classes"],
            "on_reduce": wanted["on_reduce"],
            "base": _without_none(
                {
                    "cpu": wanted["cpu"],
                    "memory": wanted["memory"],
                    "pods": wanted["pods"],
                    "storage": (wanted["storage"] or {}).get("total"),
                    "storage_classes": (wanted["storage"] or {}).get("classes"),
                    "objects": _objects(tenant, site),
                }
            ),
            "cluster": {
                "servers": cluster["servers"],
                "agents": cluster["agents"],
                "server_limit": cluster["server_limit"] or {},
                "worker_limit": cluster["worker_limit"] or {},
            },
            "isolation": isolation["level"],
            "nodes": isolation["nodes"],
            "node_selector": isolation["node_selector"],
        }
    )


def company(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(clearml_tenant)."""
    wanted = tenant["clearml"]
    store = {"namespace": tenant["namespace"], "name": AGENT_CREDENTIALS}
    return _without_none(
        {
            "id": tenant["id"],
            "company": wanted["company"],
            "admin": wanted["admin"],
            "allowed_users": wanted["allowed_users"],
            "features": wanted["features"] or None,
            "exclude_features": wanted["exclude_features"] or None,
            # Nothing said means not managed: what the tenant's administrator set stays.
            "domains": wanted["login"]["domains"] or None,
            "whitelist": wanted["login"]["whitelist"] or None,
            "credentials": [{"purpose": "agent", "store": store}],
        }
    )


def queues(tenant: Tenant, site: Site) -> list[dict[str, Any]]:
    """Options of the items of C(clearml_queue) for one tenant."""
    wanted = tenant["clearml"]
    return [
        {
            "tenant": tenant["id"],
            "name": queue["name"],
            "company": wanted["company"],
            "admin_email": wanted["admin"]["email"],
        }
        for queue in wanted["queues"]
    ]


def cluster(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(k3k_cluster)."""
    wanted, isolation = tenant["cluster"], tenant["isolation"]
    storage = wanted["storage"] or {}
    return _without_none(
        {
            "tenant": tenant["id"],
            "name": wanted["name"],
            "namespace": tenant["namespace"],
            "version": wanted["version"],
            "servers": wanted["servers"],
            "agents": wanted["agents"],
            "server_limit": wanted["server_limit"],
            "worker_limit": wanted["worker_limit"],
            "server_resources": wanted["server_resources"],
            "worker_resources": wanted["worker_resources"],
            "cluster_cidr": wanted["cluster_cidr"],
            "service_cidr": wanted["service_cidr"],
            "cluster_dns": wanted["cluster_dns"],
            "persistence": _without_none(
                {
                    "type": storage.get("type"),
                    "storage_class_name": storage.get("class"),
                    "storage_request_size": storage.get("size"),
                }
            ),
            "expose": _expose(wanted["expose"]),
            "kubeconfig_server": api_host(tenant, site) or None,
            "tls_sans": wanted["tls_sans"] or None,
            "server_args": wanted["server_args"] or None,
            "agent_args": wanted["agent_args"] or None,
            **_placement(isolation),
            "runtime_class_name": isolation["runtime_class"],
            "host_users": isolation["host_users"],
        }
    )


def _placement(isolation: Mapping[str, Any]) -> dict[str, Any]:
    """Where servers and agents run: nodes by name or by label; servers in a pool of their own if there is one.

    Affinities stand in the Cluster and not in its policy: a policy's affinity reaches the pods late and restarts them.
    """
    names, labels, pool = isolation["nodes"], isolation["node_selector"], isolation["control_plane_pool"]
    if labels and not names and not pool:
        return {"node_selector": labels}
    own = _required("kubernetes.io/hostname", names) if names else _required_all(labels) if labels else None
    return {"server_affinity": _required_all(pool) if pool else own, "agent_affinity": own}


def _required(label: str, values: Sequence[str]) -> dict[str, Any]:
    return _node_affinity([{"key": label, "operator": "In", "values": sorted(values)}])


def _required_all(labels: Mapping[str, str]) -> dict[str, Any]:
    return _node_affinity([{"key": key, "operator": "In", "values": [value]} for key, value in sorted(labels.items())])


def _node_affinity(expressions: list[dict[str, Any]]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _expose(wanted: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"type": _EXPOSE[wanted["type"]]}
    if wanted["type"] == "nodePort" and wanted.get("port"):
        result["server_port"] = wanted["port"]
    if wanted["type"] == "ingress" and wanted.get("class"):
        result["ingress_class_name"] = wanted["class"]
    return result


def is_exposed(tenant: Tenant) -> bool:
    """Whether the tenant's API is reached from outside the host cluster."""
    return bool(tenant["cluster"]["expose"]["type"] != "none")


def api_host(tenant: Tenant, site: Site) -> str:
    """Under which host the tenant reaches its API: declared, or for node ports the site's; empty when not exposed."""
    expose = tenant["cluster"]["expose"]
    if not is_exposed(tenant):
        return ""
    return str(expose.get("host") or (site.api_host if expose["type"] == "nodePort" else ""))


def kubeconfig(tenant: Tenant, site: Site, server: str) -> dict[str, Any]:
    """Options of one item of C(k3k_kubeconfig). server: the URL that k3k_cluster reported; may not be known yet."""
    wanted = tenant["access"]["kubeconfig"]
    return _without_none(
        {
            "tenant": tenant["id"],
            "namespace": tenant["namespace"],
            "cluster": tenant["cluster"]["name"],
            "server": server or f"https://{api_host(tenant, site) or 'not-known-yet'}",
            "dest": f"{site.kubeconfig_dir}/{tenant['id']}.yaml" if site.kubeconfig_dir else None,
            "ttl": seconds_of(wanted["ttl"]),
            "rotate_before": seconds_of(wanted["rotate_before"]),
            "group": wanted["group"],
        }
    )


def company_info(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(clearml_tenant_info)."""
    wanted = tenant["clearml"]
    return {"id": tenant["id"], "company": wanted["company"], "admin_email": wanted["admin"]["email"]}


def company_inside(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(clearml_info), which then uses the pair of the tenant and not the platform's."""
    store = {"namespace": tenant["namespace"], "name": AGENT_CREDENTIALS}
    return {"tenant": tenant["id"], "company": tenant["clearml"]["company"], "store": store}


def task(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(clearml_task_probe): the queue whose jobs need the fewest devices."""
    queue = min(tenant["clearml"]["queues"], key=lambda each: each["gpu"])
    return {**company_inside(tenant, site), "queue": queue["name"]}


def probe(tenant: Tenant, site: Site) -> dict[str, Any]:
    """Options of one item of C(tenant_probe). Probes that this version does not have are left out."""
    verify = tenant["verify"]
    asked = list(PROBES) if verify["probes"] == "all" else [name for name in verify["probes"] if name in PROBES]
    clearml = tenant["clearml"]["enabled"]
    impossible = {*verify["skip"], *(() if clearml else ("C1",)), *(() if is_exposed(tenant) else ("K1",))}
    return _without_none(
        {
            "tenant": tenant["id"],
            "namespace": tenant["namespace"],
            "cluster": tenant["cluster"]["name"],
            "isolation": tenant["isolation"]["level"],
            "accept_risk": tenant["isolation"]["accept_risk"],
            "company": tenant["clearml"]["company"] if clearml else None,
            "credentials_secret": AGENT_CREDENTIALS if clearml else None,
            "probes": [name for name in asked if name not in impossible],
            "fail_on": [name for name in verify["fail_on"] if name in PROBES],
        }
    )


_SINGLE: dict[str, Callable[[Tenant, Site], dict[str, Any]]] = {
    "guard": guard,
    "quota": quota,
    "cluster": cluster,
    "company": company,
    "company_info": company_info,
    "company_inside": company_inside,
    "task": task,
    "probe": probe,
}
KINDS = (*_SINGLE, "queue", "kubeconfig")


def requests_for(
    kind: str, tenants: Sequence[Tenant], site: Site, servers: Optional[Mapping[str, str]] = None
) -> list[dict[str, Any]]:
    """All items of one module for these tenants. kind: one of KINDS. servers: for kubeconfigs, tenant id -> URL.

    Raises ConfigError with every range of ports that cannot be, where kind asks for them.
    """
    if kind in ("guard", "quota"):
        problems = Problems()
        exposure.read_ports("tenants_gateway_ports", site.gateways.get("ports") or {}, problems)
        problems.raise_if_any("ClearML gateways")
    if kind in ("company", "company_info", "company_inside", "queue", "task"):
        tenants = [tenant for tenant in tenants if tenant["clearml"]["enabled"]]
    if kind == "task":
        tenants = [tenant for tenant in tenants if tenant["clearml"]["queues"]]
    if kind == "queue":
        return [item for tenant in tenants for item in queues(tenant, site)]
    if kind == "kubeconfig":
        # Into a virtual cluster that is not exposed there is no way from here.
        tenants = [tenant for tenant in tenants if is_exposed(tenant)]
        return [kubeconfig(tenant, site, (servers or {}).get(tenant["id"], "")) for tenant in tenants]
    return [_SINGLE[kind](tenant, site) for tenant in tenants]


def _without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
