# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Fill what a tenant leaves out and what follows from the rest of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from .. import names
from ..nested import at
from ..quantity import Quantity, parse
from .cluster import Cluster, Expose, PodResources
from .common import Amounts
from .fields import is_unset
from .grants import Quota
from .model import Tenant
from .services import Clearml

#: Pods beyond servers and agents: one surplus pod of a roll-out, one that checks something.
SPARE_PODS = 2
#: Ports of the Service that k3k makes, API and etcd. Each of them counts as a node port, with type LoadBalancer too
#: (k3k controller v1.2.0-rc4, observed; Kubernetes quota of services).
SERVICE_PORTS = 2


def complete(tenant: Tenant, raw: Mapping[str, Any]) -> Tenant:
    """Return the tenant with computed defaults. raw: its merged data, to tell what was said from what was not."""
    display_name = tenant.display_name or tenant.id
    cluster = replace(tenant.cluster, name=tenant.cluster.name or tenant.id, tls_sans=_with_host(tenant.cluster))
    return replace(
        tenant,
        display_name=display_name,
        namespace=tenant.namespace or names.namespace_of(tenant.id),
        cluster=cluster,
        quota=_complete_quota(tenant.quota, cluster, was_said(raw, "quota.guaranteed")),
        clearml=_complete_clearml(tenant.clearml, tenant, display_name),
    )


def was_said(raw: Any, place: str) -> bool:
    """Tell whether raw data has a value at a dotted place."""
    return not is_unset(at(raw, place))


def objects_needed(expose: Expose) -> dict[str, int]:
    """Return which objects with a quota k3k needs in the tenant's namespace for an exposure."""
    return {
        "services.loadbalancers": 1 if expose.type == "loadBalancer" else 0,
        "services.nodeports": SERVICE_PORTS if expose.type in ("loadBalancer", "nodePort") else 0,
    }


def total_of(cluster: Cluster, resource: str) -> Optional[Quantity]:
    """Return what servers and agents use of a resource together, or None when one of them states nothing."""
    parts = [(cluster.servers, _stated(cluster.server_limit, cluster.server_resources, resource))]
    if cluster.agents:
        parts.append((cluster.agents, _stated(cluster.worker_limit, cluster.worker_resources, resource)))
    total = parse(0)
    for number, amount in parts:
        if amount is None:
            return None
        total = total + amount * number
    return total


def _stated(limits: Amounts, pod: Optional[PodResources], resource: str) -> Optional[Quantity]:
    """Pod-level resources win over container limits, which k3k then clears (k3k virtual mode)."""
    return (limits if pod is None else pod.limits).get(resource)


def _with_host(cluster: Cluster) -> tuple[str, ...]:
    host = cluster.expose.host
    return cluster.tls_sans if host is None or host in cluster.tls_sans else (*cluster.tls_sans, host)


def _complete_quota(quota: Quota, cluster: Cluster, guaranteed_said: bool) -> Quota:
    return replace(
        quota,
        guaranteed=quota.guaranteed if guaranteed_said else dict(quota.accelerators),
        cpu=total_of(cluster, "cpu") if quota.cpu is None else quota.cpu,
        memory=total_of(cluster, "memory") if quota.memory is None else quota.memory,
        pods=cluster.servers + cluster.agents + SPARE_PODS if quota.pods is None else quota.pods,
        objects={**objects_needed(cluster.expose), **quota.objects},
    )


def _complete_clearml(clearml: Clearml, tenant: Tenant, display_name: str) -> Clearml:
    if not clearml.enabled:
        return clearml
    admin = replace(
        clearml.admin,
        name=clearml.admin.name or f"{tenant.id}-admin",
        email=clearml.admin.email or tenant.owner.email or None,
    )
    return replace(clearml, company=clearml.company or display_name, admin=admin)
