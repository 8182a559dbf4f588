# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The capacity rules, asked about the quotas as they will stand: which promise breaks which rule, and whether to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .. import capacity, quantity
from ..capacity import CapacityReport, Claim, NodeFacts, Violation
from ..names import LABEL_TENANT, is_extended_resource
from .fleet import Fleet, is_ours
from .keys import accelerator_of, accelerators_in
from .plan import ACCELERATOR_QUOTA, QuotaPlan, granted_of, guaranteed_of
from .request import EXCLUSIVE, FleetRules, QuotaRequest

Object = Mapping[str, Any]
#: A request and its plan; None for a request that was refused, so that its quota stays as it is.
Planned = tuple[QuotaRequest, Optional[QuotaPlan]]


@dataclass(frozen=True)
class Assessment:
    """The capacity as it stands when all plans are carried out.

    refusals: broken rules that this call would cause or worsen. others: broken rules that were broken before.
    """

    report: CapacityReport
    claims: tuple[Claim, ...]
    refusals: tuple[Violation, ...]
    others: tuple[Violation, ...]

    def as_dict(self) -> dict[str, Any]:
        """The numbers by resource, as a module returns them."""
        return {name: numbers.to_dict() for name, numbers in self.report.resources.items()}

    @property
    def message(self) -> str:
        """All refusals in one message: per resource what is asked, by whom, and what the nodes have."""
        lines = "\n".join(f"  - {self.line(violation)}" for violation in self.refusals)
        return f"The nodes cannot hold what the tenants would be promised; nothing was changed.\n{lines}"

    next_step = (
        "Lower the quotas or guarantees, add nodes, or set overcommit_ratio or capacity_check: warn if that is meant."
    )

    @property
    def warnings(self) -> list[str]:
        """Everything that does not stop, one line each."""
        found = [*self.others, *self.report.warnings]
        return [f"Capacity: {self.line(violation)}" for violation in found]

    def line(self, violation: Violation) -> str:
        """One broken rule in one line."""
        shares = [
            f"{claim.tenant} {count}" if count else claim.tenant
            for name in violation.tenants
            for claim in self.claims
            if claim.tenant == name
            for count in [(claim.guaranteed if violation.rule == 1 else claim.ceiling).get(violation.resource, 0)]
        ]
        who = f"; by tenant: {', '.join(shares)}" if shares else ""
        return f"{violation.resource}: {violation.found}; {violation.allowed}{who} (rule {violation.rule})"


def assess(fleet: Fleet, rules: FleetRules, planned: Sequence[Planned]) -> Assessment:
    """Check the capacity rules for all tenants of the host cluster, those of other calls included."""
    claims = _claims(fleet, planned)
    settings = capacity.Settings(rules.selector, rules.reserve, rules.overcommit_ratio)
    report = capacity.check_capacity(_node_facts(fleet, rules), claims, settings, _foreign(fleet, rules, planned))
    raised = _raised(fleet, planned)
    refusals = tuple(violation for violation in report.errors if _caused(violation, raised))
    others = tuple(violation for violation in report.errors if violation not in refusals)
    return Assessment(report, tuple(claims), refusals, others)


def enforcement(request: QuotaRequest, assessment: Assessment) -> tuple[str, list[str]]:
    """C(hard) when the tenant cannot reach devices beyond its quota, else C(accounting), and why.

    The agents of k3k are privileged pods, and a privileged pod sees every device of its node, whatever was allocated to
    it (NVIDIA/k8s-device-plugin issues 161 and 336).
    """
    if request.isolation == "sandboxed":
        return "hard", []
    if request.isolation not in EXCLUSIVE:
        level = f"is {request.isolation}" if request.isolation else "was not declared"
        return "accounting", [f"isolation {level}: the privileged agents see all devices of the nodes they run on"]
    if not (request.nodes or request.node_selector):
        return "accounting", [
            f"isolation is {request.isolation}, but no nodes are named that would be the tenant's own"
        ]
    reasons = [
        f"{violation.found}: {violation.allowed}"
        for violation in assessment.report.violations
        if violation.rule == 4 and request.tenant in violation.tenants
    ]
    return ("accounting" if reasons else "hard"), reasons


