# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From raw data to a L(TenantsFile), with all mistakes in one L(ConfigError)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import names
from ..errors import Problems
from ..nested import merge
from . import rules_cluster, rules_fleet, rules_grants
from .case import Case, report
from .defaults import complete
from .fields import Cursor, Sink, is_unset, read_model, refuse_unknown
from .fleet import API_VERSION, Fleet, Layer, TenantsFile
from .model import ABSENT, Tenant
from .secrets import shown
from .structure import plain, structure_problem

TOP_LEVEL = ("apiVersion", "defaults", "fleet", "tenants")


def parse_tenants_file(data: Any) -> TenantsFile:
    """Read and check a tenants file.

    data: what a YAML or JSON parser made of it; anything else is refused, never a reason for another exception.
    Raises ConfigError with every mistake that can be seen without a cluster.
    """
    problems = Problems()
    shape = structure_problem(data)
    if shape or not isinstance(data, Mapping):
        problems.add("file", shown(data), shape or f"a mapping with the keys {', '.join(TOP_LEVEL)}")
        problems.raise_if_any("tenants file")
    data = plain(data)
    sink = Sink(problems, problems)
    root = Cursor(sink, "")
    for key in data:
        if key not in TOP_LEVEL:
            refuse_unknown(key, list(TOP_LEVEL), root)
    version = data.get("apiVersion")
    if version != API_VERSION:
        problems.add("apiVersion", shown(version), API_VERSION)
    fleet, broken = _read_fleet(data.get("fleet"), problems)
    if not is_unset(data.get("defaults")):
        Layer().read(data["defaults"], Cursor(sink, "defaults", strict=False))
    cases = [_read_tenant(item, data, fleet, problems) for item in _items(data, problems)]
    for case in cases:
        _judge(case, broken)
    rules_fleet.check_fleet(fleet, broken, problems)
    rules_fleet.check_uniqueness(cases)
    report(cases, problems)
    problems.raise_if_any("tenants file")
    return TenantsFile(fleet, tuple(case.tenant for case in cases))


@dataclass(frozen=True)
class _Item:
    """One entry of the list of tenants. label: how messages call it."""

    label: str
    raw: Mapping[str, Any]


def _read_fleet(raw: Any, problems: Problems) -> tuple[Fleet, set[str]]:
    sink = Sink(problems, problems)
    fleet = Fleet() if is_unset(raw) else read_model(Fleet, raw, Cursor(sink, "fleet"))
    return (fleet if isinstance(fleet, Fleet) else Fleet()), sink.broken


def _items(data: Mapping[str, Any], problems: Problems) -> list[_Item]:
    raw = data.get("tenants")
    if not isinstance(raw, (list, tuple)):
        problems.add("tenants", shown(raw), "a list of tenants")
        return []
    items = []
    for position, entry in enumerate(raw):
        if not isinstance(entry, Mapping):
            problems.add(f"tenants[{position}]", shown(entry), "a mapping with the keys of a tenant")
            continue
        tenant_id = entry.get("id")
        nameable = names.is_dns_label(tenant_id) or names.is_label_value(tenant_id)
        items.append(_Item(f"tenants[{tenant_id if nameable and tenant_id else position}]", entry))
    return items


def _read_tenant(item: _Item, data: Mapping[str, Any], fleet: Fleet, problems: Problems) -> Case:
    """Read a tenant twice: its own lines for the messages, and merged with what lies under it for the values."""
    read_model(Tenant, item.raw, Cursor(Sink(problems, problems), item.label, strict=False))
    defaults = data.get("defaults")
    tier = merge(defaults, item.raw).get("tier")
    tiers = data["fleet"].get("tiers") if isinstance(data.get("fleet"), Mapping) else None
    template = tiers.get(tier) if isinstance(tiers, Mapping) and isinstance(tier, str) else None
    raw = merge(defaults, template, item.raw)
    missing, ignored = Problems(), Problems()
    sink = Sink(ignored, missing)
    tenant = read_model(Tenant, raw, Cursor(sink, "", strict=raw.get("state") != ABSENT))
    if is_unset(raw.get("id")) and raw.get("state") == ABSENT:
        Cursor(sink, "").down("id").require(names.TENANT_ID_ALLOWED)
    return Case(item.label, raw, complete(tenant, raw), fleet, sink.broken, missing)


def _judge(case: Case, fleet_broken: set[str]) -> None:
    case.broken |= {f"fleet.{place}" for place in fleet_broken}
    if case.absent:
        return
    for rule in rules_cluster.RULES + rules_grants.RULES:
        rule(case)
