# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Raise first, lower later: the two halves of the way from the live quota to the wanted one.

Quotas must be raised before the virtual cluster grows and lowered after it shrank. So one declaration is given twice:
with C(raise) before the cluster is changed, with C(lower) after. A quota limits only the keys it has, so a missing key
counts as unlimited: adding one lowers, dropping one raises.

In check mode nothing is written between the two calls. C(lower) therefore looks at the same live quota as C(raise) did,
and the keys that the two change never overlap: each change is told once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .. import quantity
from .request import LOWER, RAISE

Hard = Mapping[str, Any]


def target(direction: str, live: Optional[Hard], wanted: Hard) -> Optional[dict[str, str]]:
    """What C(spec.hard) should be after this call.

    live: what the quota has of ours, None when there is no quota. wanted: the declared limits. Returns None when this
    call must not write the quota at all. A quota that does not exist yet is made by C(raise): it has to be there
    before the first pod is.
    """
    if live is None:
        return None if direction == LOWER else dict(wanted)
    if direction == RAISE:
        return {key: _higher(live[key], wanted[key]) for key in wanted if key in live}
    if direction == LOWER:
        kept = {key: str(value) for key, value in live.items() if key not in wanted}
        lowered = {key: _lower(live[key], value) if key in live else value for key, value in wanted.items()}
        return {**kept, **lowered}
    return dict(wanted)


def reductions(live: Optional[Hard], wanted: Hard) -> dict[str, tuple[Optional[str], str]]:
    """The keys whose limit falls: key -> (live limit or None for unlimited, wanted limit)."""
    found: dict[str, tuple[Optional[str], str]] = {}
    for key, value in wanted.items():
        now = (live or {}).get(key)
        if now is None:
            found[key] = (None, value)
        elif quantity.parse(value) < quantity.parse(now):
            found[key] = (str(now), value)
    return found


def _higher(left: Any, right: Any) -> str:
    return str(left if quantity.parse(left) > quantity.parse(right) else right)


def _lower(left: Any, right: Any) -> str:
    return str(left if quantity.parse(left) < quantity.parse(right) else right)
