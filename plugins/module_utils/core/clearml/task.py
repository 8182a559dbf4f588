# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A task that proves that a tenant's queue is served: what it is, and what its end means (CML-6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import PlatformError, Problems, StuckError
from .queues import Access, parse_access

#: By this name what an earlier run has left is found.
NAME = "ai-tenancy-probe"
#: Statuses (ClearML API reference, tasks.get_by_id) in which nothing happens to a task any more.
GOOD_ENDS, BAD_ENDS = ("completed", "closed", "published"), ("failed", "stopped")


@dataclass(frozen=True)
class TaskRequest:
    """One task to be tried. access: how the company is reached. queue: name of the queue that it goes into."""

    access: Access
    queue: str


def parse_tasks(items: Sequence[Mapping[str, Any]]) -> list[TaskRequest]:
    """Read which tasks are to be tried. Raises ConfigError with every mistake."""
    problems = Problems()
    found: dict[str, TaskRequest] = {}
    for item in items:
        place = f"tenants[{item['tenant']}]"
        request = TaskRequest(parse_access(item, place, problems), str(item["queue"]))
        if item["tenant"] in found:
            problems.add(place, item["tenant"], "each tenant once")
        if not request.queue:
            problems.add(f"{place}.queue", item["queue"], "the name of a queue")
        found[item["tenant"]] = request
    problems.raise_if_any("tenants")
    return list(found.values())


def body(image: str) -> dict[str, Any]:
    """What C(tasks.create) gets: one line of Python without packages, so that it needs no network.

    image: for its container, the agent's default when empty.
    """
    script = {
        "repository": "",
        "entry_point": "probe.py",
        "working_dir": ".",
        "binary": "python3",
        "diff": f'print("{NAME}")\n',
        "requirements": {"pip": ""},
    }
    return {"name": NAME, "type": "testing", "script": script, **({"container": {"image": image}} if image else {})}


def is_over(task: Mapping[str, Any]) -> bool:
    """Whether a task has come to its end, good or bad."""
    return task["status"] in (*GOOD_ENDS, *BAD_ENDS)


def trouble(request: TaskRequest, task: Mapping[str, Any]) -> Optional[PlatformError]:
    """What is wrong with a task that is over; None when it ended well."""
    if task["status"] in GOOD_ENDS:
        return None
    said = task.get("status_message") or task.get("status_reason") or "it does not say why"
    return StuckError(
        f"Tenant {request.access.tenant}: the task {task['id']} in queue {request.queue} ended as {task['status']}: {said}.",
        "It stays until the next run of the probe: its log is on the web page.",
    )


def not_watched(request: TaskRequest) -> PlatformError:
    """The error for a queue to which no agent listens."""
    return StuckError(
        f"Tenant {request.access.tenant}: no agent listens to the queue {request.queue}, so nothing runs what is in it.",
        "Check that the tenant's agent runs and names this queue.",
    )
