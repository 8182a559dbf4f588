# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import project as keep
from ..query import select, window
from ..registry import Field, call, required
from ..store import check_name, duplicate, new_id
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

_KNOWN = frozenset(
    [
        "id",
        "name",
        "basename",
        "description",
        "company",
        "user",
        "created",
        "last_update",
        "tags",
        "system_tags",
        "default_output_destination",
    ]
)
_WRITABLE = ("description", "tags", "system_tags", "default_output_destination")
_LIST_FIELDS = (
    Field("id", "any"),
    Field("name"),
    Field("only_fields", "any"),
    Field("order_by", "any"),
    Field("page", "integer"),
    Field("page_size", "integer"),
    Field("scroll_id"),
    Field("size", "integer"),
)


def own_project(context: Context, project_id: str) -> dict[str, Any]:
    """Return a project of the caller's company. Raises ApiError 400/401."""
    found = context.store.projects.get(project_id)
    if found is None or found["company"] != context.identity.company:
        raise ApiError(400, 401, id=project_id, company=context.identity.company)
    return found


def _own(context: Context) -> list[dict[str, Any]]:
    return [item for item in context.store.projects.values() if item["company"] == context.identity.company]


@call(
    "projects.create", required("name"), Field("description"), Field("tags", "strings"), Field("system_tags", "strings")
)
def create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a project."""
    check_name(data["name"])
    if any(item["name"] == data["name"] for item in _own(context)):
        raise duplicate(name=data["name"], company=context.identity.company)
    now = iso(context.now)
    values = {name: data[name] for name in _WRITABLE if data.get(name) is not None}
    document = {
        "id": new_id(),
        "name": data["name"],
        "basename": data["name"].rsplit("/", 1)[-1],
        "company": context.identity.company,
        "user": context.identity.user,
        "created": now,
        "last_update": now,
        "tags": [],
        "system_tags": [],
        "description": "",
        **values,
    }
    context.store.projects[document["id"]] = document
    context.store.changed("projects", document["id"])
    return {"id": document["id"]}


@call("projects.get_all", *_LIST_FIELDS)
def get_all(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the projects of the caller's company."""
    part, extra = window(select(_own(context), data, ("tags", "system_tags")), data, context.scrolls, context.now)
    return {"projects": [keep(item, data.get("only_fields"), _KNOWN) for item in part], **extra}


call("projects.get_all_ex", *_LIST_FIELDS)(get_all)


@call("projects.get_by_id", required("project"), missing_subcode=11)
def get_by_id(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Show one project."""
    return {"project": own_project(context, data["project"])}


@call("projects.update", required("project"), missing_subcode=11)
def update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a project."""
    fields = {name: data[name] for name in ("name", *_WRITABLE) if data.get(name) is not None}
    found = own_project(context, data["project"])
    found.update(fields, last_update=iso(context.now))
    context.store.changed("projects", found["id"])
    return {"updated": 1, "fields": fields}


@call("projects.delete", required("project"), Field("force", "boolean"), missing_subcode=11)
def delete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete a project; with C(force) its tasks stay without one."""
    found = own_project(context, data["project"])
    tasks = [task for task in context.store.tasks.values() if task.get("project") == found["id"]]
    if tasks and not data.get("force"):
        raise ApiError(400, 402, "use force=true to delete", id=found["id"])
    for task in tasks:
        del task["project"]
        context.store.changed("tasks", task["id"])
    del context.store.projects[found["id"]]
    context.store.changed("projects", found["id"])
    return {"deleted": 1, "disassociated_tasks": len(tasks)}
