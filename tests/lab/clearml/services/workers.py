# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service workers: agents appear when they report and vanish when they fall silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import compile_pattern
from ..registry import Field, call, required
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

#: Workers that were not seen for so many seconds are not listed, unless asked (open-source API server 2.3.0).
DEFAULT_LAST_SEEN = 3600
_TAGS = (Field("tags", "strings"), Field("system_tags", "strings"))


def live_workers(context: Context, company_id: str) -> list[dict[str, Any]]:
    """List the workers of a company whose registration has not run out."""
    return [
        worker
        for worker in context.store.workers.values()
        if worker["company"] == company_id and worker["seen"] + worker["timeout"] > context.now
    ]


def _find(context: Context, name: str) -> dict[str, Any] | None:
    return next((item for item in live_workers(context, context.identity.company) if item["id"] == name), None)


@call("workers.register", required("worker"), Field("timeout", "integer"), Field("queues", "strings"), *_TAGS)
def register(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Announce a worker and the queues (ids) it listens to."""
    known = {queue["id"] for queue in context.store.queues.values() if queue["company"] == context.identity.company}
    unknown = [queue for queue in data.get("queues") or [] if queue not in known]
    if unknown:
        raise ApiError(400, 701, queue_ids=unknown)
    _add(context, data)
    return {}


def _add(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    worker = {
        "id": data["worker"],
        "company": context.identity.company,
        "user": context.identity.user,
        "ip": context.remote_address,
        "queues": list(data.get("queues") or []),
        "registered": context.now,
        "seen": context.now,
        "timeout": data.get("timeout") or context.settings["workers.timeout_sec"],
        "tags": data.get("tags") or [],
        "system_tags": data.get("system_tags") or [],
        "task": None,
    }
    context.store.workers[worker["company"], worker["id"]] = worker
    context.store.changed("workers", worker["id"])
    return worker


@call("workers.unregister", required("worker"))
def unregister(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take a worker off the list."""
    worker = _find(context, data["worker"])
    if worker is None:
        raise ApiError(400, 1004, worker=data["worker"])
    del context.store.workers[worker["company"], worker["id"]]
    context.store.changed("workers", worker["id"])
    return {}


@call(
    "workers.status_report",
    required("worker"),
    required("timestamp", "number"),
    Field("task"),
    Field("queue"),
    Field("queues", "strings"),
    Field("machine_stats", "object"),
    *_TAGS,
)
def status_report(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note that a worker is alive and what it does; one that is not registered becomes so."""
    worker = _find(context, data["worker"]) or _add(context, data)
    worker["seen"] = context.now
    worker["task"] = data.get("task")
    if data.get("queues") is not None:
        worker["queues"] = list(data["queues"])
    context.store.changed("workers", worker["id"])
    return {}


@call("workers.get_all", Field("last_seen", "integer"), Field("worker_pattern"), *_TAGS)
def get_all(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the workers of the caller's company."""
    return {"workers": [_describe(context, worker) for worker in _listed(context, data)]}


@call("workers.get_count", Field("last_seen", "integer"), Field("worker_pattern"), *_TAGS)
def get_count(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Count the workers of the caller's company."""
    return {"count": len(_listed(context, data))}


def _listed(context: Context, data: dict[str, Any]) -> list[dict[str, Any]]:
    found = live_workers(context, context.identity.company)
    last_seen = data.get("last_seen", DEFAULT_LAST_SEEN)
    if last_seen:
        found = [worker for worker in found if worker["seen"] > context.now - last_seen]
    for name in ("tags", "system_tags"):
        if data.get(name):
            found = [worker for worker in found if set(worker[name]) & set(data[name])]
    if data.get("worker_pattern"):
        pattern = compile_pattern(data["worker_pattern"].replace("*", ".*"))
        found = [worker for worker in found if pattern.fullmatch(worker["id"])]
    return found


def _describe(context: Context, worker: dict[str, Any]) -> dict[str, Any]:
    queues = [context.store.queues[queue] for queue in worker["queues"] if queue in context.store.queues]
    user = context.store.people.get(worker["user"], {})
    task = context.store.tasks.get(worker["task"] or "")
    return {
        "id": worker["id"],
        "key": f"worker_{worker['company']}_{worker['user']}_{worker['id']}",
        "user": {"id": worker["user"], "name": user.get("name")},
        "company": {"id": worker["company"], "name": context.store.company(worker["company"]).name},
        "ip": worker["ip"],
        "queues": [{"id": item["id"], "name": item["name"], "num_tasks": len(item["entries"])} for item in queues],
        "task": {"id": task["id"], "name": task["name"]} if task else None,
        "register_time": iso(worker["registered"]),
        "last_activity_time": iso(worker["seen"]),
        "register_timeout": worker["timeout"],
        "tags": worker["tags"],
        "system_tags": worker["system_tags"],
    }
