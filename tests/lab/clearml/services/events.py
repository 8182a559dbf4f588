# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service events: what a running task reports; kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..registry import Field, call, required
from .tasks import own_task
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

#: Events that are kept for one task.
CAPACITY = 2000


@call("events.add")
def add(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Add one event."""
    return {**_add(context, [data]), "errors": 0}


@call("events.add_batch")
def add_batch(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Add many events, sent as JSON lines."""
    return _add(context, data.get("_batch") or [])


def _add(context: Context, events: list[dict[str, Any]]) -> dict[str, Any]:
    tasks = [own_task(context, str(event.get("task"))) for event in events]
    if not events:
        raise ApiError(400, 131, "no events")
    for task, event in zip(tasks, events, strict=True):
        kept = context.store.events.setdefault(task["id"], [])
        kept.append(event)
        del kept[:-CAPACITY]
        task["last_update"] = iso(context.now)
        task["last_iteration"] = max(event.get("iter") or 0, task.get("last_iteration") or 0)
        context.store.changed("tasks", task["id"])
    return {"added": len(events), "errors": 0}


@call("events.get_task_log", required("task"), Field("batch_size", "integer"), missing_subcode=11)
def get_task_log(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Read the console of a task, newest first."""
    task = own_task(context, data["task"])
    lines = [event for event in context.store.events.get(task["id"], []) if event.get("type") == "log"]
    part = list(reversed(lines))[: data.get("batch_size") or 500]
    return {"events": part, "returned": len(part), "total": len(lines)}
