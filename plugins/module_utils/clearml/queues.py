# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring the queues of many companies to their wanted state; one list per company, and writes only where it differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..bulk import for_each
from ..core.clearml.answer import DUPLICATE, INVALID_QUEUE, QUEUE_NOT_EMPTY, has_reason
from ..core.clearml.queues import Access, Queue, QueueRequest, plan_queue, queue_from
from ..core.errors import PlatformError, RefusedError
from ..core.plan import CHANGE, CREATE, Step
from ..core.result import Outcome
from ..store import SecretStore
from ..web import create_once
from .access import Doors, missing
from .session import Caller, Session

#: Largest page that the server gives.
_PAGE = 500


def list_all(session: Session, caller: Caller) -> list[Queue]:
    """All queues of the caller's company, hidden ones (of agents) too."""
    found: list[Queue] = []
    page = 0
    while True:
        data = {"page": page, "page_size": _PAGE, "search_hidden": True}
        part = session.read("queues.get_all", data, caller).get("queues") or []
        found += [queue_from(each) for each in part]
        if len(part) < _PAGE:
            return found
        page += 1


class Queues:
    """Creates, changes and removes queues."""

    def __init__(self, session: Session, secrets: Optional[SecretStore], check_mode: bool = False) -> None:
        self._session = session
        self._secrets = secrets
        self._check_mode = check_mode

    def converge(self, requests: Sequence[QueueRequest], concurrency: int) -> list[Outcome]:
        """Do all companies side by side; outcomes in the order of the requests."""
        outcomes = [Outcome() for _request in requests]
        by_tenant: dict[Access, list[tuple[QueueRequest, Outcome]]] = {}
        for request, outcome in zip(requests, outcomes):
            by_tenant.setdefault(request.access, []).append((request, outcome))
        doors = Doors(self._session, self._secrets, list(by_tenant))

        def one(access: Access) -> None:
            self._company(access, doors, by_tenant[access])

        accesses = list(by_tenant)
        for access, result in zip(accesses, for_each(accesses, one, concurrency)):
            if isinstance(result, PlatformError):
                for _request, outcome in by_tenant[access]:
                    outcome.error = outcome.error or result
        return outcomes

    def _company(self, access: Access, doors: Doors, work: Sequence[tuple[QueueRequest, Outcome]]) -> None:
        caller = doors.open(access)
        if caller is None and not self._check_mode and any(request.present for request, _outcome in work):
            raise missing(access)
        there = [] if caller is None else list_all(self._session, caller)
        if caller is not None:
            doors.check(access, caller, there[0].company if there else "")
        found = {queue.name: queue for queue in there}
        for request, outcome in work:
            try:
                self._queue(request, found.get(request.name), caller, outcome)
            except PlatformError as error:
                outcome.error = error

    def _queue(self, request: QueueRequest, found: Optional[Queue], caller: Optional[Caller], outcome: Outcome) -> None:
        if found is not None and request.present:
            outcome.values["queue"] = {"id": found.id, "waiting": found.waiting}
        for step in plan_queue(request, found).steps:
            if caller is not None and not self._check_mode:
                queue_id = self._write(step, request, caller)
                if queue_id:
                    outcome.values["queue"] = {"id": queue_id, "waiting": found.waiting if found else 0}
            outcome.steps.append(step)

    def _write(self, step: Step, request: QueueRequest, caller: Caller) -> str:
        if step.action == CREATE:
            return self._create(step, request, caller)
        if step.action == CHANGE:
            self._session.read("queues.update", step.body, caller)
            return ""
        try:
            self._session.read("queues.delete", step.body, caller)
        except PlatformError as error:
            if has_reason(error, QUEUE_NOT_EMPTY):
                raise RefusedError(error.message, "A task came in meanwhile; set force=true or run again.") from error
            if not has_reason(error, INVALID_QUEUE):  # gone already
                raise
        return ""

    def _create(self, step: Step, request: QueueRequest, caller: Caller) -> str:
        """Create a queue. One that appeared meanwhile (another run, a lost answer, an agent) is brought into line."""

        def appeared() -> Optional[str]:
            found = next((each for each in list_all(self._session, caller) if each.name == request.name), None)
            if found is None:
                return None
            for change in plan_queue(request, found).steps:
                self._session.read("queues.update", change.body, caller)
            return found.id

        return create_once(
            lambda: str(self._session.write("queues.create", step.body, caller)["id"]),
            appeared,
            lambda error: has_reason(error, DUPLICATE),
        )
