# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What C(gpu_quota) and C(gpu_quota_info) say about one tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional

from .. import quantity
from ..errors import PlatformError
from .capacity import Assessment, enforcement
from .keys import accelerator_of, accelerators_in
from .plan import (
    ACCELERATOR_QUOTA,
    ANNOTATION_HASH,
    BASE_QUOTA,
    Cut,
    CutBelowUseError,
    Holdings,
    QuotaPlan,
    fingerprint,
    granted_of,
    guaranteed_of,
)
from .request import QuotaRequest
from .usage import Consumer

Object = Mapping[str, Any]


def of_plan(
    request: QuotaRequest,
    plan: QuotaPlan,
    live: Mapping[str, Object],
    assessment: Assessment,
    error: Optional[PlatformError],
) -> dict[str, Any]:
    """The values of one tenant after its plan was carried out. live: its quotas as they are now, by name."""
    pending, in_the_way = plan.pending, plan.consumers
    if isinstance(error, CutBelowUseError):
        pending, in_the_way = {cut.key: cut for cut in error.cuts}, error.consumers
    values: dict[str, Any] = {
        "namespace": request.namespace,
        "state": "present" if request.present else "absent",
        **accounts(live),
        "pending_reduction": {key: cut.as_dict() for key, cut in pending.items()},
    }
    if in_the_way:
        values["consumers"] = who_holds(in_the_way, pending.values())
    placement = assessment.report.placements.get(request.tenant)
    if placement is not None:
        values["placement"] = {
            **placement.to_dict(),
            "per_node_slots": {name: slots for name, slots in placement.slots.items() if slots},
        }
    if not request.present:
        return values
    granted = {name: count for name, count in request.resources.items() if count}
    if granted:
        values["enforcement"], values["enforcement_reasons"] = enforcement(request, assessment)
    values["clearml"] = clearml(granted)
    return values


def of_live(namespace: str, holdings: Holdings, with_consumers: bool) -> dict[str, Any]:
    """The values of one tenant as it stands, without its declaration."""
    quota = holdings.quotas.get(ACCELERATOR_QUOTA)
    values: dict[str, Any] = {"namespace": namespace, "exists": bool(holdings.quotas), **accounts(holdings.quotas)}
    if quota is not None:
        values["guaranteed"] = guaranteed_of(quota)
        values["clearml"] = clearml(granted_of(quota))
    values["drifted"] = sorted(name for name, live in holdings.quotas.items() if drifted(live))
    if with_consumers:
        values["consumers"] = [
            consumer.as_dict(key for key in consumer.holds if accelerator_of(key))
            for consumer in holdings.consumers
            if any(accelerator_of(key) for key in consumer.holds)
        ]
    return values


def who_holds(found: Iterable[Consumer], cuts: Iterable[Cut]) -> list[dict[str, Any]]:
    """Consumers as they stand in results, with what they hold of the limits that are to fall."""
    keys = [cut.key for cut in cuts]
    return [consumer.as_dict(keys) for consumer in found]


def clearml(granted: Mapping[str, int]) -> dict[str, int]:
    """Values of the ClearML agent's chart that must follow the quota: what it shows, and where it stops."""
    total = sum(granted.values())
    return {"report_max": total, "max_resources": total}


def accounts(live: Mapping[str, Object]) -> dict[str, Any]:
    """Limits and use of the live quotas, of the accelerators at the top and of the rest under C(base)."""
    values: dict[str, Any] = {}
    quota = live.get(ACCELERATOR_QUOTA)
    if quota is not None:
        metadata = quota["metadata"]
        values["quota"] = {key: metadata.get(key, "") for key in ("name", "namespace", "uid", "resourceVersion")}
        values.update(account(quota))
    if BASE_QUOTA in live:
        values["base"] = account(live[BASE_QUOTA])
    return values


def account(live: Object) -> dict[str, Any]:
    """Limit, use and rest of one live ResourceQuota: for accelerators as numbers by plain name, else by quota key.

    Returns the keys hard, used, available and over_quota.
    """
    hard, used = live["spec"].get("hard") or {}, live.get("status", {}).get("used") or {}
    if live["metadata"]["name"] == ACCELERATOR_QUOTA:
        limits = {name: quantity.parse(value).to_int() for name, value in accelerators_in(hard).items()}
        in_use = {name: quantity.parse(value).to_int() for name, value in accelerators_in(used).items()}
        return {
            "hard": limits,
            "used": {name: in_use.get(name, 0) for name in limits},
            "available": {name: max(limit - in_use.get(name, 0), 0) for name, limit in limits.items()},
            "over_quota": {name: in_use[name] - limit for name, limit in limits.items() if in_use.get(name, 0) > limit},
        }
    return {
        "hard": dict(hard),
        "used": {key: str(used.get(key, "0")) for key in hard},
        "available": {key: _rest(limit, used.get(key, 0)) for key, limit in hard.items()},
        "over_quota": {
            key: _rest(used[key], limit)
            for key, limit in hard.items()
            if quantity.parse(used.get(key, 0)) > quantity.parse(limit)
        },
    }


def drifted(live: Object) -> bool:
    """Tell whether limits or guarantees were changed by hand since they were written, without the declaration."""
    stated = (live["metadata"].get("annotations") or {}).get(ANNOTATION_HASH)
    guaranteed = guaranteed_of(live) if live["metadata"]["name"] == ACCELERATOR_QUOTA else {}
    return bool(stated != fingerprint(live["spec"].get("hard") or {}, guaranteed))


def _rest(whole: Any, part: Any) -> str:
    """What is left of a quantity, not below zero."""
    return str(max(quantity.parse(whole) - quantity.parse(part), quantity.parse(0)))
