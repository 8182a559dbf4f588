# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The quotas of one tenant: desired objects, and the plan that makes, raises, lowers or removes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from .. import quantity
from ..errors import RefusedError
from ..names import LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, MANAGED_BY
from ..objects import owned_fields, plan_object, shown
from ..plan import REFUSE as REFUSED
from ..plan import REMOVE, Plan, Step
from ..quantity import Quantity
from .direction import reductions, target
from .keys import accelerator_of
from .request import FORCE, LOWER, RAISE, REFUSE, ClusterShape, QuotaRequest
from .usage import Consumer, counts_pods, held

Object = Mapping[str, Any]
Hard = Mapping[str, str]

ACCELERATOR_QUOTA, BASE_QUOTA = "accel-quota", "base-quota"
ANNOTATION_GUARANTEED = LABEL_PREFIX + "guaranteed"
#: Fingerprint of limits and guarantees as written, so that a later change by hand is seen without the declaration.
ANNOTATION_HASH = LABEL_PREFIX + "spec-hash"
#: Consumers named in a message; the result has them all.
_NAMED_CONSUMERS = 10


@dataclass(frozen=True)
class Holdings:
    """What was found of one tenant. quotas: its live ResourceQuotas of ours by name. consumers: its pods that count."""

    quotas: Mapping[str, Object] = field(default_factory=dict)
    consumers: Sequence[Consumer] = ()

    def used(self, name: str, key: str) -> Quantity:
        """How much of a key is in use: counted from the pods where that is possible, for the status lags behind."""
        if counts_pods(key):
            return held(self.consumers, key)
        status = self.quotas.get(name, {}).get("status", {})
        return quantity.parse((status.get("used") or {}).get(key, 0))


@dataclass(frozen=True)
class Cut:
    """A limit that is to fall. before: the live limit, None for unlimited. after: the wanted one. used: in use now."""

    key: str
    before: Optional[str]
    after: str
    used: Quantity
    leaving: Quantity

    @property
    def below_use(self) -> bool:
        """True when more is in use than the new limit allows."""
        return self.used > quantity.parse(self.after)

    @property
    def only_waits(self) -> bool:
        """True when pods that are being deleted already are all that stands in the way."""
        return self.below_use and self.used - self.leaving <= quantity.parse(self.after)

    def as_dict(self) -> dict[str, Any]:
        """The cut as it stands in C(pending_reduction)."""
        return {"from": self.before, "to": self.after, "used": str(self.used)}


@dataclass(frozen=True)
class QuotaPlan:
    """The plan of one tenant.

    hard: what each quota is to have when the whole declaration is carried out, by quota name; what is not allowed to
    fall stays. pending: cuts that this call does not make. consumers: who is in the way.
    """

    plan: Plan
    hard: Mapping[str, Hard] = field(default_factory=dict)
    guaranteed: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, Cut] = field(default_factory=dict)
    consumers: Sequence[Consumer] = ()


class CutBelowUseError(RefusedError):
    """A limit would fall below what is in use. cuts, consumers: which, and who holds it."""

    def __init__(self, message: str, next_step: str, cuts: Sequence[Cut], consumers: Sequence[Consumer]) -> None:
        super().__init__(message, next_step)
        self.cuts = cuts
        self.consumers = consumers

    @property
    def code(self) -> str:
        """The stable word for programs."""
        return "refused"


