# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service tasks: what the SDK, an agent and a probe of the whole chain need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import project as keep
from ..query import select, window
from ..registry import Field, call, required
from ..store import new_id
from . import queues
from .projects import own_project
from .times import iso
from .workers import live_workers

if TYPE_CHECKING:
    from ..application import Context

TYPES = (
    "training",
    "testing",
    "inference",
    "data_processing",
    "application",
    "monitor",
    "controller",
    "optimizer",
    "service",
    "qc",
    "custom",
    "dataset",
    "data_version",
    "annotation",
    "annotation_manual",
)
#: Statuses from which each change of status is allowed (open-source API server 2.3.0); force lifts the limit.
_FROM = {
    "in_progress": ("created", "queued", "stopped", "in_progress", "completed"),
    "stopped": ("in_progress", "queued", "created", "stopped"),
    "completed": ("in_progress", "stopped", "created"),
    "failed": ("in_progress", "queued", "created", "stopped", "failed"),
    "closed": ("stopped", "in_progress", "created", "failed", "completed"),
    "created": ("stopped", "failed", "completed", "closed", "in_progress", "queued", "created"),
}
_RUNNING = ("in_progress", "queued")
_WRITABLE = (
    "name",
    "type",
    "comment",
    "parent",
    "project",
    "input",
    "output_dest",
    "execution",
    "script",
    "hyperparams",
    "configuration",
    "container",
    "tags",
    "system_tags",
    "models",
    "runtime",
)
_KNOWN = frozenset(_WRITABLE) | frozenset(
    [
        "id",
        "user",
        "company",
        "status",
        "status_reason",
        "status_message",
        "status_changed",
        "created",
        "started",
        "completed",
        "last_update",
        "last_change",
        "last_iteration",
        "last_worker",
        "last_metrics",
        "output",
        "published",
        "active_duration",
    ]
)
_TASK = required("task")
_FORCE = Field("force", "boolean")
_STATUS = (Field("status_reason"), Field("status_message"), _FORCE)
_LIST_FIELDS = (
    Field("id", "any"),
    Field("name"),
    Field("project", "strings"),
    Field("status", "strings"),
    Field("type", "strings"),
    Field("tags", "strings"),
    Field("system_tags", "strings"),
    Field("only_fields", "any"),
    Field("order_by", "any"),
    Field("page", "integer"),
    Field("page_size", "integer"),
    Field("scroll_id"),
    Field("size", "integer"),
)


def own_task(context: Context, task_id: str) -> dict[str, Any]:
    """Return a task of the caller's company. Raises ApiError 400/101."""
    task = context.store.tasks.get(task_id)
    if task is None or task["company"] != context.identity.company:
        raise ApiError(400, 101, id=task_id, company=context.identity.company)
    return task


@call(
    "tasks.create",
    required("name"),
    required("type", choices=TYPES),
    Field("project"),
    Field("script", "object"),
    Field("container", "object"),
    Field("tags", "strings"),
    Field("system_tags", "strings"),
)
def create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a task as a draft."""
    if data.get("project"):
        own_project(context, data["project"])
    now = iso(context.now)
    values = {name: data[name] for name in _WRITABLE if data.get(name) is not None}
    task = {
        "id": new_id(),
        "company": context.identity.company,
        "user": context.identity.user,
        "status": "created",
        "created": now,
        "last_update": now,
        "last_change": now,
        "status_changed": now,
        "tags": [],
        "system_tags": [],
        "execution": {"parameters": {}, "artifacts": []},
        "hyperparams": {},
        "configuration": {},
        "models": {"input": [], "output": []},
        **values,
    }
    context.store.tasks[task["id"]] = task
    context.store.changed("tasks", task["id"])
    return {"id": task["id"]}


@call("tasks.validate", required("name"), required("type", choices=TYPES))
def validate(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Check what tasks.create would take."""
    if data.get("project"):
        own_project(context, data["project"])
    return {}


