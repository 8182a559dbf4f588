# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Why a request is not carried out: what cannot be changed, what would do harm, and what is not there yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from ..names import LABEL_TENANT
from ..objects import Object
from ..plan import Difference
from . import desired
from .changes import (
    agent_fields,
    is_ephemeral,
    running_agents,
    server_fields,
    template_fields,
    version_in_force,
)
from .immutable import conflicts
from .request import ClusterRequest
from .spec import MODE
from .version import step_problem


@dataclass(frozen=True)
class Consent:
    """What the operator allows. check_mode: nothing is written, so what another module is yet to do may be missing."""

    disruptive: bool = False
    downgrade: bool = False
    check_mode: bool = False


class Reason(NamedTuple):
    """Why not, and what the operator can do about it."""

    text: str
    advice: str = ""


_WHEN = "Choose the time with the tenant, then set allow_disruptive."
_ANEW = "This needs a new virtual cluster: back up what is in it, remove it with state=absent, and run again."


def reasons_against(
    request: ClusterRequest,
    cluster: Optional[Object],
    namespace: Optional[Object],
    policy: Optional[Object],
    changed: Sequence[Difference],
    recreate: bool,
    consent: Consent,
) -> list[Reason]:
    """Every reason not to carry out a request; empty when there is none.

    cluster, namespace, policy: as read, or None. changed: how the Cluster's wanted spec differs from the live one.
    recreate: the change takes all agents away for a while.
    """
    reasons = [*_namespace_reasons(request, namespace, consent), *_policy_reasons(request, policy)]
    if cluster is not None:
        reasons += _change_reasons(request, cluster, changed, consent)
        if not consent.disruptive:
            reasons += _disruption_reasons(cluster, changed, recreate)
            reasons += _binding_reasons(request, cluster, namespace, policy)
    return reasons


def reasons_against_removal(
    bindings: Mapping[str, Optional[Object]], controllers: Sequence[Object], namespace: str
) -> list[Reason]:
    """Why a removal would hang: without these the Cluster's finalizer is never taken off, and nothing says so.

    bindings: the ClusterRoleBindings that the controller edits on each removal, by name; None when missing.
    controllers: Deployments of the k3k controller that were found in C(namespace).
    """
    reasons = []
    missing = [name for name, found in bindings.items() if found is None]
    if missing:
        text = (
            f"the ClusterRoleBinding {' and '.join(missing)} is missing, without which the k3k controller cannot remove"
        )
        reasons.append(Reason(text, "Install the k3k chart again (same release and namespace), then run again."))
    if not any(int((found.get("status") or {}).get("readyReplicas") or 0) for found in controllers):
        state = "is not ready" if controllers else "was not found"
        text = f"the k3k controller {state} in namespace {namespace}, and only it can take the Cluster's finalizer off"
        reasons.append(Reason(text, "Start the controller, or set controller_namespace, then run again."))
    return reasons


def _namespace_reasons(request: ClusterRequest, namespace: Optional[Object], consent: Consent) -> Iterator[Reason]:
    advice = "Run ai_tenancy.platform.tenant_guard for this tenant first, or set create_namespace."
    # In check mode tenant_guard, which runs first, has not written either.
    tolerated = request.create_namespace or consent.check_mode
    if namespace is None:
        if not tolerated:
            yield Reason(f"the namespace {request.namespace} does not exist", advice)
        return
    if desired.being_deleted(namespace):
        yield Reason(f"the namespace {request.namespace} is being deleted", "Wait until it is gone and run again.")
        return
    bound = (namespace["metadata"].get("labels") or {}).get(desired.LABEL_POLICY)
    if bound and bound != request.policy:
        yield Reason(
            f"the namespace {request.namespace} is bound to the policy {bound}, not to {request.policy}",
            f"State policy: {bound}, or remove the label {desired.LABEL_POLICY} (which restarts its clusters' servers).",
        )
    elif not bound and not tolerated:
        yield Reason(f"the namespace {request.namespace} is not bound to the policy {request.policy}", advice)


def _policy_reasons(request: ClusterRequest, policy: Optional[Object]) -> Iterator[Reason]:
    if policy is None:
        return
    if desired.being_deleted(policy):
        yield Reason(f"the policy {request.policy} is being deleted", "Wait until it is gone and run again.")
        return
    mode = (policy.get("spec") or {}).get("allowedMode", "shared")
    if mode != MODE:
        yield Reason(
            f"the policy {request.policy} allows mode {mode} only, and that cannot be changed",
            "State another policy, or remove this one when no cluster needs it.",
        )
    owner = (policy["metadata"].get("labels") or {}).get(LABEL_TENANT)
    if owner and owner != request.tenant:
        yield Reason(f"the policy {request.policy} belongs to tenant {owner}", "State a policy of the tenant's own.")


def _change_reasons(
    request: ClusterRequest, live: Object, changed: Sequence[Difference], consent: Consent
) -> Iterator[Reason]:
    for part in conflicts(request.spec, live):
        yield Reason(f"{part.path} cannot be changed from {_value(part.before)} to {_value(part.after)}", _ANEW)
    step = (version_in_force(live), request.spec["version"])
    problem = step_problem(*step, consent.downgrade)
    if problem:
        would_do = not step_problem(*step, True)
        yield Reason(f"version: {problem}", "Set allow_downgrade if you know that it can." if would_do else "")


def _disruption_reasons(live: Object, changed: Sequence[Difference], recreate: bool) -> Iterator[Reason]:
    if recreate:
        fields = ", ".join(agent_fields(changed))
        text = (
            f"{fields} is part of the agents' pods; these agents are replaced by taking all {running_agents(live)} away "
            "first (a rolling update needs room for one more agent than the quota has), which ends every job on them"
        )
        yield Reason(text, _WHEN)
    fields = ", ".join(server_fields(changed))
    if fields and is_ephemeral(live):
        text = (
            f"{fields} restarts the server, and with ephemeral persistence that loses everything in the virtual "
            "cluster and makes new CAs"
        )
        yield Reason(text, _WHEN)


def _binding_reasons(
    request: ClusterRequest, live: Object, namespace: Optional[Object], policy: Optional[Object]
) -> Iterator[Reason]:
    """A policy that reaches the pod templates, put over a running ephemeral cluster, restarts its server."""
    labels = {} if namespace is None else namespace["metadata"].get("labels") or {}
    fields = template_fields(policy)
    if fields and is_ephemeral(live) and labels.get(desired.LABEL_POLICY) != request.policy:
        text = (
            f"binding the namespace to the policy {request.policy} (it sets {', '.join(fields)}) restarts the server, "
            "and with ephemeral persistence that loses everything in the virtual cluster"
        )
        yield Reason(text, _WHEN)


def _value(value: Any) -> str:
    return "unset" if value is None else repr(value)