def plan_quotas(
    request: QuotaRequest, wanted: Mapping[str, Hard], found: Holdings, direction: str, trust_declared: bool = False
) -> QuotaPlan:
    """Plan one tenant. Raises CutBelowUseError when C(on_reduce) is C(refuse) and a limit would fall below use.

    wanted: C(spec.hard) by quota name; a quota that is not named is left alone. direction: see L(direction).
    trust_declared: check mode of C(lower), in which the declared virtual cluster counts as already in place, because
    in a real run it would be.
    """
    if not request.present:
        return _plan_removal(request, found, direction, trust_declared)
    parts = [_plan_one(request, name, hard, found, direction, trust_declared) for name, hard in wanted.items()]
    in_the_way = [cut for part in parts for cut in part.blocked]
    pending = {cut.key: cut for part in parts for cut in part.pending}
    steps = tuple(step for part in parts for step in part.steps)
    if in_the_way and request.on_reduce == REFUSE:
        raise _refusal(request, in_the_way, found)
    if in_the_way and request.on_reduce != FORCE:
        pending.update({cut.key: cut for cut in in_the_way})
        steps += (_refused_step(request, in_the_way),)
    return QuotaPlan(
        Plan(request.tenant, steps),
        {name: part.hard for name, part in zip(wanted, parts)},
        next((part.guaranteed for name, part in zip(wanted, parts) if name == ACCELERATOR_QUOTA), request.guaranteed),
        pending,
        _holders(found.consumers, [cut.key for cut in in_the_way]),
    )


@dataclass(frozen=True)
class _Part:
    """The plan of one ResourceQuota. hard, guaranteed: what it is to have in the end. blocked: cuts below use."""

    steps: tuple[Step, ...]
    hard: Hard
    guaranteed: Mapping[str, int]
    blocked: Sequence[Cut] = ()
    pending: Sequence[Cut] = ()


def _plan_one(
    request: QuotaRequest, name: str, hard: Hard, found: Holdings, direction: str, trust_declared: bool
) -> _Part:
    live = found.quotas.get(name)
    if not hard:
        return _Part(_drop(request, live, direction), hard, {})
    live_hard = None if live is None else ours(live, hard)
    cuts = _cuts(name, live_hard, hard, found)
    # A quota that is yet to be made limits what was unlimited, whichever half makes it.
    blocked = _blocked(request, cuts, direction if live is not None else LOWER, trust_declared)
    kept = blocked if request.on_reduce != FORCE else []
    final, guaranteed = _without(hard, kept), request.guaranteed
    if name == ACCELERATOR_QUOTA and live is not None and kept:
        guaranteed = _kept_guarantees(request.guaranteed, guaranteed_of(live), kept)
    to_write = target(direction, live_hard, final)
    steps: tuple[Step, ...] = ()
    if to_write is not None:
        body = _manifest(replace(request, guaranteed=guaranteed), name, to_write, live, direction)
        steps = plan_object(request.tenant, body, live).steps
    pending = cuts if direction == RAISE and live is not None else []
    return _Part(steps, final, guaranteed, blocked, pending)


def cuts_that_wait(request: QuotaRequest, wanted: Mapping[str, Hard], found: Holdings, direction: str) -> list[Cut]:
    """The cuts that become possible by themselves, when pods that are being deleted are gone."""
    if direction == RAISE or request.on_reduce == FORCE:
        return []
    if not request.present:
        return _removal_cuts(found) if found.consumers and all(pod.leaving for pod in found.consumers) else []
    cuts = [
        cut
        for name, hard in wanted.items()
        for cut in _cuts(name, None if name not in found.quotas else ours(found.quotas[name], hard), hard, found)
        if cut.below_use
    ]
    return cuts if all(cut.only_waits for cut in cuts) else []


def ours(live: Object, wanted: Mapping[str, Any]) -> dict[str, str]:
    """The part of a live C(spec.hard) that we own or want; what another writer added is not ours to change."""
    owned = owned_fields(live).get("f:spec", {}).get("f:hard", {})
    hard = live.get("spec", {}).get("hard") or {}
    return {key: str(value) for key, value in hard.items() if f"f:{key}" in owned or key in wanted}


def guaranteed_of(live: Object) -> dict[str, int]:
    """The guarantees that a live accelerator quota carries; its limits when the annotation is missing or unreadable."""
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION_GUARANTEED)
    try:
        found = {str(name): quantity.parse_count(count) for name, count in json.loads(text or "").items()}
    except (ValueError, AttributeError):
        return granted_of(live)
    return found


