# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether ClearML serves its tenants: what was found inside their companies against what is declared (CML-6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problems

Tenant = Mapping[str, Any]
Rows = list[list[str]]

#: What may be insisted on. login and queues always are.
AGENTS, GATEWAYS = "agents", "gateways"
EXPECTED = (AGENTS, GATEWAYS)


def failures(tenants: Sequence[Tenant], result: Mapping[str, Any], expect: Sequence[str]) -> dict[str, dict[str, str]]:
    """What does not serve, by tenant id, each with C(phase) and C(message).

    tenants: as C(TenantsFile.to_dict) gives them. result: of clearml_info. expect: of EXPECTED. Raises ConfigError.
    """
    problems = Problems()
    for name in expect:
        if name not in EXPECTED:
            problems.add("expect", name, f"any of {', '.join(EXPECTED)}")
    problems.raise_if_any("ClearML validation")
    found = {}
    for tenant, inside in _pairs(tenants, result):
        why = [] if inside.get("failed") else _lacking(tenant, inside, expect)
        if why:
            found[str(tenant["id"])] = {"phase": "clearml", "message": "; ".join(why)}
    return found


def rows(tenants: Sequence[Tenant], result: Mapping[str, Any]) -> Rows:
    """A table with a headline: login, declared queues that are there, queues with an agent, gateways."""
    table = [["TENANT", "LOGIN", "QUEUES", "WITH AGENT", "GATEWAYS"]]
    for tenant, inside in _pairs(tenants, result):
        declared = _declared(tenant)
        if inside.get("failed"):
            table.append([tenant["id"], "failed", "-", "-", "-"])
            continue
        there = [name for name in declared if name in _names(inside)]
        served = [name for name in declared if name in _served(inside)]
        gateways = ", ".join(sorted(str(each["router"]) for each in inside["routers"])) or "none"
        counts = [f"{len(part)} of {len(declared)}" for part in (there, served)]
        table.append([tenant["id"], "yes", *counts, gateways])
    return table


def _pairs(tenants: Sequence[Tenant], result: Mapping[str, Any]) -> list[tuple[Tenant, Mapping[str, Any]]]:
    by_tenant = {item["item"]: item for item in result.get("results") or []}
    return [(tenant, by_tenant[tenant["id"]]) for tenant in tenants if tenant["id"] in by_tenant]


def _lacking(tenant: Tenant, inside: Mapping[str, Any], expect: Sequence[str]) -> list[str]:
    declared, there, served = _declared(tenant), _names(inside), _served(inside)
    found = []
    missing = [name for name in declared if name not in there]
    if missing:
        found.append(f"these queues are declared and not there: {', '.join(missing)}; run the playbook tenants")
    unserved = [name for name in declared if name in there and name not in served]
    if AGENTS in expect and unserved:
        found.append(f"no agent listens to: {', '.join(unserved)}")
    if GATEWAYS in expect and tenant["clearml"]["app_gateway"]["enabled"] and not inside["routers"]:
        found.append("no application gateway has reported")
    return found


def _declared(tenant: Tenant) -> list[str]:
    return [queue["name"] for queue in tenant["clearml"]["queues"]]


def _names(inside: Mapping[str, Any]) -> set[str]:
    return {queue["name"] for queue in inside["queues"]}


def _served(inside: Mapping[str, Any]) -> set[str]:
    return {name for worker in inside["workers"] for name in worker["queues"]}
