# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Makes, repairs and removes the fences of many tenants: a handful of LISTs, then only what differs is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ..core.errors import NotFoundError, PlatformError, RemoteError, WaitTimeoutError
from ..core.guard import admission
from ..core.guard.fence import Around, foreign_policies, plan_fence
from ..core.guard.request import Fence, GuardRequest
from ..core.guard.review import review, tenants_of
from ..core.names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from ..core.objects import plan_object
from ..core.plan import Plan
from ..core.retry import Waiting
from .apply import Inventory, Outcome, Writer, observe
from .kinds import kind_of
from .session import Session

#: Item name of what is written once for all tenants.
COMMON = "all tenants"
_SHARED_KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_FENCE_KINDS = ("ServiceAccount", "LimitRange", "NetworkPolicy")
#: Seconds within which an API server is expected to have loaded a new admission policy.
_POLICY_TIMEOUT = 60


@dataclass
class Fenced:
    """What became of one tenant's fence. foreign_policies: NetworkPolicies in the namespace that are not ours."""

    fence: Fence
    outcome: Outcome
    foreign_policies: Sequence[str] = field(default_factory=tuple)


class Guard:
    """Fences tenants in on one host cluster."""

    def __init__(self, session: Session, writer: Writer, check_mode: bool, waiting: Optional[Waiting]) -> None:
        self._session = session
        self._writer = writer
        self._check_mode = check_mode
        self._waiting = waiting

    def converge(self, request: GuardRequest) -> tuple[Outcome, list[Fenced]]:
        """Bring all fences to the wanted state; the first result is what was written once for all tenants.

        A tenant that cannot be fenced carries its error and stops no other. Raises when nothing could be read, or when
        the admission policy that all of them need could not be written.
        """
        found = self._observe(request)
        common = self._shared(request, found)
        results = [self._plan(fence, request, found) for fence in request.fences]
        outcomes = self._writer.carry_out([result.outcome.plan for result in results if not result.outcome.error])
        by_item = {outcome.item: outcome for outcome in outcomes}
        for result in results:
            result.outcome = by_item.get(result.fence.tenant, result.outcome)
        if self._waiting:
            self._wait_until_active(common, results, self._waiting)
            self._wait_until_gone(results, self._waiting)
        return common, results

    # -- reading ------------------------------------------------------------------------------------------------

    def _observe(self, request: GuardRequest) -> Inventory:
        only = request.fences[0].namespace if len(request.fences) == 1 else ""
        # Not by label: foreign NetworkPolicies matter, and a namespace may have been there before us.
        inventory = observe(self._session, ("Namespace", "NetworkPolicy", "LimitRange"), namespace=only)
        ours = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
        inventory.update(observe(self._session, (*_SHARED_KINDS, "ServiceAccount"), ours, only))
        if any(not fence.present for fence in request.fences):
            for item in self._clusters(only):
                inventory.add(item)
        return inventory

    def _clusters(self, namespace: str) -> list[dict[str, Any]]:
        try:
            return self._session.list(kind_of("Cluster"), namespace)
        except NotFoundError:  # k3k is not installed (any more)
            return []

    # -- writing ------------------------------------------------------------------------------------------------

    def _shared(self, request: GuardRequest, found: Inventory) -> Outcome:
        plan = Plan(COMMON)
        if any(fence.present for fence in request.fences):
            for body in admission.shared_objects():
                plan += plan_object(COMMON, body, found.like(body))
        outcome = self._writer.carry_out([plan])[0]
        if outcome.error:
            raise outcome.error
        return outcome

    def _plan(self, fence: Fence, request: GuardRequest, found: Inventory) -> Fenced:
        around = Around(
            found.get("Namespace", fence.namespace),
            [item for kind in _FENCE_KINDS for item in found.of_kind(kind, fence.namespace)],
            [item["metadata"]["name"] for item in found.of_kind("Cluster", fence.namespace)],
        )
        empty = Outcome(fence.tenant, Plan(fence.tenant))
        try:
            plan = plan_fence(fence, request.surroundings, around, self._check_mode)
        except PlatformError as error:
            empty.error = error
            return Fenced(fence, empty)
        return Fenced(fence, Outcome(fence.tenant, plan), foreign_policies(fence, around) if fence.present else ())

    # -- waiting ------------------------------------------------------------------------------------------------

    def _wait_until_active(self, common: Outcome, results: Sequence[Fenced], waiting: Waiting) -> None:
        """A new policy bites only when the API server has loaded it: try a foreign pod (dry run) until it is refused."""
        fenced = [result.fence for result in results if result.fence.present and not result.outcome.error]
        strict = [fence.namespace for fence in fenced if fence.mode == "enforce"]
        if common.done and strict:
            timeout = min(_POLICY_TIMEOUT, waiting.timeout)
            replace(waiting, timeout=timeout).until(lambda: self._refused(strict[0]))

    def _refused(self, namespace: str) -> tuple[bool, str]:
        try:
            self._session.create(kind_of("Pod"), _foreign_pod(namespace), dry_run=True)
        except RemoteError as error:
            return admission.POLICY_NAME in error.message, error.message
        return False, f"the admission policy {admission.POLICY_NAME} does not refuse a foreign pod in {namespace} yet"

    def _wait_until_gone(self, results: Sequence[Fenced], waiting: Waiting) -> None:
        removed = [result for result in results if not result.fence.present and not result.outcome.error]
        leaving: dict[str, Mapping[str, Any]] = {}

        def look() -> tuple[bool, str]:
            there = {item["metadata"]["name"]: item for item in self._session.list(kind_of("Namespace"))}
            leaving.clear()
            leaving.update({r.fence.tenant: there[r.fence.namespace] for r in removed if r.fence.namespace in there})
            return not leaving, ", ".join(sorted(leaving))

        try:
            if removed:
                waiting.until(look)
        except WaitTimeoutError:
            for result in removed:
                if result.fence.tenant in leaving:
                    result.outcome.error = _stuck(leaving[result.fence.tenant], waiting.timeout)


