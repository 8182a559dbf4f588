# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Services server and debug: is it there, what is it, is it well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..registry import CALLS, OPEN, SYSTEM, call

if TYPE_CHECKING:
    from ..application import Context


@call("debug.ping", roles=OPEN)
def ping(_context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Answer, with what was sent."""
    return {"msg": "ClearML server", **data}


@call("server.info")
def info(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Tell the versions."""
    profile = context.profile
    return {"version": profile.server_version, "build": "0", "commit": "lab", "api_version": profile.api_version}


@call("server.health_check", edition="enterprise")
def health_check(_context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Answer well; order a fault to have it fail."""
    return {"errors": {}}


@call("server.health_status", roles=SYSTEM, edition="enterprise")
def health_status(_context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Answer well; order a fault to have it fail."""
    return {"failed": False, "dbs": {}}


@call("server.endpoints", roles=SYSTEM)
def endpoints(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List the calls of this edition."""
    offered = [item for item in CALLS.values() if item.edition in context.profile.editions]
    return {
        "endpoints": {
            item.name: [
                {
                    "min_version": item.since,
                    "authorize": item.roles is not OPEN,
                    "allow_roles": sorted(item.roles),
                    "required_fields": [entry.name for entry in item.fields if entry.required is True],
                }
            ]
            for item in offered
        },
        "models": {},
    }
