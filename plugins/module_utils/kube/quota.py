# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Brings the quotas of many tenants to the wanted state: a handful of LISTs, then only what differs is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..bulk import for_all
from ..core import quantity
from ..core.errors import NotFoundError, PlatformError, RefusedError, WaitTimeoutError
from ..core.names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from ..core.plan import Plan
from ..core.quota.capacity import Assessment, assess
from ..core.quota.fleet import Fleet, wanted_hard
from ..core.quota.plan import QuotaPlan, cuts_that_wait, plan_quotas
from ..core.quota.request import LOWER, FleetRules, QuotaRequest
from ..core.retry import Waiting
from .apply import Outcome, Writer
from .kinds import kind_of
from .session import Session

#: Finished pods hold nothing.
_RUNNING = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass
class Granted:
    """What became of one tenant's quotas. live: the quotas as they are now, by name."""

    request: QuotaRequest
    plan: QuotaPlan
    outcome: Outcome
    live: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass
class Result:
    """Of all tenants, in their order; the capacity of the host cluster; what an operator should know."""

    granted: list[Granted]
    assessment: Assessment
    warnings: list[str]


class Quotas:
    """Grants quotas on one host cluster."""

    def __init__(
        self, session: Session, rules: FleetRules, writer: Writer, check_mode: bool, waiting: Optional[Waiting]
    ) -> None:
        self._session = session
        self._rules = rules
        self._writer = writer
        self._check_mode = check_mode
        self._waiting = waiting

    def converge(self, requests: Sequence[QuotaRequest]) -> Result:
        """Bring all quotas to the wanted state. A tenant that is refused carries its error and stops no other.

        Raises RefusedError, before anything is written, when the nodes cannot hold what is raised.
        """
        fleet = self._settled(requests, read_fleet(self._session, requests))
        granted = [self._plan(request, fleet) for request in requests]
        assessment = assess(
            fleet, self._rules, [(item.request, item.plan if not item.outcome.error else None) for item in granted]
        )
        if assessment.refusals and self._rules.capacity_check == "fail" and self._rules.direction != LOWER:
            raise RefusedError(assessment.message, assessment.next_step)
        outcomes = self._writer.carry_out([item.plan.plan for item in granted if not item.outcome.error])
        by_item = {outcome.item: outcome for outcome in outcomes}
        for item in granted:
            item.outcome = by_item.get(item.request.tenant, item.outcome)
            item.live = dict(fleet.holdings(item.request.namespace).quotas)
        self._refresh(granted)
        warnings = [*fleet.warnings(requests, self._rules)]
        if self._rules.capacity_check != "off" and self._rules.direction != LOWER:
            warnings += assessment.warnings
        return Result(granted, assessment, warnings)

    # -- planning -----------------------------------------------------------------------------------------------

    def _plan(self, request: QuotaRequest, fleet: Fleet) -> Granted:
        direction = self._rules.direction
        # Nothing is changed between the two halves of a check; what k3k_cluster would do counts as done.
        trusted = self._check_mode and direction == LOWER
        empty = QuotaPlan(Plan(request.tenant))
        try:
            plan = plan_quotas(
                request,
                wanted_hard(request, fleet, self._rules),
                fleet.holdings(request.namespace),
                direction,
                trusted,
            )
        except PlatformError as error:
            return Granted(request, empty, Outcome(request.tenant, empty.plan, error=error))
        return Granted(request, plan, Outcome(request.tenant, plan.plan))

    def _settled(self, requests: Sequence[QuotaRequest], fleet: Fleet) -> Fleet:
        """Wait for pods that are being deleted and are all that is in the way of a lower limit."""
        seen = [fleet]

        def look() -> tuple[bool, str]:
            current = seen[-1]
            waiting_for = [
                request.tenant
                for request in requests
                if cuts_that_wait(
                    request,
                    wanted_hard(request, current, self._rules),
                    current.holdings(request.namespace),
                    self._rules.direction,
                )
            ]
            if waiting_for:
                seen.append(current.with_pods(self._session.list(kind_of("Pod"), fields=_RUNNING)))
            return not waiting_for, f"pods of {', '.join(waiting_for)} are still being deleted"

        try:
            if self._waiting:
                self._waiting.until(look)
        except WaitTimeoutError:
            pass  # the plan refuses these tenants and names the pods
        return seen[-1]

    # -- afterwards ---------------------------------------------------------------------------------------------

    def _refresh(self, granted: Sequence[Granted]) -> None:
        """Read back what was written; wait until the quota controller has taken every new limit over."""
        written = [item for item in granted if item.outcome.done]
        if not written or self._check_mode:
            return
        labels = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_TENANT}"

        def look() -> tuple[bool, str]:
            found: dict[str, dict[str, Mapping[str, Any]]] = {}
            for quota in self._session.list(kind_of("ResourceQuota"), labels=labels):
                found.setdefault(quota["metadata"]["namespace"], {})[quota["metadata"]["name"]] = quota
            for item in written:
                item.live = found.get(item.request.namespace, {})
            late = [item.request.tenant for item in written if not all(map(in_force, item.live.values()))]
            return not late, ", ".join(late)

        if self._waiting is None:
            look()
            return
        try:
            self._waiting.until(look)
        except WaitTimeoutError as error:
            for item in written:
                if not item.outcome.error and not all(map(in_force, item.live.values())):
                    item.outcome.error = WaitTimeoutError(
                        f"The quotas of tenant {item.request.tenant} are written but not in force: {error.message}.",
                        "Check that kube-controller-manager runs (its quota controller), then run again.",
                    )


def in_force(quota: Mapping[str, Any]) -> bool:
    """Tell whether the quota controller has taken over the limits of a ResourceQuota."""
    wanted = quota["spec"].get("hard") or {}
    status = quota.get("status", {})
    taken = status.get("hard") or {}
    return (
        set(wanted) == set(taken) and all(quantity.same(wanted[key], taken[key]) for key in wanted) and "used" in status
    )


def read_fleet(session: Session, requests: Sequence[QuotaRequest]) -> Fleet:
    """Read the host cluster: one LIST per kind, side by side."""
    classes_matter = any(request.base and request.base.storage_classes for request in requests)
    reads: list[Callable[[], list[dict[str, Any]]]] = [
        lambda: session.list(kind_of("ResourceQuota")),
        lambda: session.list(kind_of("Node")),
        lambda: session.list(kind_of("Pod"), fields=_RUNNING),
        lambda: session.list(kind_of("LimitRange")),
        lambda: _device_classes(session),
        lambda: session.list(kind_of("StorageClass")) if classes_matter else [],
    ]
    quotas, nodes, pods, ranges, devices, classes = for_all(reads, lambda read: read(), len(reads))
    return Fleet(quotas, nodes, pods, ranges, _names(devices), _names(classes))


def _device_classes(session: Session) -> list[dict[str, Any]]:
    try:
        return session.list(kind_of("DeviceClass"))
    except NotFoundError:  # Kubernetes before 1.34 has no stable dynamic resource allocation
        return []


def _names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(item["metadata"]["name"] for item in items)
