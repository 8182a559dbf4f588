# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a tenant claims of the fleet's accelerators, and what is worth a warning."""

from __future__ import annotations

from collections.abc import Iterator

from ..accelerators import AcceleratorNames
from ..capacity import Claim, Settings
from ..selectors import parse_selector
from .defaults import total_of
from .fleet import Fleet, TenantsFile
from .model import ABSENT, SUSPENDED, Tenant
from .rules_fleet import EXCLUSIVE


def claim_of(tenant: Tenant, fleet: Fleet) -> Claim:
    """Return a tenant's claim. A suspended one keeps its guarantees but has no agents."""
    accelerators = AcceleratorNames(fleet.accelerators.patterns)
    limit = tenant.cluster.worker_limit
    return Claim(
        tenant=tenant.id,
        guaranteed=tenant.quota.guaranteed,
        ceiling=tenant.quota.accelerators,
        agents=0 if tenant.state == SUSPENDED else tenant.cluster.agents,
        per_agent={name: limit[name].to_int() for name in accelerators.among(limit)},
        nodes=tenant.isolation.nodes,
        node_selector=tenant.isolation.node_selector,
        exclusive=tenant.isolation.level in EXCLUSIVE,
    )


def claims_of(tenants_file: TenantsFile) -> list[Claim]:
    """Return the claims of all tenants that are not to be absent, in the order of the file."""
    return [claim_of(tenant, tenants_file.fleet) for tenant in tenants_file.tenants if tenant.state != ABSENT]


def capacity_settings(fleet: Fleet) -> Settings:
    """Return the file's settings of the capacity check."""
    capacity = fleet.capacity
    return Settings(parse_selector(capacity.selector), capacity.reserve, capacity.overcommit_ratio)


def warnings_of(tenants_file: TenantsFile) -> list[str]:
    """Return what is allowed but most likely not meant, one sentence each."""
    return [
        f"tenants[{tenant.id}]: {warning}"
        for tenant in tenants_file.tenants
        if tenant.state != ABSENT
        for warning in _warnings(tenant)
    ]


def _warnings(tenant: Tenant) -> Iterator[str]:
    cluster, quota = tenant.cluster, tenant.quota
    for name, ceiling in quota.accelerators.items():
        amount = cluster.worker_limit.get(name)
        used = cluster.agents * amount.to_int() if amount is not None else 0
        if cluster.mode == "virtual" and used < ceiling:
            yield f"quota.accelerators[{name}] is {ceiling}, but {cluster.agents} agents take only {used} of them."
    for name, limit in (("cpu", quota.cpu), ("memory", quota.memory)):
        if limit is None and total_of(cluster, name) is None:
            yield f"no limit for {name}: set quota.{name}, or {name} in cluster.server_limit and worker_limit."
    if tenant.isolation.level == "shared" and any(quota.accelerators.values()):
        yield "shared nodes: a quota of GPUs is accounting there, the tenant can use every GPU of the node."