@call("tasks.get_by_id", _TASK, missing_subcode=11)
def get_by_id(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Show one task."""
    return {"task": own_task(context, data["task"])}


@call("tasks.get_all", *_LIST_FIELDS)
def get_all(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the tasks of the caller's company."""
    own = [task for task in context.store.tasks.values() if task["company"] == context.identity.company]
    found = select(own, data, ("project", "status", "type", "tags", "system_tags"))
    part, extra = window(found, data, context.scrolls, context.now)
    return {"tasks": [keep(task, data.get("only_fields"), _KNOWN) for task in part], **extra}


call("tasks.get_all_ex", *_LIST_FIELDS)(get_all)


@call("tasks.edit", _TASK, _FORCE)
def edit(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a draft, or with C(force) any task."""
    task = own_task(context, data["task"])
    if task["status"] not in ("created", "in_progress") and not data.get("force"):
        raise ApiError(400, 110, status=task["status"], expected="created")
    return _change(context, task, {name: data[name] for name in _WRITABLE if data.get(name) is not None})


@call("tasks.update", _TASK)
def update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the describing fields of a task."""
    fields = {
        name: data[name] for name in ("name", "comment", "project", "tags", "system_tags") if data.get(name) is not None
    }
    return _change(context, own_task(context, data["task"]), fields)


def _change(context: Context, task: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("project"):
        own_project(context, fields["project"])
    task.update(fields, last_update=iso(context.now), last_change=iso(context.now))
    context.store.changed("tasks", task["id"])
    return {"updated": 1, "fields": fields}


@call("tasks.edit_hyper_params", _TASK, required("hyperparams", "list"), Field("replace_hyperparams"), _FORCE)
def edit_hyper_params(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Set parameters, given as a list of {section, name, value}."""
    task = own_task(context, data["task"])
    sections = {} if data.get("replace_hyperparams") == "all" else task["hyperparams"]
    for item in data["hyperparams"]:
        sections.setdefault(item["section"], {})[item["name"]] = item
    _change(context, task, {"hyperparams": sections})
    return {"updated": 1}


@call(
    "tasks.edit_configuration",
    _TASK,
    required("configuration", "list"),
    Field("replace_configuration", "boolean"),
    _FORCE,
)
def edit_configuration(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Set configuration objects, given as a list of {name, value}."""
    task = own_task(context, data["task"])
    kept = {} if data.get("replace_configuration") else task["configuration"]
    _change(context, task, {"configuration": kept | {item["name"]: item for item in data["configuration"]}})
    return {"updated": 1}


@call("tasks.enqueue", _TASK, Field("queue"), Field("queue_name"), Field("verify_watched_queue", "boolean"), *_STATUS)
def enqueue(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Put a draft into a queue; one that is named and does not exist is created."""
    if data.get("queue") and data.get("queue_name"):
        raise ApiError(400, 12, "either queue or queue_name should be provided, not both")
    task = own_task(context, data["task"])
    if task["status"] not in ("created", "stopped", "failed") and not data.get("force"):
        raise ApiError(400, 110, status=task["status"], expected="created")
    if data.get("queue"):
        queue = queues.own_queue(context, data["queue"])
    elif data.get("queue_name"):
        queue = queues.queue_by_name(context, data["queue_name"]) or queues.new_queue(
            context, context.identity.company, data["queue_name"]
        )
    else:
        queue = queues.default_queue(context)
    queues.push(context, queue, task["id"])
    task["execution"] = {**task["execution"], "queue": queue["id"]}
    answer = {"queued": 1, **_set_status(context, task, "queued", data)}
    if data.get("verify_watched_queue"):
        workers = live_workers(context, context.identity.company)
        answer["queue_watched"] = any(queue["id"] in worker["queues"] for worker in workers)
    return answer


@call("tasks.dequeue", _TASK, *_STATUS)
def dequeue(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take a task out of its queue; it is a draft again."""
    task = own_task(context, data["task"])
    removed = queues.withdraw(context, task["id"])
    if task["status"] != "queued" or not removed:
        raise ApiError(400, 703, task=task["id"])
    return {"dequeued": removed, **_set_status(context, task, "created", data)}


def _move(context: Context, data: dict[str, Any], status: str) -> dict[str, Any]:
    task = own_task(context, data["task"])
    if task["status"] not in _FROM[status] and not data.get("force"):
        raise ApiError(400, 110, current_status=task["status"], new_status=status)
    queues.withdraw(context, task["id"])
    return _set_status(context, task, status, data)


def _set_status(context: Context, task: dict[str, Any], status: str, data: dict[str, Any]) -> dict[str, Any]:
    now = iso(context.now)
    fields = {
        "status": status,
        "status_reason": data.get("status_reason") or "",
        "status_message": data.get("status_message") or "",
        "status_changed": now,
        "last_update": now,
    }
    if status == "in_progress":
        fields["started"] = now
    if status in ("completed", "failed", "stopped", "closed"):
        fields["completed"] = now
    task.update(fields)
    context.store.changed("tasks", task["id"])
    return {"updated": 1, "fields": fields}


@call("tasks.started", _TASK, *_STATUS)
def started(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Mark a task as running."""
    return {"started": 1, **_move(context, data, "in_progress")}


@call("tasks.stop", _TASK, *_STATUS)
def stop(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Ask a task to stop; nobody runs it here, so it stops at once."""
    return _move(context, data, "stopped")


@call("tasks.stopped", _TASK, *_STATUS)
def stopped(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Mark a task as stopped."""
    return _move(context, data, "stopped")


@call("tasks.completed", _TASK, *_STATUS)
def completed(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Mark a task as completed."""
    return _move(context, data, "completed")


@call("tasks.failed", _TASK, *_STATUS)
def failed(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Mark a task as failed."""
    return _move(context, data, "failed")


@call("tasks.close", _TASK, *_STATUS)
def close(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Mark a task as closed."""
    return _move(context, data, "closed")


@call("tasks.reset", _TASK, _FORCE)
def reset(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Make a task a draft again, without what its run has left."""
    answer = _move(context, data, "created")
    context.store.events.pop(data["task"], None)
    for name in ("started", "completed", "last_iteration", "last_worker"):
        context.store.tasks[data["task"]].pop(name, None)
    return {**answer, "events": {}, "deleted_models": 0}


@call("tasks.ping", _TASK, missing_subcode=11)
def ping(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note that a running task is alive."""
    task = own_task(context, data["task"])
    task["last_update"] = iso(context.now)
    context.store.changed("tasks", task["id"])
    return {}


@call("tasks.delete", _TASK, _FORCE)
def delete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete a task; one that runs or waits only with C(force)."""
    task = own_task(context, data["task"])
    if task["status"] in _RUNNING and not data.get("force"):
        raise ApiError(400, 123, "use force=true to delete", task=task["id"], status=task["status"])
    queues.withdraw(context, task["id"])
    context.store.events.pop(task["id"], None)
    del context.store.tasks[task["id"]]
    context.store.changed("tasks", task["id"])
    return {"deleted": True, "updated_children": 0, "updated_models": 0, "events": {}}
