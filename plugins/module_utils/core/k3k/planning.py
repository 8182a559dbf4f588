# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From the wish and what is there to ordered stages: what is written, and what must hold before the next write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ..errors import RefusedError
from ..names import LABEL_TENANT, K3kNames
from ..objects import Object
from ..plan import REFUSE, REMOVE, Difference, Plan, Step
from . import desired
from .changes import consequence, recreates_agents, running_agents, template_fields
from .desired import being_deleted
from .immutable import with_live_literals
from .refusal import Consent, Reason, reasons_against
from .request import ALWAYS, NEVER, ClusterRequest
from .spec import extended_resources

#: No condition.
NOTHING = "nothing"
#: The policy controller has taken care of the namespace.
POLICY = "policy"
#: No agent pod is left.
NO_AGENTS = "no agents"
#: The claims that the stage names are gone.
NO_CLAIMS = "no claims"
#: Nothing of an earlier cluster of this name is there any more, except volumes that were kept on purpose.
FREE = "free"
#: Cluster, pods and claims are gone.
GONE = "gone"
#: The VirtualClusterPolicy is gone.
NO_POLICY = "no policy"
#: Servers and agents are ready.
READY = "ready"


@dataclass(frozen=True)
class Observed:
    """What is there. pods, claims: those of this cluster's name. others: what else uses its policy, in words."""

    cluster: Optional[Object] = None
    namespace: Optional[Object] = None
    policy: Optional[Object] = None
    pods: Sequence[Object] = ()
    claims: Sequence[Object] = ()
    others: Sequence[str] = ()


@dataclass(frozen=True)
class Stage:
    """Writes, and the condition to wait for after them. names: the objects that NO_CLAIMS is about."""

    plan: Plan
    until: str = NOTHING
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterPlan:
    """The stages of one request, in order. refusal: set when nothing of it is carried out, and why."""

    request: ClusterRequest
    stages: tuple[Stage, ...] = ()
    refusal: Optional[RefusedError] = None
    refused: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def steps(self) -> tuple[Step, ...]:
        """All writes of all stages."""
        return tuple(step for stage in self.stages for step in stage.plan.writes)

    @property
    def builds_on_itself(self) -> bool:
        """Whether a later write is right only after an earlier one was really made, so that no dry run can judge it."""
        kinds = [step.kind for step in self.steps if step.patch]
        return any(stage.until == FREE for stage in self.stages) or ("Cluster" in kinds and len(self.steps) > 1)


def plan_present(request: ClusterRequest, seen: Observed, consent: Consent) -> ClusterPlan:
    """Plan a cluster that is to exist."""
    live = None if being_deleted(seen.cluster) else seen.cluster
    spec = with_live_literals(request.spec, live)
    step = desired.cluster_step(request, spec, live)
    changed = step.differences if step and live else ()
    recreate = live is not None and recreates_agents(request, live, changed)
    reasons = reasons_against(request, live, seen.namespace, seen.policy, changed, recreate, consent)
    if reasons:
        return _refused(request, reasons)
    stages: list[Stage] = []
    if live is None:
        if seen.cluster is not None or seen.pods or any(lingers(claim) for claim in seen.claims):
            # The new Service would select the old pods, and the new cluster would get their answers.
            stages.append(Stage(Plan(request.name), FREE))
        stages.append(_prepare(request, seen, live))
        if step and seen.namespace is None and not request.create_namespace:  # only check mode gets so far
            step = replace(step, reason=f"after tenant_guard has made the namespace {request.namespace}")
        stages.append(Stage(Plan(request.name, (step,) if step else ()), READY))
    else:
        stages += [_prepare(request, seen, live), _clear_stale_claims(request, seen, live)]
        stages += _change(request, spec, live, step, recreate)
    kept = tuple(stage for stage in stages if stage.plan.steps or stage.until != NOTHING)
    return ClusterPlan(request, kept, warnings=tuple(_warnings(request, seen, live, changed)))