def _node_facts(fleet: Fleet, rules: FleetRules) -> list[NodeFacts]:
    found = []
    for node in fleet.nodes:
        status = node.get("status", {})
        conditions = {item["type"]: item["status"] for item in status.get("conditions") or []}
        allocatable = status.get("allocatable") or {}
        found.append(
            NodeFacts(
                node["metadata"]["name"],
                conditions.get("Ready") == "True",
                not node.get("spec", {}).get("unschedulable", False),
                node["metadata"].get("labels") or {},
                {name: quantity.parse(allocatable[name]).to_int() for name in rules.names.among(allocatable)},
            )
        )
    return found


def _claims(fleet: Fleet, planned: Sequence[Planned]) -> list[Claim]:
    claims = [_claim(request, plan, fleet) for request, plan in planned]
    here = {request.namespace for request, _plan in planned}
    for item in _accelerator_quotas(fleet):
        metadata = item["metadata"]
        if metadata["namespace"] not in here:
            claims.append(Claim(metadata["labels"][LABEL_TENANT], guaranteed_of(item), granted_of(item)))
    return claims


def _claim(request: QuotaRequest, plan: Optional[QuotaPlan], fleet: Fleet) -> Claim:
    live = fleet.holdings(request.namespace).quotas.get(ACCELERATOR_QUOTA)
    if plan is None or (not request.present and plan.pending):  # stays as it is
        kept = (guaranteed_of(live), granted_of(live)) if live else ({}, {})
        return Claim(request.tenant, *kept)
    if not request.present:
        return Claim(request.tenant)
    cluster = request.cluster
    per_agent = {
        name: quantity.parse(amount).to_int()
        for name, amount in (cluster.worker_limit if cluster else {}).items()
        if is_extended_resource(name)
    }
    return Claim(
        request.tenant,
        plan.guaranteed,
        _granted(plan),
        cluster.agents if cluster else 0,
        per_agent,
        request.nodes,
        request.node_selector,
        request.isolation in EXCLUSIVE and bool(request.nodes or request.node_selector),
    )


def _granted(plan: QuotaPlan) -> dict[str, int]:
    limits = accelerators_in(plan.hard.get(ACCELERATOR_QUOTA, {}))
    found = {name: quantity.parse(value).to_int() for name, value in limits.items()}
    return {name: count for name, count in found.items() if count}


def _foreign(fleet: Fleet, rules: FleetRules, planned: Sequence[Planned]) -> dict[str, dict[str, int]]:
    """Accelerators of pods outside the tenants' namespaces, by node; only pods that a node has already."""
    tenants = {request.namespace for request, _plan in planned}
    tenants |= {item["metadata"]["namespace"] for item in _accelerator_quotas(fleet)}
    found: dict[str, dict[str, int]] = {}
    for consumer in fleet.consumers:
        if consumer.namespace in tenants or not consumer.node:
            continue
        for key, amount in consumer.holds.items():
            name = accelerator_of(key)
            if name is not None and rules.names.matches(name):
                on_node = found.setdefault(consumer.node, {})
                on_node[name] = on_node.get(name, 0) + amount.to_int()
    return found


def _accelerator_quotas(fleet: Fleet) -> list[Object]:
    return [item for item in fleet.quotas if is_ours(item) and item["metadata"]["name"] == ACCELERATOR_QUOTA]


def _raised(fleet: Fleet, planned: Sequence[Planned]) -> dict[str, set[str]]:
    """Which tenants get more of what than they have: resource -> tenant ids."""
    found: dict[str, set[str]] = {}
    for request, plan in planned:
        if plan is None:
            continue
        live = fleet.holdings(request.namespace).quotas.get(ACCELERATOR_QUOTA)
        before = (granted_of(live), guaranteed_of(live)) if live else ({}, {})
        for now, then in zip((_granted(plan), plan.guaranteed), before):
            for name, count in now.items():
                if count > then.get(name, 0):
                    found.setdefault(name, set()).add(request.tenant)
    return found


def _caused(violation: Violation, raised: Mapping[str, set[str]]) -> bool:
    """Tell whether a rule is broken by something that this call raises, and not by what was there before."""
    if violation.rule in (1, 2):
        return violation.resource in raised
    raisers = {tenant for tenants in raised.values() for tenant in tenants}
    return bool(raisers & set(violation.tenants))