def inspect(session: Session) -> dict[str, dict[str, Any]]:
    """What fences each tenant in now: tenant id -> what L(review) says. Five LISTs, whatever the number of tenants."""
    found = observe(session, ("Namespace",), LABEL_TENANT)
    found.update(observe(session, ("NetworkPolicy", "LimitRange", "ServiceAccount", *_SHARED_KINDS)))
    shared = [item for kind in _SHARED_KINDS for item in found.of_kind(kind)]
    by_namespace: dict[str, list[Mapping[str, Any]]] = {}
    for kind in _FENCE_KINDS:
        for item in found.of_kind(kind):
            by_namespace.setdefault(item["metadata"]["namespace"], []).append(item)
    return {
        tenant: review(namespace, by_namespace.get(namespace["metadata"]["name"], []), shared)
        for tenant, namespace in tenants_of(found.of_kind("Namespace")).items()
    }


def _stuck(namespace: Mapping[str, Any], timeout: float) -> WaitTimeoutError:
    """Say in the namespace controller's own words what holds a namespace."""
    said = [
        str(condition.get("message"))
        for condition in namespace.get("status", {}).get("conditions") or []
        if condition.get("status") == "True"
    ]
    return WaitTimeoutError(
        f"Namespace {namespace['metadata']['name']} is still being deleted after {timeout:g} s"
        + (f": {' '.join(said)}" if said else "."),
        "Remove what holds it (a finalizer whose controller is gone?) and run again.",
    )


def _foreign_pod(namespace: str) -> dict[str, Any]:
    """A pod that nothing but our policy can object to: it meets even the restricted pod security standard."""
    container = {
        "name": "probe",
        "image": "example.invalid/probe:1",
        "resources": {"limits": {"cpu": "1m", "memory": "1Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "ai-tenancy-probe", "namespace": namespace},
        "spec": {
            "containers": [container],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    }
