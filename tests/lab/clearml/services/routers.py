# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service routers: application gateways appear when they report and vanish when they fall silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..registry import ADMINS, Field, call, required

if TYPE_CHECKING:
    from ..application import Context


def live_routers(context: Context, company_id: str) -> list[dict[str, Any]]:
    """List the gateways of a company whose last report is fresh."""
    return [
        router
        for router in context.store.routers.values()
        if router["company"] == company_id and router["seen"] + router["timeout"] > context.now
    ]


@call(
    "routers.task_router_report",
    required("router"),
    required("url"),
    Field("version"),
    Field("timeout", "integer"),
    Field("status", "object"),
    edition="enterprise",
)
def task_router_report(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note that a gateway is alive, and what it serves."""
    status = data.get("status") or {}
    context.store.routers[context.identity.company, data["router"]] = {
        "company": context.identity.company,
        "router": data["router"],
        "url": data["url"],
        "version": data.get("version"),
        "uptime": status.get("uptime"),
        "routes": status.get("routes") or [],
        "tasks": status.get("tasks") or [],
        "seen": context.now,
        "timeout": data.get("timeout") or context.settings["routers.timeout_sec"],
    }
    context.store.changed("routers", data["router"])
    return {}


@call("routers.unregister", required("router"), edition="enterprise")
def unregister(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take a gateway off the list."""
    if context.store.routers.pop((context.identity.company, data["router"]), None) is None:
        raise ApiError(400, 10, router=data["router"])
    context.store.changed("routers", data["router"])
    return {}


@call("routers.get_task_routers", Field("task_only_fields", "strings"), roles=ADMINS, edition="enterprise")
def get_task_routers(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List the gateways of the caller's company."""
    return {
        "routers": [
            {
                **{name: router[name] for name in ("router", "url", "version", "uptime", "routes")},
                "last_update_timestamp": int(router["seen"]),
                "tasks": [{"id": task} for task in router["tasks"] if task in context.store.tasks],
            }
            for router in live_routers(context, context.identity.company)
        ]
    }
