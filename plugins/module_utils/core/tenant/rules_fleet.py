# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules over all tenants: what only one of them may have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from .. import network
from ..accelerators import AcceleratorNames
from ..errors import Problems
from .case import Case
from .fleet import Fleet

#: Levels whose nodes belong to one tenant alone.
EXCLUSIVE = ("dedicated", "private")
#: Selectors with more labels than these are compared as they are, not with their parts.
_LONGEST_SELECTOR = 8


def check_fleet(fleet: Fleet, broken: set[str], problems: Problems) -> None:
    """Check what the file says about the host cluster itself."""
    networks = fleet.networks
    if not any(place.startswith("networks") for place in broken):
        pods, services = network.parse_network(networks.pod_cidr), network.parse_network(networks.service_cidr)
        if network.overlap(pods, services):
            allowed = f"a network that does not overlap pod_cidr {networks.pod_cidr}"
            problems.add("fleet.networks.service_cidr", networks.service_cidr, allowed)
    if not any(place.startswith("accelerators") for place in broken):
        accelerators = AcceleratorNames(fleet.accelerators.patterns)
        for name in fleet.capacity.reserve:
            if not accelerators.matches(name):
                problems.add("fleet.capacity.reserve", name, "resources that fleet.accelerators.patterns match")


def check_uniqueness(cases: list[Case]) -> None:
    """Refuse what two tenants claim; the later one in the file is told who was first."""
    first: dict[tuple[str, Any], str] = {}
    for case in cases:
        for what, place, value, shown in _claims(case):
            holder = first.setdefault((what, value), case.label)
            if holder is not case.label:
                case.add(place, shown, f"a {what} of its own; {holder} has this one")
    _check_hosts(cases)
    _check_nodes(cases)
    _check_selectors(cases)


def _claims(case: Case) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield what a tenant claims: what it is, where it stands, its form for comparison, its form for messages."""
    tenant = case.tenant
    claims: list[tuple[str, str, Any]] = [
        ("id", "id", tenant.id),
        ("namespace", "namespace", tenant.namespace),
        ("ClearML company", "clearml.company", tenant.clearml.company if tenant.clearml.enabled else None),
    ]
    if not case.absent:
        expose = tenant.cluster.expose
        port = expose.port if expose.type == "nodePort" else None
        login, admin = tenant.clearml.login, tenant.clearml.admin
        claims += [
            ("registry project", "registry.project", tenant.registry.project),
            ("node port", "cluster.expose.port", port),
            ("ClearML email", "clearml.admin.email", admin.email if tenant.clearml.enabled else None),
        ]
        claims += [("login domain", "clearml.login.domains", domain) for domain in login.domains]
        claims += [("ClearML email", "clearml.login.whitelist", email) for email in login.whitelist]
    for what, place, value in claims:
        # a namespace or company that follows from a broken id is broken too
        if value and case.sound(place, "id"):
            yield what, place, value.casefold() if isinstance(value, str) else value, value


def _hosts(case: Case) -> Iterator[tuple[str, str]]:
    tenant = case.tenant
    expose, gateway = tenant.cluster.expose, tenant.clearml.app_gateway
    # several node ports may share the address of one node
    if expose.host and expose.type in ("ingress", "loadBalancer"):
        yield "cluster.expose.host", expose.host
    for host in tenant.network.ingress_hosts:
        yield "network.ingress_hosts", host
    if tenant.clearml.enabled and gateway.enabled and gateway.host:
        yield "clearml.app_gateway.host", gateway.host


def _check_hosts(cases: list[Case]) -> None:
    """A host is taken when another tenant has it, has a wildcard over it, or has something under this wildcard."""
    holders: dict[str, tuple[str, str]] = {}
    below: dict[str, tuple[str, str]] = {}
    for case in cases:
        if case.absent:
            continue
        own = [(place, host) for place, host in _hosts(case) if case.sound(place)]
        for place, host in own:
            wide = [holders.get("*." + parent) for parent in _parents(host)]
            narrow = below.get(host[2:]) if host.startswith("*.") else None
            clash = holders.get(host) or next((found for found in wide if found), None) or narrow
            if clash and clash[0] is not case.label:
                case.add(place, host, f"a host that no other tenant has or covers; {clash[0]} has {clash[1]}")
        for _place, host in own:
            holders.setdefault(host, (case.label, host))
            for parent in _parents(host):
                below.setdefault(parent, (case.label, host))


def _parents(host: str) -> Iterator[str]:
    """Yield the domains above a host, the nearest first; for a wildcard its own domain is none of them."""
    labels = (host[2:] if host.startswith("*.") else host).split(".")
    return (".".join(labels[start:]) for start in range(1, len(labels)))


def _check_nodes(cases: list[Case]) -> None:
    """A node that is named by two tenants belongs to neither alone."""
    first: dict[str, Case] = {}
    for case in cases:
        if case.absent or not case.sound("isolation"):
            continue
        for node in case.tenant.isolation.nodes:
            holder = first.setdefault(node, case)
            if holder is not case and _exclusive(holder, case):
                case.add("isolation.nodes", node, f"a node that no other tenant names; {holder.label} has it")


def _check_selectors(cases: list[Case]) -> None:
    """A selector that contains all labels of another selects only nodes which that one selects too."""
    users: dict[frozenset[tuple[str, str]], list[Case]] = {}
    for case in cases:
        selector = frozenset(case.tenant.isolation.node_selector.items())
        if selector and not case.absent and case.sound("isolation"):
            users.setdefault(selector, []).append(case)
    for selector, narrow in users.items():
        for part in _parts(selector):
            wide = users.get(part, [])
            for case in narrow:
                other = next((found for found in wide if found is not case and _exclusive(found, case)), None)
                if other is not None and (part != selector or cases_before(wide, other, case)):
                    allowed = f"labels of nodes that no other tenant selects; {other.label} selects them too"
                    shown = ",".join(f"{key}={value}" for key, value in sorted(selector))
                    case.add("isolation.node_selector", shown, allowed)


def cases_before(cases: list[Case], one: Case, other: Case) -> bool:
    """Tell whether one case stands before another in a list."""
    return cases.index(one) < cases.index(other)


def _parts(selector: frozenset[tuple[str, str]]) -> Iterator[frozenset[tuple[str, str]]]:
    if len(selector) > _LONGEST_SELECTOR:
        yield selector
        return
    for size in range(1, len(selector) + 1):
        yield from (frozenset(part) for part in combinations(sorted(selector), size))


def _exclusive(one: Case, other: Case) -> bool:
    return one.tenant.isolation.level in EXCLUSIVE or other.tenant.isolation.level in EXCLUSIVE
