# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Do the nodes have what the tenants were promised? A pure function over what was read from the host cluster.

Five rules, for each accelerator resource:

1. guarantees + reserve <= what the nodes have (without what others use);
2. quotas <= over-commit ratio * (what the nodes have - reserve);
3. every tenant's agents find nodes in its pool, each agent whole on one node;
4. nodes of a tenant that must be alone belong to no other tenant, and an agent takes all devices of its node;
5. what pods outside the tenants' namespaces use is not there for tenants.

Whole cards and MIG slices are different resources and are never added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .errors import Problem
from .selectors import Selector

#: Severity of a violation: an error stops (unless the check is only to warn), a warning never does.
ERROR, WARNING = "error", "warning"

Counts = Mapping[str, int]


@dataclass(frozen=True)
class NodeFacts:
    """One node of the host cluster. allocatable: accelerators only, in whole pieces."""

    name: str
    ready: bool = True
    schedulable: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    allocatable: Counts = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What one tenant was promised.

    guaranteed, ceiling: accelerators by resource. agents, per_agent: the shape in which it takes them.
    nodes, node_selector: its pool; both empty stand for every node that counts. exclusive: the pool is its own.
    """

    tenant: str
    guaranteed: Counts = field(default_factory=dict)
    ceiling: Counts = field(default_factory=dict)
    agents: int = 0
    per_agent: Counts = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    exclusive: bool = False

    @property
    def has_pool(self) -> bool:
        """Tell whether the tenant names its nodes."""
        return bool(self.nodes or self.node_selector)

    def selects(self, node: NodeFacts) -> bool:
        """Tell whether a node belongs to the pool."""
        if self.nodes and node.name not in self.nodes:
            return False
        return all(node.labels.get(key) == value for key, value in self.node_selector.items())


@dataclass(frozen=True)
class Settings:
    """How to check. selector: the nodes that count. reserve: accelerators that no tenant may be promised."""

    selector: Selector = field(default_factory=Selector)
    reserve: Counts = field(default_factory=dict)
    overcommit_ratio: float = 1.0


@dataclass(frozen=True)
class ResourceCapacity:
    """One accelerator over the whole fleet, in pieces.

    allocatable: of the nodes that count. foreign_used: by pods outside the tenants' namespaces.
    ratio: ceiling_total to what may be promised, None when nothing may. unreserved_free: what could still be
    guaranteed; negative when too much was.
    """

    allocatable: int
    reserved: int
    guaranteed_total: int
    ceiling_total: int
    foreign_used: int
    ratio: float | None
    unreserved_free: int

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Placement:
    """Whether a tenant's agents fit. needed: agents. slots: agents that fit on each node of the pool, by node name."""

    feasible: bool
    needed: int
    slots: Counts

    def to_dict(self) -> dict[str, Any]:
        """Return the placement as a module's result shows it."""
        return {"feasible": self.feasible, "needed": self.needed, "per_node_slots": dict(self.slots)}


@dataclass(frozen=True)
class Violation:
    """One broken rule. rule: its number. tenants: who contributes, the largest share first."""

    rule: int
    severity: str
    resource: str
    found: str
    allowed: str
    tenants: tuple[str, ...]

    def problem(self) -> Problem:
        """Return the violation in the form of a mistake in the input."""
        who = f" (tenants: {', '.join(self.tenants)})" if self.tenants else ""
        return Problem(f"capacity[{self.resource}]", self.found, f"{self.allowed}{who}")


@dataclass(frozen=True)
class CapacityReport:
    """The outcome. resources: by accelerator. placements: by tenant, only those with agents that take devices."""

    resources: Mapping[str, ResourceCapacity]
    placements: Mapping[str, Placement]
    violations: tuple[Violation, ...]

    @property
    def errors(self) -> tuple[Violation, ...]:
        """The violations that stop."""
        return tuple(violation for violation in self.violations if violation.severity == ERROR)

    @property
    def warnings(self) -> tuple[Violation, ...]:
        """The violations that are only told."""
        return tuple(violation for violation in self.violations if violation.severity == WARNING)