def plan_absent(request: ClusterRequest, seen: Observed) -> ClusterPlan:
    """Plan a cluster that is not to exist, with its volumes and its policy."""
    item, steps = request.name, []
    if seen.cluster is not None and not being_deleted(seen.cluster):
        before = desired.masked(
            {key: value for key, value in seen.cluster.items() if key not in ("status", "metadata")}
        )
        reason = "the virtual cluster and everything in it"
        steps.append(Step(REMOVE, "Cluster", request.name, request.namespace, before=before, reason=reason))
    steps += [_claim_removal(claim, "the data of a server") for claim in seen.claims if not being_deleted(claim)]
    stages: list[Stage] = []
    if seen.cluster is not None or seen.pods or seen.claims:
        stages.append(Stage(Plan(item, tuple(steps)), GONE))
    refused: tuple[Step, ...] = ()
    step = _policy_removal(request, seen)
    if step is not None and step.action == REFUSE:
        refused = (step,)
    elif step is not None:
        stages.append(Stage(Plan(item, (step,)), NO_POLICY))
    return ClusterPlan(request, tuple(stages), refused=refused)


def _refused(request: ClusterRequest, reasons: Sequence[Reason]) -> ClusterPlan:
    steps = tuple(Step(REFUSE, "Cluster", request.name, request.namespace, reason=reason.text) for reason in reasons)
    message = f"Cluster {request.namespace}/{request.name}: " + "; ".join(reason.text for reason in reasons) + "."
    advice = " ".join(dict.fromkeys(reason.advice for reason in reasons if reason.advice))
    return ClusterPlan(request, refusal=RefusedError(message, advice), refused=steps)


# -- what to do -------------------------------------------------------------------------------------------------------


def _prepare(request: ClusterRequest, seen: Observed, live: Optional[Object]) -> Stage:
    """The policy first, then the namespace bound to it: a label that names no policy makes a Cluster fail."""
    steps = [desired.policy_step(request, seen.policy), desired.namespace_step(request, seen.namespace)]
    found = tuple(step for step in steps if step is not None)
    labels = {} if seen.namespace is None else seen.namespace["metadata"].get("labels") or {}
    in_force = labels.get(desired.LABEL_POD_SECURITY) == desired.POD_SECURITY
    # Pods that start before the namespace is privileged are refused on a hardened host.
    return Stage(Plan(request.name, found), NOTHING if in_force or (live and not found) else POLICY)


def _clear_stale_claims(request: ClusterRequest, seen: Observed, live: Object) -> Stage:
    """Volumes of servers that were scaled away hold members that etcd has removed; a new server cannot use them."""
    servers = int(live["spec"].get("servers", 1))
    stale = stale_claims(request.objects, seen.claims, servers) if int(request.spec["servers"]) > servers else []
    steps = tuple(_claim_removal(claim, "left by a server that was scaled away") for claim in stale)
    return Stage(Plan(request.name, steps), NO_CLAIMS if steps else NOTHING, tuple(step.name for step in steps))


def stale_claims(objects: K3kNames, claims: Sequence[Object], servers: int) -> list[Object]:
    """The claims of servers beyond the first C(servers) ones."""
    current = {objects.server_claim(ordinal) for ordinal in range(servers)}
    return [claim for claim in claims if claim["metadata"]["name"] not in current]


def lingers(claim: Object) -> bool:
    """Whether a claim is on its way out: being deleted, or owned by a Cluster that is."""
    owners = claim["metadata"].get("ownerReferences") or []
    return being_deleted(claim) or any(owner.get("kind") == "Cluster" for owner in owners)


def _claim_removal(claim: Object, reason: str) -> Step:
    metadata = claim["metadata"]
    return Step(REMOVE, "PersistentVolumeClaim", metadata["name"], metadata["namespace"], reason=reason)


