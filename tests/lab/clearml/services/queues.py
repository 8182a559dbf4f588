# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import project, select, window
from ..registry import Field, call, required
from ..store import check_name, duplicate, new_id
from .times import iso
from .workers import live_workers

if TYPE_CHECKING:
    from ..application import Context

#: API version that introduced the service in its present form (open-source API server 2.3.0).
SINCE = "2.4"
#: Queues with this system tag are only listed when asked for.
HIDDEN_TAG = "k8s-glue"

_KNOWN = frozenset(
    [
        "id",
        "name",
        "display_name",
        "company",
        "user",
        "created",
        "tags",
        "system_tags",
        "entries",
        "metadata",
        "last_update",
    ]
)
_WRITABLE = (
    Field("display_name"),
    Field("tags", "strings"),
    Field("system_tags", "strings"),
    Field("metadata", "object"),
)
_LIST_FIELDS = (
    Field("name"),
    Field("id", "any"),
    Field("tags", "strings"),
    Field("system_tags", "strings"),
    Field("page", "integer"),
    Field("page_size", "integer"),
    Field("order_by", "any"),
    Field("search_text"),
    Field("only_fields", "any"),
    Field("scroll_id"),
    Field("size", "integer"),
    Field("search_hidden", "boolean"),
    Field("max_task_entries", "integer"),
)


def new_queue(context: Context, company_id: str, name: str, **values: Any) -> dict[str, Any]:
    """Create a queue. Raises ApiError 400/800 for a short name, 400/801 for one that the company has already."""
    check_name(name)
    _check_unique(context, company_id, name)
    now = iso(context.now)
    queue = {
        "id": new_id(),
        "name": name,
        "company": company_id,
        "user": context.identity.user,
        "created": now,
        "last_update": now,
        "tags": [],
        "system_tags": [],
        "metadata": {},
        "entries": [],
        **values,
    }
    context.store.queues[queue["id"]] = queue
    context.store.changed("queues", queue["id"])
    return queue


def _check_unique(context: Context, company_id: str, name: str) -> None:
    if any(queue["company"] == company_id and queue["name"] == name for queue in context.store.queues.values()):
        raise duplicate(name=name, company=company_id)


def own_queue(context: Context, queue_id: str) -> dict[str, Any]:
    """Return a queue of the caller's company. Raises ApiError 400/701."""
    queue = context.store.queues.get(queue_id)
    if queue is None or queue["company"] != context.identity.company:
        raise ApiError(400, 701, id=queue_id, company=context.identity.company)
    return queue


def queue_by_name(context: Context, name: str) -> dict[str, Any] | None:
    """Find a queue of the caller's company by its exact name."""
    return next((queue for queue in _own(context) if queue["name"] == name), None)


def _own(context: Context) -> list[dict[str, Any]]:
    return [queue for queue in context.store.queues.values() if queue["company"] == context.identity.company]


@call("queues.create", required("name"), *_WRITABLE, since=SINCE)
def create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a queue in the caller's company."""
    values = {item.name: data[item.name] for item in _WRITABLE if data.get(item.name) is not None}
    return {"id": new_queue(context, context.identity.company, data["name"], **values)["id"]}


