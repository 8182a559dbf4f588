# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Try a task in a queue of each of many companies, all at the same time, and leave nothing behind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..bulk import for_each
from ..core.clearml.task import NAME, TaskRequest, body, is_over, not_watched, trouble
from ..core.errors import NotFoundError, PlatformError, WaitTimeoutError
from ..core.retry import Waiting
from ..store import SecretStore
from . import queues
from .access import Doors, missing
from .session import Caller, Session


@dataclass
class Probe:
    """One task on its way. task: as last seen; without an id while there is none. keep: it stays to be looked at."""

    request: TaskRequest
    caller: Optional[Caller] = None
    task: dict[str, Any] = field(default_factory=dict)
    error: Optional[PlatformError] = None
    keep: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether the task is in its queue, or runs."""
        return bool(self.task) and self.error is None and not is_over(self.task)


class TaskProbes:
    """Queues tasks, waits for all together, and removes them."""

    def __init__(self, session: Session, secrets: Optional[SecretStore], image: str, concurrency: int) -> None:
        self._session = session
        self._secrets = secrets
        self._image = image
        self._concurrency = concurrency

    def run(self, requests: Sequence[TaskRequest], waiting: Optional[Waiting]) -> list[Probe]:
        """Try all of them. waiting: None in check mode; then it is only looked whether the queues are there."""
        doors = Doors(self._session, self._secrets, [request.access for request in requests])
        probes = [Probe(request) for request in requests]
        try:
            self._each(probes, lambda probe: self._begin(probe, doors, waiting is None))
            if waiting is not None:
                self._follow(probes, waiting)
        finally:
            self._each([probe for probe in probes if probe.task and not probe.keep], self._remove)
        return probes

    def _each(self, probes: Sequence[Probe], call: Any) -> None:
        for probe, result in zip(probes, for_each(probes, call, self._concurrency)):
            if isinstance(result, PlatformError):
                probe.error = probe.error or result

    def _begin(self, probe: Probe, doors: Doors, only_look: bool) -> None:
        request = probe.request
        caller = doors.open(request.access)
        if caller is None:
            raise missing(request.access)
        doors.check(request.access, caller, "")
        probe.caller = caller
        found = {queue.name: queue.id for queue in queues.list_all(self._session, caller)}
        if request.queue not in found:
            raise NotFoundError(
                f"Tenant {request.access.tenant}: there is no queue {request.queue}.", "Create it with clearml_queue."
            )
        if only_look:
            return
        self._sweep(caller)
        task = self._session.write("tasks.create", body(self._image), caller)["id"]
        probe.task = {"id": task, "status": "created"}
        # By its id: by its name a queue that went meanwhile would be made anew.
        data = {"task": task, "queue": found[request.queue], "verify_watched_queue": True}
        answer = self._session.write("tasks.enqueue", data, caller)
        if answer.get("queue_watched") is False:
            raise not_watched(request)

    def _sweep(self, caller: Caller) -> None:
        """Remove what a run that was killed, or that failed, has left."""
        data = {"name": f"^{re.escape(NAME)}$", "only_fields": ["id", "name"]}
        for task in self._session.read("tasks.get_all", data, caller).get("tasks") or []:
            if task.get("name") == NAME:
                self._session.read("tasks.delete", {"task": task["id"], "force": True}, caller)

    def _follow(self, probes: Sequence[Probe], waiting: Waiting) -> None:
        def look() -> tuple[bool, str]:
            self._each([probe for probe in probes if probe.is_under_way], self._see)
            left = [probe for probe in probes if probe.is_under_way]
            return not left, ", ".join(f"{probe.request.access.tenant}: {probe.task['status']}" for probe in left)

        try:
            waiting.until(look)
        except WaitTimeoutError:
            for probe in probes:
                if probe.is_under_way:
                    probe.error = _late(probe, waiting.timeout)
        for probe in probes:
            if probe.task and probe.error is None:
                probe.error = trouble(probe.request, probe.task)
                probe.keep = probe.error is not None

    def _see(self, probe: Probe) -> None:
        found = self._session.read("tasks.get_by_id", {"task": probe.task["id"]}, probe.caller or Caller())["task"]
        probe.task = {name: found.get(name) for name in ("id", "status", "status_message", "status_reason")}

    def _remove(self, probe: Probe) -> None:
        self._session.read("tasks.delete", {"task": probe.task["id"], "force": True}, probe.caller or Caller())


def _late(probe: Probe, timeout: float) -> WaitTimeoutError:
    status, tenant = probe.task["status"], probe.request.access.tenant
    return WaitTimeoutError(
        f"Tenant {tenant}: after {timeout:g} s the task in queue {probe.request.queue} is still {status}.",
        "queued: the agent has no room or cannot make pods; in_progress: look at the pod clearml-id-"
        + probe.task["id"]
        + ".",
    )