def granted_of(live: Object) -> dict[str, int]:
    """The accelerators that a live quota grants (more than zero), by plain name."""
    found = {}
    for key, value in (live.get("spec", {}).get("hard") or {}).items():
        name = accelerator_of(key)
        if name is not None and quantity.parse(value):
            found[name] = quantity.parse(value).to_int()
    return found


def fingerprint(hard: Mapping[str, Any], guaranteed: Mapping[str, int]) -> str:
    """A short hash of limits and guarantees, independent of order and spelling of quantities."""
    data = {
        "hard": {key: quantity.canonical(value) for key, value in hard.items()},
        "guaranteed": {name: count for name, count in guaranteed.items() if count},
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


# -- desired objects ------------------------------------------------------------------------------------------------


def _manifest(request: QuotaRequest, name: str, hard: Hard, live: Optional[Object], direction: str) -> dict[str, Any]:
    """One ResourceQuota, complete. C(lower) leaves labels and guarantees as C(raise) wrote them."""
    guaranteed = {key: count for key, count in sorted(request.guaranteed.items()) if count}
    labels = {**request.labels, LABEL_TENANT: request.tenant, LABEL_MANAGED_BY: MANAGED_BY}
    annotations = {} if name == BASE_QUOTA else {ANNOTATION_GUARANTEED: json.dumps(guaranteed, sort_keys=True)}
    if live is not None and direction == LOWER:
        labels, annotations = _owned_metadata(live, "labels"), _owned_metadata(live, "annotations")
        guaranteed = guaranteed_of(live)
    annotations[ANNOTATION_HASH] = fingerprint(hard, {} if name == BASE_QUOTA else guaranteed)
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {
            "name": name,
            "namespace": request.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {"hard": dict(hard)},
    }


def _owned_metadata(live: Object, part: str) -> dict[str, str]:
    owned = owned_fields(live).get("f:metadata", {}).get(f"f:{part}", {})
    return {key: value for key, value in (live["metadata"].get(part) or {}).items() if f"f:{key}" in owned}


# -- cuts -----------------------------------------------------------------------------------------------------------


def _cuts(name: str, live_hard: Optional[Hard], hard: Hard, found: Holdings) -> list[Cut]:
    leaving = [consumer for consumer in found.consumers if consumer.leaving]
    return [
        Cut(key, before, after, found.used(name, key), held(leaving, key))
        for key, (before, after) in reductions(live_hard, hard).items()
    ]


def _blocked(request: QuotaRequest, cuts: Sequence[Cut], direction: str, trust_declared: bool) -> list[Cut]:
    if direction == RAISE:
        return []
    found = [cut for cut in cuts if cut.below_use]
    if trust_declared and request.cluster is not None:
        found = [cut for cut in found if not _declared_fits(request.cluster, cut)]
    return found


def _declared_fits(cluster: ClusterShape, cut: Cut) -> bool:
    """Tell whether the virtual cluster as declared stays within the new limit, whatever runs now."""
    if cut.key == "pods":
        return cluster.pods <= quantity.parse(cut.after).to_int()
    if not counts_pods(cut.key):
        return False
    resource = cut.key.partition(".")[2]
    return cluster.need(resource) <= quantity.parse(cut.after)


def _without(hard: Hard, blocked: Sequence[Cut]) -> dict[str, str]:
    """The wanted limits, with those that must not fall kept at what they are (or left out when there is none)."""
    kept = {cut.key: cut.before for cut in blocked}
    found = {key: kept.get(key, value) for key, value in hard.items()}
    return {key: value for key, value in found.items() if value is not None}


def _kept_guarantees(wanted: Mapping[str, int], live: Mapping[str, int], kept: Sequence[Cut]) -> dict[str, int]:
    """The guarantees, of which those do not fall whose limit does not."""
    names = {accelerator_of(cut.key) for cut in kept}
    return {name: live.get(name, 0) if name in names else wanted.get(name, 0) for name in {*wanted, *live}}


def _holders(found: Sequence[Consumer], keys: Sequence[str]) -> list[Consumer]:
    return [consumer for consumer in found if any(consumer.holds.get(key) for key in keys)]


def _refusal(request: QuotaRequest, cuts: Sequence[Cut], found: Holdings) -> CutBelowUseError:
    keys = [cut.key for cut in cuts]
    holders = _holders(found.consumers, keys)
    what = ", ".join(f"{cut.key} from {cut.before or 'unlimited'} to {cut.after} ({cut.used} in use)" for cut in cuts)
    lines = [f"  - {consumer.line(keys)}" for consumer in holders[:_NAMED_CONSUMERS]]
    if len(holders) > _NAMED_CONSUMERS:
        lines.append(f"  - and {len(holders) - _NAMED_CONSUMERS} more, see consumers in the result")
    first = "Lower the agents of the virtual cluster first"
    if not any(counts_pods(key) for key in keys):
        first = "Remove what uses it first (the playbook clearml_gateways takes away what leads to a gateway)"
    return CutBelowUseError(
        "\n".join([f"Quota of tenant {request.tenant}: not lowered, {what}. In use by:", *lines]),
        f"{first}, or set on_reduce: force (what is there stays, new ones are refused).",
        cuts,
        holders,
    )


def _refused_step(request: QuotaRequest, cuts: Sequence[Cut]) -> Step:
    what = ", ".join(
        f"{cut.key} stays {cut.before or 'unlimited'}, {cut.used} in use, wanted {cut.after}" for cut in cuts
    )
    return Step(REFUSED, "ResourceQuota", ACCELERATOR_QUOTA, request.namespace, reason=f"not lowered below use: {what}")


def _drop(request: QuotaRequest, live: Optional[Object], direction: str) -> tuple[Step, ...]:
    """Remove a quota that limits nothing any more. That raises, so C(lower) leaves it to C(raise)."""
    if live is None or direction == LOWER:
        return ()
    name = str(live["metadata"]["name"])
    return (
        Step(REMOVE, "ResourceQuota", name, request.namespace, before=shown(live), reason="it limits nothing any more"),
    )


# -- removal --------------------------------------------------------------------------------------------------------


def _plan_removal(request: QuotaRequest, found: Holdings, direction: str, trust_declared: bool) -> QuotaPlan:
    if direction == RAISE or not found.quotas:
        return QuotaPlan(Plan(request.tenant))
    cuts = _removal_cuts(found)
    gone_by_then = trust_declared and request.cluster is not None and request.cluster.pods == 0
    if cuts and request.on_reduce != FORCE and not gone_by_then:
        if request.on_reduce == REFUSE:
            raise _refusal(request, cuts, found)
        pending = {cut.key: cut for cut in cuts}
        return QuotaPlan(Plan(request.tenant, (_refused_step(request, cuts),)), {}, {}, pending, found.consumers)
    steps = tuple(
        Step(REMOVE, "ResourceQuota", name, request.namespace, before=shown(live), reason="declared absent")
        for name, live in found.quotas.items()
    )
    return QuotaPlan(Plan(request.tenant, steps))


def _removal_cuts(found: Holdings) -> list[Cut]:
    """What pods still hold of the quotas that are to go; without them nothing would limit these pods any more."""
    limited = {key: value for live in found.quotas.values() for key, value in (live["spec"].get("hard") or {}).items()}
    leaving = [consumer for consumer in found.consumers if consumer.leaving]
    return [
        Cut(key, str(limited[key]), "none", held(found.consumers, key), held(leaving, key))
        for key in limited
        if counts_pods(key) and held(found.consumers, key)
    ]