@call("queues.get_all", *_LIST_FIELDS, since=SINCE)
def get_all(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the queues of the caller's company."""
    part, extra = _listed(context, data)
    return {"queues": [project(queue, data.get("only_fields"), _KNOWN) for queue in part], **extra}


@call("queues.get_all_ex", *_LIST_FIELDS, since=SINCE)
def get_all_ex(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the queues of the caller's company with the workers that listen to each."""
    part, extra = _listed(context, data)
    workers = live_workers(context, context.identity.company)
    queues = []
    for queue in part:
        listening = [
            {"name": worker["id"], "ip": worker["ip"]} for worker in workers if queue["id"] in worker["queues"]
        ]
        entries = [{"task": {"id": entry["task"]}, "added": entry["added"]} for entry in queue["entries"]]
        expanded = {**queue, "workers": listening, "entries": entries}
        queues.append(project(expanded, data.get("only_fields"), _KNOWN | {"workers"}))
    return {"queues": queues, **extra}


def _listed(context: Context, data: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    queues = _own(context)
    if not (data.get("search_hidden") or data.get("id") or data.get("name")):
        queues = [queue for queue in queues if HIDDEN_TAG not in queue["system_tags"]]
    if data.get("search_text"):
        wanted = data["search_text"].lower()
        queues = [queue for queue in queues if wanted in queue["name"].lower() or wanted == queue["id"]]
    part, extra = window(select(queues, data, ("tags", "system_tags")), data, context.scrolls, context.now)
    limit = data.get("max_task_entries")
    return [{**queue, "entries": queue["entries"][:limit]} for queue in part], extra


@call("queues.get_by_id", required("queue"), Field("max_task_entries", "integer"), since=SINCE)
def get_by_id(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Show one queue."""
    queue = own_queue(context, data["queue"])
    return {"queue": {**queue, "entries": queue["entries"][: data.get("max_task_entries")]}}


@call("queues.get_default", since=SINCE)
def get_default(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Show the queue that is tagged as the default."""
    queue = default_queue(context)
    return {"id": queue["id"], "name": queue["name"]}


def default_queue(context: Context) -> dict[str, Any]:
    """Return the queue that is tagged as the default. Raises ApiError 400/707."""
    for queue in _own(context):
        if "default" in queue["system_tags"]:
            return queue
    raise ApiError(400, 707, company=context.identity.company)


@call("queues.update", required("queue"), Field("name"), *_WRITABLE, since=SINCE)
def update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a queue; the answer says C(updated: 1) even when nothing is different."""
    queue = own_queue(context, data["queue"])
    fields = {name: data[name] for name in ("name", *(item.name for item in _WRITABLE)) if data.get(name) is not None}
    if "name" in fields:
        check_name(fields["name"])
        if fields["name"] != queue["name"]:
            _check_unique(context, queue["company"], fields["name"])
    queue.update(fields, last_update=iso(context.now))
    context.store.changed("queues", queue["id"])
    return {"updated": 1, "fields": fields}


@call("queues.delete", required("queue"), Field("force", "boolean"), since=SINCE)
def delete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete a queue; with C(force) its tasks go back to drafts."""
    queue = own_queue(context, data["queue"])
    if queue["entries"] and not data.get("force"):
        raise ApiError(400, 702, "use force=true to delete", id=queue["id"])
    for entry in queue["entries"]:
        task = context.store.tasks.get(entry["task"])
        if task:
            task["status"] = "created"
            context.store.changed("tasks", task["id"])
    del context.store.queues[queue["id"]]
    context.store.changed("queues", queue["id"])
    return {"deleted": 1}


@call("queues.get_num_entries", required("queue"), since=SINCE)
def get_num_entries(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Count the tasks that wait in a queue."""
    return {"num": len(own_queue(context, data["queue"])["entries"])}


@call("queues.get_next_task", required("queue"), Field("get_task_info", "boolean"), since=SINCE)
def get_next_task(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take the first task off a queue, as an agent does."""
    queue = own_queue(context, data["queue"])
    if not queue["entries"]:
        return {}
    entry = queue["entries"].pop(0)
    queue["last_update"] = iso(context.now)
    context.store.changed("queues", queue["id"])
    answer = {"entry": entry}
    if data.get("get_task_info"):
        task = context.store.tasks[entry["task"]]
        answer["task_info"] = {"company": task["company"], "user": task["user"]}
    return answer


def push(context: Context, queue: dict[str, Any], task_id: str) -> None:
    """Put a task at the end of a queue. Raises ApiError 400/706 when it is queued somewhere already."""
    if any(entry["task"] == task_id for other in _own(context) for entry in other["entries"]):
        raise ApiError(400, 706, task=task_id)
    queue["entries"].append({"task": task_id, "added": iso(context.now)})
    queue["last_update"] = iso(context.now)
    context.store.changed("queues", queue["id"])


def withdraw(context: Context, task_id: str) -> int:
    """Take a task out of the queue that holds it and return how many entries went."""
    removed = 0
    for queue in _own(context):
        kept = [entry for entry in queue["entries"] if entry["task"] != task_id]
        if len(kept) < len(queue["entries"]):
            removed += len(queue["entries"]) - len(kept)
            queue["entries"] = kept
            context.store.changed("queues", queue["id"])
    return removed
