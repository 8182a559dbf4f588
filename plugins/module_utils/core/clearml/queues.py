# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Queues inside companies: what is wanted, and what must change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import names
from ..errors import Problems, RefusedError
from ..plan import CHANGE, CREATE, REMOVE, Difference, Plan, Step
from .requests import MIN_NAME_LENGTH, Store, parse_store

QUEUE = "Queue"
#: How the server marks the type of a text in a queue's metadata.
_TEXT = "str"


@dataclass(frozen=True)
class Access:
    """How a company is reached: through its administrator, or with a pair of the tenant's own.

    company: name to compare, or empty.
    """

    tenant: str
    admin_email: str = ""
    store: Optional[Store] = None
    company: str = ""


@dataclass(frozen=True)
class QueueRequest:
    """One wanted queue. None for display_name, tags and metadata: leave them as they are. metadata: name to text."""

    access: Access
    name: str
    present: bool = True
    display_name: Optional[str] = None
    tags: Optional[tuple[str, ...]] = None
    metadata: Optional[Mapping[str, str]] = None
    force: bool = False

    @property
    def item(self) -> str:
        """Its name in results."""
        return f"{self.access.tenant}/{self.name}"


@dataclass(frozen=True)
class Queue:
    """A queue as C(queues.get_all) lists it. company: id of its company. waiting: how many tasks are in it."""

    id: str
    name: str
    company: str = ""
    display_name: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0


def parse_queues(items: Sequence[Mapping[str, Any]]) -> list[QueueRequest]:
    """Turn the option C(queues) into requests. Raises ConfigError with every mistake."""
    problems = Problems()
    requests = [_queue(item, problems) for item in items]
    seen: set[str] = set()
    ways: dict[str, Access] = {}
    for request in requests:
        if request.item in seen:
            problems.add(f"queues[{request.item}].name", request.name, "each queue of a tenant once")
        seen.add(request.item)
        if ways.setdefault(request.access.tenant, request.access) != request.access:
            problems.add(
                f"queues[{request.item}].tenant",
                request.access.tenant,
                "the same admin_email, store and company for all queues of a tenant",
            )
    problems.raise_if_any("queues")
    return requests


def parse_accesses(items: Sequence[Mapping[str, Any]]) -> list[Access]:
    """Read how each tenant's company is reached. Raises ConfigError with every mistake."""
    problems = Problems()
    accesses = [parse_access(item, f"tenants[{item['tenant']}]", problems) for item in items]
    problems.raise_if_any("tenants")
    return accesses


def parse_access(item: Mapping[str, Any], path: str, problems: Problems) -> Access:
    """Read how a tenant's company is reached."""
    tenant = str(item["tenant"])
    allowed = names.tenant_id_problem(tenant)
    if allowed:
        problems.add(f"{path}.tenant", tenant, allowed)
    email = str(item.get("admin_email") or "").lower()
    store = None
    if item.get("store"):
        store = parse_store(item["store"], f"{path}.store", problems, names.namespace_of(tenant), "clearml-agent")
    if bool(email) == (store is not None):
        problems.add(f"{path}.admin_email", email, "either admin_email, or store with a pair of the tenant")
    elif email and not names.is_email(email):
        problems.add(f"{path}.admin_email", email, "the email of the company's administrator")
    return Access(tenant, email, store, str(item.get("company") or ""))


def _queue(item: Mapping[str, Any], problems: Problems) -> QueueRequest:
    name = str(item["name"])
    path = f"queues[{item['tenant']}/{name}]"
    if len(name) < MIN_NAME_LENGTH or name != name.strip():
        problems.add(f"{path}.name", name, f"{MIN_NAME_LENGTH} or more characters, no blanks at the ends")
    tags, metadata = item.get("tags"), item.get("metadata")
    return QueueRequest(
        access=parse_access(item, path, problems),
        name=name,
        present=item.get("state", "present") == "present",
        display_name=item.get("display_name"),
        tags=None if tags is None else tuple(sorted(set(tags))),
        metadata=None if metadata is None else {str(key): str(value) for key, value in metadata.items()},
        force=bool(item.get("force")),
    )


def plan_queue(request: QueueRequest, found: Optional[Queue]) -> Plan:
    """Plan one queue. Raises RefusedError when one with waiting tasks is to be removed without force.

    The server answers C(updated: 1) even when nothing differs, so the comparison is ours.
    """
    if not request.present:
        return _plan_absent(request, found)
    wanted = _fields(request)
    if found is None:
        body = {"name": request.name, **_body(wanted)}
        return Plan(
            request.item, (Step(CREATE, QUEUE, request.name, after={"name": request.name, **wanted}, body=body),)
        )
    there = {"display_name": found.display_name, "tags": sorted(found.tags), "metadata": dict(found.metadata)}
    differences = tuple(Difference(name, there[name], value) for name, value in wanted.items() if there[name] != value)
    if not differences:
        return Plan(request.item)
    before = {difference.path: difference.before for difference in differences}
    after = {difference.path: difference.after for difference in differences}
    body = {"queue": found.id, **_body(after)}
    step = Step(CHANGE, QUEUE, request.name, differences=differences, before=before, after=after, body=body)
    return Plan(request.item, (step,))


def _plan_absent(request: QueueRequest, found: Optional[Queue]) -> Plan:
    if found is None:
        return Plan(request.item)
    if found.waiting and not request.force:
        raise RefusedError(
            f"Queue {request.name!r} of tenant {request.access.tenant} has {found.waiting} waiting tasks.",
            "Let them run or move them, or set force=true: they become drafts.",
        )
    before = {"name": found.name, "waiting": found.waiting}
    body = {"queue": found.id, "force": request.force}
    return Plan(request.item, (Step(REMOVE, QUEUE, request.name, before=before, reason="asked for", body=body),))


def _fields(request: QueueRequest) -> dict[str, Any]:
    """The managed fields, in a form that can be compared and shown."""
    fields: dict[str, Any] = {
        "display_name": request.display_name,
        "tags": None if request.tags is None else list(request.tags),
        "metadata": None if request.metadata is None else dict(request.metadata),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The managed fields as the server wants them."""
    body = dict(fields)
    if "metadata" in body:
        body["metadata"] = {key: {"key": key, "type": _TEXT, "value": value} for key, value in body["metadata"].items()}
    return body


def queue_from(answer: Mapping[str, Any]) -> Queue:
    """Read one entry of C(queues.get_all)."""
    metadata = answer.get("metadata") or {}
    return Queue(
        id=str(answer["id"]),
        name=str(answer["name"]),
        company=str(answer.get("company") or ""),
        display_name=str(answer.get("display_name") or ""),
        tags=tuple(str(tag) for tag in answer.get("tags") or ()),
        metadata={str(key): str((entry or {}).get("value", "")) for key, entry in metadata.items()},
        waiting=len(answer.get("entries") or ()),
    )
