# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read the results of several modules together: who failed where, who changed, where each API is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def tenant_of(item: Result) -> str:
    """The tenant of one entry in C(results): modules say it in C(tenant), or it is the item itself."""
    return str(item.get("tenant") or item["item"])


def servers(clusters: Result) -> dict[str, str]:
    """Tenant id -> URL of its API as seen from outside, out of the result of C(k3k_cluster)."""
    return {
        tenant_of(item): str(item["external_url"]) for item in clusters.get("results") or [] if item.get("external_url")
    }


def failed_tenants(result: Result, phase: str) -> dict[str, dict[str, str]]:
    """Who failed, by tenant id: phase and message. Empty when the module failed as a whole."""
    return {
        tenant_of(item): {"phase": phase, "message": _message(item)}
        for item in result.get("results") or []
        if item.get("failed")
    }


def _message(item: Result) -> str:
    error = item.get("error") or {}
    return f"{error.get('message', 'failed')} {error.get('next_step', '')}".strip()


def due(results: Iterable[Result]) -> bool:
    """Whether a look of modules in check mode found something to do, or to wait for.

    results: what C(tenant_guard), C(gpu_quota) and C(k3k_cluster) would do. A failure counts: the module's own task meets it
    again and says whose it is.
    """
    return any(
        result.get("failed") or result.get("changed") or any(_is_open(item) for item in result.get("results") or [])
        for result in results
    )


def _is_open(item: Result) -> bool:
    """A quota still to be lowered, steps that could not be taken yet, a virtual cluster that does not run as declared."""
    return bool(item.get("pending_reduction") or item.get("pending") or item.get("ready", True) is False)


def changed_tenants(results: Sequence[Any]) -> list[str]:
    """Ids of the tenants for which any of these modules changed something. Results of skipped tasks are left out."""
    found: dict[str, None] = {}
    for result in results:
        for item in result.get("results") or [] if isinstance(result, Mapping) else []:
            if item.get("changed"):
                found.setdefault(tenant_of(item))
    return list(found)


def failure_text(failed: Mapping[str, Mapping[str, str]], tenants: Sequence[Any], check_mode: bool = False) -> str:
    """The last message of a run in which some tenants failed: who, where, why, and what to do."""
    lines = "\n".join(f"  - {tenant} ({what['phase']}): {what['message']}" for tenant, what in failed.items())
    how = (
        "would fail; nothing was changed."
        if check_mode
        else "failed, the others are as declared. What was done stays; run again when the cause is gone."
    )
    return f"{len(failed)} of {len(tenants)} tenants {how}\n{lines}"
