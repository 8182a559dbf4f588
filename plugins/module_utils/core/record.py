# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The record of an offboarding: what there was, what was removed, what is left, and a checksum that chains records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def record_of(
    tenant: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actions: Sequence[Mapping[str, Any]],
    previous: str,
) -> dict[str, Any]:
    """Make the record.

    before, after: what belonged to the tenant, by place (C(host), C(clearml)). actions: what was done, in order.
    previous: checksum of the record before this one, or empty. The record's own C(sha256) is over everything else.
    """
    left = {place: [item for item in found if not item.get("retained")] for place, found in after.items()}
    retained = [item for found in after.values() for item in found if item.get("retained")]
    body: dict[str, Any] = {
        "tenant": tenant,
        "complete": not any(left.values()),
        "found_before": before,
        "actions": list(actions),
        "left": left,
        "retained": retained,
        "previous_sha256": previous,
    }
    return {**body, "sha256": checksum(body)}


def checksum(body: Mapping[str, Any]) -> str:
    """The SHA-256, in hexadecimal digits, of a record without its own C(sha256), in canonical JSON."""
    content = {key: value for key, value in body.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def companies_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The companies and administrators in a result of clearml_tenant_info, as things that belong to the tenant."""
    found = []
    for item in result.get("results") or []:
        if item.get("exists"):
            found.append({"kind": "ClearML company", "name": item["company"]["name"], "id": item["company"]["id"]})
        if item.get("admin"):
            found.append({"kind": "ClearML user", "name": item["admin"]["email"], "id": item["admin"]["id"]})
    return found


def actions_of(results: Sequence[Any]) -> list[dict[str, Any]]:
    """What several modules did, in order, without the names of tenants: the record is about one."""
    found = []
    for result in results:
        for item in result.get("results") or [] if isinstance(result, Mapping) else []:
            found += [dict(action) for action in item.get("actions") or [] if action.get("action") != "refuse"]
    return found