def check_capacity(
    nodes: Sequence[NodeFacts],
    claims: Sequence[Claim],
    settings: Settings,
    foreign: Mapping[str, Counts] | None = None,
) -> CapacityReport:
    """Check all rules.

    nodes: all nodes of the host. claims: all tenants, also those that do not change.
    foreign: devices used by pods outside the tenants' namespaces, by node name, then by resource; a pod without a node
    yet counts under the empty name.
    """
    counted = [node for node in nodes if node.ready and node.schedulable and settings.selector.matches(node.labels)]
    used = foreign or {}
    resources = _resources(counted, claims, settings, used)
    pools = _pools(counted, claims)
    violations = [*_sums(resources, claims, settings), *_exclusive(pools, claims)]
    placements, unplaced = _place(pools, claims, used)
    return CapacityReport(resources, placements, (*violations, *unplaced))


def _resources(
    nodes: Sequence[NodeFacts], claims: Sequence[Claim], settings: Settings, foreign: Mapping[str, Counts]
) -> dict[str, ResourceCapacity]:
    offered = _total(node.allocatable for node in nodes)
    guaranteed = _total(claim.guaranteed for claim in claims)
    ceiling = _total(claim.ceiling for claim in claims)
    names = {node.name for node in nodes} | {""}
    taken = _total(counts for name, counts in foreign.items() if name in names)
    result = {}
    for name in sorted({*offered, *guaranteed, *ceiling, *settings.reserve}):
        reserved = settings.reserve.get(name, 0)
        usable = offered.get(name, 0) - reserved - taken.get(name, 0)
        quotas = ceiling.get(name, 0)
        result[name] = ResourceCapacity(
            allocatable=offered.get(name, 0),
            reserved=reserved,
            guaranteed_total=guaranteed.get(name, 0),
            ceiling_total=quotas,
            foreign_used=taken.get(name, 0),
            ratio=round(quotas / usable, 4) if usable > 0 else None,
            unreserved_free=usable - guaranteed.get(name, 0),
        )
    return result


def _total(parts: Iterable[Counts]) -> dict[str, int]:
    result: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            result[name] = result.get(name, 0) + count
    return result


def _sums(
    resources: Mapping[str, ResourceCapacity], claims: Sequence[Claim], settings: Settings
) -> Iterable[Violation]:
    """Rules 1, 2 and 5: the sums."""
    ratio = Fraction(str(settings.overcommit_ratio))
    for name, numbers in resources.items():
        usable = numbers.allocatable - numbers.reserved - numbers.foreign_used
        have = (
            f"{numbers.allocatable} on the nodes - {numbers.reserved} reserved - {numbers.foreign_used} used by others"
        )
        if numbers.guaranteed_total > max(usable, 0):
            found = f"{numbers.guaranteed_total} guaranteed"
            who = _contributors(claims, name, "guaranteed")
            yield Violation(1, ERROR, name, found, f"at most {max(usable, 0)} ({have})", who)
        if numbers.ceiling_total > ratio * max(usable, 0):
            most = int(ratio * max(usable, 0))
            found = f"{numbers.ceiling_total} in quotas"
            who = _contributors(claims, name, "ceiling")
            allowed = f"at most {most} ({have}, times overcommit_ratio {settings.overcommit_ratio:g})"
            yield Violation(2, ERROR, name, found, allowed, who)


def _contributors(claims: Sequence[Claim], resource: str, part: str) -> tuple[str, ...]:
    shares = [(getattr(claim, part).get(resource, 0), claim.tenant) for claim in claims]
    ordered = sorted((share for share in shares if share[0]), key=lambda share: (-share[0], share[1]))
    return tuple(tenant for _count, tenant in ordered)


