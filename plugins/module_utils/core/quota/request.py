# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the user wants of each tenant's quotas, checked as far as it can be without looking at any server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import accelerators, names, quantity
from ..errors import Problems
from ..labels import parse_labels
from ..quantity import Quantity
from ..selectors import SELECTOR_ALLOWED, Selector, parse_selector
from .keys import OBJECT_ALLOWED, OBJECT_KEY

Options = Mapping[str, Any]

#: What to do when a limit would fall below what is in use.
REFUSE, REPORT, FORCE = "refuse", "report", "force"
#: Which part of the way to the wanted quotas is gone; see L(direction).
BOTH, RAISE, LOWER = "both", "raise", "lower"
#: Isolation levels at which a tenant's nodes, or its virtual machines, are its own.
EXCLUSIVE = ("dedicated", "private")
LEVELS = (*EXCLUSIVE, "sandboxed", "shared")

_COUNT_ALLOWED = "a whole number of devices from 0"
_AMOUNTS = ("cpu", "memory", "storage")


@dataclass(frozen=True)
class ClusterShape:
    """The virtual cluster that is to live under the quota. limits: of one server or agent, resource -> quantity."""

    servers: int = 1
    agents: int = 0
    server_limit: Mapping[str, str] = field(default_factory=dict)
    worker_limit: Mapping[str, str] = field(default_factory=dict)

    def need(self, resource: str) -> Quantity:
        """What all servers and agents together ask for."""
        server, worker = self.server_limit.get(resource, 0), self.worker_limit.get(resource, 0)
        return quantity.parse(server) * self.servers + quantity.parse(worker) * self.agents

    @property
    def pods(self) -> int:
        """How many pods it has when nothing is being replaced."""
        return self.servers + self.agents


@dataclass(frozen=True)
class BaseLimits:
    """Limits on what is no accelerator. amounts: cpu, memory, storage, pods, those that are limited."""

    amounts: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)
    storage_classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuotaRequest:
    """One tenant's wanted (or unwanted) quotas.

    resources, guaranteed: accelerator -> number. base: None leaves the base quota as it is. cluster: None when not
    said. nodes, node_selector: the tenant's pool; both empty stand for all nodes that count.
    """

    tenant: str
    namespace: str
    present: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, int] = field(default_factory=dict)
    guaranteed: Mapping[str, int] = field(default_factory=dict)
    device_classes: Mapping[str, int] = field(default_factory=dict)
    resource_claims: int = 0
    base: Optional[BaseLimits] = None
    on_reduce: str = REFUSE
    cluster: Optional[ClusterShape] = None
    isolation: str = ""
    nodes: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FleetRules:
    """What holds for all tenants. reserve: accelerator -> number kept back. capacity_check: fail, warn or off."""

    names: accelerators.AcceleratorNames
    deny_unlisted: bool = True
    capacity_check: str = "fail"
    selector: Selector = field(default_factory=Selector)
    reserve: Mapping[str, int] = field(default_factory=dict)
    overcommit_ratio: float = 1.0
    direction: str = BOTH


def parse_quotas(options: Options) -> tuple[tuple[QuotaRequest, ...], FleetRules]:
    """Turn the options of C(gpu_quota) into requests, in their order, and the rules for all.

    Raises ConfigError with every mistake in every item.
    """
    problems = Problems()
    rules = _parse_rules(options, problems)
    requests = tuple(
        _parse(item, f"quotas[{item.get('tenant') or index}]", rules, problems)
        for index, item in enumerate(options.get("quotas") or ())
    )
    names.check_owners("quotas", ((request.tenant, request.namespace) for request in requests), problems)
    problems.raise_if_any("quotas")
    return requests, rules


def _parse_rules(options: Options, problems: Problems) -> FleetRules:
    try:
        known = accelerators.AcceleratorNames(options.get("accelerator_patterns") or accelerators.DEFAULT_PATTERNS)
    except ValueError as error:
        problems.add("accelerator_patterns", options.get("accelerator_patterns"), str(error))
        known = accelerators.AcceleratorNames()
    selector = Selector()
    try:
        selector = parse_selector(options.get("capacity_selector") or "")
    except ValueError:
        problems.add("capacity_selector", options.get("capacity_selector"), SELECTOR_ALLOWED)
    ratio = options.get("overcommit_ratio")
    ratio = 1.0 if ratio is None else float(ratio)
    if not 0 < ratio <= 100:
        problems.add("overcommit_ratio", ratio, "a number above 0, at most 100")
    return FleetRules(
        known,
        (options.get("unlisted") or "zero") == "zero",
        options.get("capacity_check") or "fail",
        selector,
        _parse_devices(options.get("reserve"), "reserve", known, problems),
        ratio,
        options.get("direction") or BOTH,
    )