def _change(
    request: ClusterRequest, spec: Mapping[str, Any], live: Object, step: Optional[Step], recreate: bool
) -> list[Stage]:
    item = request.name
    exposure = desired.exposure_step(request, spec, live)
    steps = [exposure] if exposure else []
    if recreate and step:
        away, back = _agents_away_and_back(request, spec, live, step)
        return [Stage(Plan(item, (*steps, away)), NO_AGENTS), Stage(Plan(item, (back,)), READY)]
    if step:
        steps.append(replace(step, reason=consequence(live, step.differences)))
    elif not steps and (live.get("status") or {}).get("phase") == "Failed":
        steps.append(desired.retry_step(request, live))
    return [Stage(Plan(item, tuple(steps)), READY)]


def _agents_away_and_back(
    request: ClusterRequest, spec: Mapping[str, Any], live: Object, step: Step
) -> tuple[Step, Step]:
    """Two applies of the new spec, first with no agent, then with all.

    The Deployment is scaled to nothing in the write that changes its template, so no pod of the new template starts
    beside the old ones.
    """
    before, after = running_agents(live), int(spec["agents"])
    others = tuple(part for part in step.differences if part.path != "spec.agents")
    none = {**spec, "agents": 0}
    away = replace(
        step,
        differences=(*others, Difference("spec.agents", before, 0)),
        after={**step.after, "spec": {**step.after["spec"], "agents": 0}},
        reason=f"agents {before} -> 0, with the new spec; their pods must go first",
        body=desired.cluster_body(request, none),
    )
    back = replace(
        step,
        differences=(Difference("spec.agents", 0, after),),
        before={"spec": {"agents": 0}},
        after={"spec": {"agents": after}},
        reason=f"agents 0 -> {after}, now that the old ones are gone",
    )
    return away, back


def _policy_removal(request: ClusterRequest, seen: Observed) -> Optional[Step]:
    if seen.policy is None or request.policy_removal == NEVER or being_deleted(seen.policy):
        return None
    owner = (seen.policy["metadata"].get("labels") or {}).get(LABEL_TENANT)
    place = ("VirtualClusterPolicy", request.policy)
    if request.policy_removal != ALWAYS:
        if owner != request.tenant:
            return Step(REFUSE, *place, reason=f"it was not made for tenant {request.tenant}")
        if seen.others:
            users = ", ".join(seen.others)
            reason = f"still used by {users}; without it their servers may restart and parked clusters start"
            return Step(REFUSE, *place, reason=reason)
    return Step(REMOVE, *place, reason="its cluster is removed")


# -- what to know -----------------------------------------------------------------------------------------------------


def _warnings(
    request: ClusterRequest, seen: Observed, live: Optional[Object], changed: Sequence[Difference]
) -> Iterator[str]:
    if live is not None and any(part.path.startswith("spec.tlsSANs") for part in changed):
        yield (
            "the new TLS names are in the served certificate only after the server pods were restarted; "
            f"delete them one by one: {request.objects.server}-0, ..."
        )
    fields = template_fields(seen.policy)
    if live is None and fields:
        yield f"the policy {request.policy} sets {', '.join(fields)}: the servers restart once after their first start"
    kept = [claim["metadata"]["name"] for claim in seen.claims if live is None and not lingers(claim)]
    if kept:
        yield f"kept volumes are used again ({', '.join(kept)}); that works only with the token they were made with"
    spec = (seen.policy or {}).get("spec") or {}
    if spec.get("quota") or spec.get("limit"):
        yield f"the policy {request.policy} has a quota or limits of its own; the lowest of all quotas holds"
    placed = request.spec.get("agentAffinity") or request.spec.get("nodeSelector")
    devices = {} if placed else extended_resources(request.spec.get("workerLimit"))
    for name, count in devices.items():
        yield (
            f"agents are privileged and see every device of their node: with {name}: {count} give them whole nodes, "
            "otherwise the quota is accounting and no fence"
        )