def _pools(nodes: Sequence[NodeFacts], claims: Sequence[Claim]) -> dict[str, list[NodeFacts]]:
    """Return each tenant's nodes. One that names none gets all those that nobody has for itself alone."""
    by_name = {node.name: node for node in nodes}
    pools = {}
    for claim in claims:
        candidates = [by_name[name] for name in claim.nodes if name in by_name] if claim.nodes else nodes
        pools[claim.tenant] = [node for node in candidates if claim.selects(node)] if claim.has_pool else []
    taken = {node.name for claim in claims if claim.exclusive for node in pools[claim.tenant]}
    common = [node for node in nodes if node.name not in taken]
    for claim in claims:
        if not claim.has_pool:
            pools[claim.tenant] = common
    return pools


def _exclusive(pools: Mapping[str, Sequence[NodeFacts]], claims: Sequence[Claim]) -> Iterable[Violation]:
    """Rule 4: own nodes, and agents that take all devices of a node."""
    users: dict[str, list[Claim]] = {}
    for claim in claims:
        for node in pools[claim.tenant] if claim.has_pool or claim.exclusive else ():
            users.setdefault(node.name, []).append(claim)
    clashes: dict[tuple[str, ...], list[str]] = {}
    for node_name, sharing in users.items():
        if len(sharing) > 1 and any(claim.exclusive for claim in sharing):
            clashes.setdefault(tuple(claim.tenant for claim in sharing), []).append(node_name)
    for tenants, names in clashes.items():
        allowed = "nodes that belong to one tenant alone, as isolation dedicated or private promises"
        yield Violation(4, ERROR, "nodes", f"shared: {', '.join(names)}", allowed, tenants)
    for claim in claims:
        yield from _leftovers(claim, pools[claim.tenant]) if claim.exclusive and claim.agents else ()


def _leftovers(claim: Claim, pool: Sequence[NodeFacts]) -> Iterable[Violation]:
    for name, count in claim.per_agent.items():
        odd = [
            f"{node.name} has {node.allocatable[name]}" for node in pool if node.allocatable.get(name, 0) > count > 0
        ]
        if odd:
            allowed = "all devices of a node for each agent: the privileged agent sees the others too (leak)"
            yield Violation(4, WARNING, name, f"{count} for each agent, but {', '.join(odd)}", allowed, (claim.tenant,))


def _place(
    pools: Mapping[str, Sequence[NodeFacts]], claims: Sequence[Claim], foreign: Mapping[str, Counts]
) -> tuple[dict[str, Placement], list[Violation]]:
    """Rule 3: put agents onto nodes: smallest pools, then largest agents first, onto the fullest node that fits."""
    free = {
        node.name: {name: count - foreign.get(node.name, {}).get(name, 0) for name, count in node.allocatable.items()}
        for pool in pools.values()
        for node in pool
    }
    placements, violations = {}, []
    shaped = [claim for claim in claims if claim.agents and any(claim.per_agent.values())]
    for claim in sorted(shaped, key=lambda claim: (len(pools[claim.tenant]), -sum(claim.per_agent.values()))):
        slots = {node.name: _slots(free[node.name], claim.per_agent) for node in pools[claim.tenant]}
        left = claim.agents
        for name in sorted(slots, key=lambda name: (slots[name], name)):
            here = min(slots[name], left)
            left -= here
            for resource, count in claim.per_agent.items():
                free[name][resource] = free[name].get(resource, 0) - here * count
        placements[claim.tenant] = Placement(left == 0, claim.agents, slots)
        if left:
            violations.append(_unplaced(claim, left, pools[claim.tenant]))
    ordered = {claim.tenant: placements[claim.tenant] for claim in claims if claim.tenant in placements}
    return ordered, violations


def _slots(free: Counts, per_agent: Counts) -> int:
    return max(0, min(free.get(name, 0) // count for name, count in per_agent.items() if count > 0))


def _unplaced(claim: Claim, left: int, pool: Sequence[NodeFacts]) -> Violation:
    shape = ", ".join(f"{count} {name}" for name, count in claim.per_agent.items())
    resource = next(iter(claim.per_agent))
    found = f"{claim.agents} agents with {shape} each"
    allowed = f"at most {claim.agents - left} of this size on the {len(pool)} ready nodes of the pool"
    return Violation(3, ERROR, resource, found, allowed, (claim.tenant,))