def _parse(item: Options, path: str, rules: FleetRules, problems: Problems) -> QuotaRequest:
    tenant = str(item.get("tenant") or "")
    namespace = str(item.get("namespace") or names.namespace_of(tenant))
    for name, value, allowed in (
        ("tenant", tenant, names.tenant_id_problem(tenant)),
        ("namespace", namespace, names.namespace_problem(namespace)),
    ):
        if allowed:
            problems.add(f"{path}.{name}", value, allowed)
    common: dict[str, Any] = {
        "tenant": tenant,
        "namespace": namespace,
        "on_reduce": item.get("on_reduce") or REFUSE,
        "cluster": _parse_cluster(item.get("cluster"), f"{path}.cluster", problems),
    }
    if item.get("state") == "absent":
        return QuotaRequest(**common, present=False)
    resources = _parse_devices(item.get("resources"), f"{path}.resources", rules.names, problems)
    guaranteed = _parse_devices(item.get("guaranteed"), f"{path}.guaranteed", rules.names, problems)
    request = QuotaRequest(
        **common,
        labels=parse_labels(item.get("labels"), f"{path}.labels", problems),
        resources=resources,
        guaranteed=guaranteed or dict(resources),
        device_classes=_parse_classes(item.get("device_classes"), f"{path}.device_classes", problems),
        resource_claims=_count(item.get("resource_claims") or 0, f"{path}.resource_claims", problems),
        base=None if item.get("base") is None else _parse_base(item["base"], f"{path}.base", problems),
        isolation=item.get("isolation") or "",
        nodes=tuple(item.get("nodes") or ()),
        node_selector={str(key): str(value) for key, value in (item.get("node_selector") or {}).items()},
    )
    for resource, count in guaranteed.items():
        if count > resources.get(resource, 0):
            problems.add(
                f"{path}.guaranteed.{resource}", count, f"at most resources.{resource} ({resources.get(resource, 0)})"
            )
    _check_cluster_fits(request, path, problems)
    return request


def _parse_devices(given: Any, path: str, known: accelerators.AcceleratorNames, problems: Problems) -> dict[str, int]:
    found = {}
    for name, value in (given or {}).items():
        allowed = accelerators.spelling_problem(name)
        if allowed is None and not known.matches(name):
            allowed = "an accelerator; a further kind has to be added to accelerator_patterns"
        if allowed:
            problems.add(f"{path}.{name}", name, allowed)
        else:
            found[name] = _count(value, f"{path}.{name}", problems)
    return found


def _parse_classes(given: Any, path: str, problems: Problems) -> dict[str, int]:
    found = {}
    for name, value in (given or {}).items():
        if not names.is_dns_subdomain(name):
            problems.add(f"{path}.{name}", name, names.DNS_SUBDOMAIN_ALLOWED)
        else:
            found[name] = _count(value, f"{path}.{name}", problems)
    return found


def _count(value: Any, path: str, problems: Problems, allowed: str = _COUNT_ALLOWED) -> int:
    try:
        return quantity.parse_count(value)
    except ValueError:
        problems.add(path, value, allowed)
        return 0


def _parse_base(given: Options, path: str, problems: Problems) -> BaseLimits:
    amounts: dict[str, Any] = {}
    for name in _AMOUNTS:
        if given.get(name) is not None:
            amounts[name] = _amount(given[name], f"{path}.{name}", problems)
    if given.get("pods") is not None:
        amounts["pods"] = _count(given["pods"], f"{path}.pods", problems, "a whole number from 0")
    objects = {}
    for name, value in (given.get("objects") or {}).items():
        if OBJECT_KEY.fullmatch(str(name)) is None:
            problems.add(f"{path}.objects.{name}", name, OBJECT_ALLOWED)
        else:
            objects[str(name)] = _count(value, f"{path}.objects.{name}", problems, "a whole number from 0")
    classes = {}
    for name, value in (given.get("storage_classes") or {}).items():
        if not names.is_dns_subdomain(name):
            problems.add(f"{path}.storage_classes.{name}", name, names.DNS_SUBDOMAIN_ALLOWED)
        else:
            classes[str(name)] = _amount(value, f"{path}.storage_classes.{name}", problems)
    return BaseLimits(amounts, objects, classes)


def _amount(value: Any, path: str, problems: Problems) -> str:
    try:
        amount = quantity.parse(value)
    except ValueError:
        amount = quantity.parse(-1)
    if amount < quantity.parse(0):
        problems.add(path, value, f"{quantity.QUANTITY_ALLOWED}, not below 0")
        return "0"
    return str(amount)


def _parse_cluster(given: Optional[Options], path: str, problems: Problems) -> Optional[ClusterShape]:
    if given is None:
        return None
    limits = {}
    for name in ("server_limit", "worker_limit"):
        limits[name] = {
            str(resource): _amount(value, f"{path}.{name}.{resource}", problems)
            for resource, value in (given.get(name) or {}).items()
        }
    counts = {}
    for name, default in (("servers", 1), ("agents", 0)):
        value = given.get(name)
        counts[name] = _count(default if value is None else value, f"{path}.{name}", problems, "a whole number from 0")
    return ClusterShape(counts["servers"], counts["agents"], limits["server_limit"], limits["worker_limit"])


def _check_cluster_fits(request: QuotaRequest, path: str, problems: Problems) -> None:
    """The declared virtual cluster must fit under the quota, or its pods would be refused one by one."""
    cluster = request.cluster
    if cluster is None:
        return
    asked = {*cluster.server_limit, *cluster.worker_limit}
    for resource in sorted(name for name in asked if names.is_extended_resource(name)):
        granted = request.resources.get(resource, 0)
        if cluster.need(resource) > quantity.parse(granted):
            problems.add(
                f"{path}.resources.{resource}",
                granted,
                f"at least {cluster.need(resource)}: {cluster.agents} agents x worker_limit "
                f"{cluster.worker_limit.get(resource, 0)} in cluster",
            )
    amounts = request.base.amounts if request.base else {}
    for resource in ("cpu", "memory"):
        if resource in amounts and cluster.need(resource) > quantity.parse(amounts[resource]):
            problems.add(
                f"{path}.base.{resource}",
                amounts[resource],
                f"at least {cluster.need(resource)}: what {cluster.servers} servers and {cluster.agents} agents take",
            )
    if "pods" in amounts and amounts["pods"] < cluster.pods + 1:
        problems.add(
            f"{path}.base.pods",
            amounts["pods"],
            f"at least {cluster.pods + 1}: {cluster.servers} servers, {cluster.agents} agents, one being replaced",
        )
