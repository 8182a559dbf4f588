# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Wait for what a layer brings, all of it together, and say early and exactly why it does not come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..bulk import for_all, for_each
from ..core.errors import PlatformError, StuckError, WaitTimeoutError
from ..core.platform import readiness
from ..core.platform.readiness import Cause, Wait
from ..core.retry import Waiting, transient
from .discovery import Discovery
from .kinds import kind_of
from .session import CONCURRENCY, Session


class Rollout:
    """Looks at everything that is waited for, one LIST per kind and namespace and round."""

    def __init__(self, session: Session, discovery: Discovery) -> None:
        self._session = session
        self._discovery = discovery

    def lacks(self, waits: Sequence[Wait]) -> list[str]:
        """What is missing now, a phrase each."""
        places = {_place(wait): wait for wait in waits if wait.until != readiness.DRY_RUN}
        found = dict(zip(places, for_each(list(places.values()), self._list, CONCURRENCY)))
        result: list[str] = []
        for wait in waits:
            if wait.until == readiness.DRY_RUN:
                result += self._tried(wait)
                continue
            objects = found[_place(wait)]
            if isinstance(objects, PlatformError):
                raise objects
            result += readiness.missing(wait, objects)
        return result

    def causes(self, namespaces: Sequence[str]) -> list[Cause]:
        """Why pods in these namespaces do not run."""
        return readiness.causes(self._objects("Pod", namespaces))

    def events(self, namespaces: Sequence[str]) -> list[str]:
        """The last warnings in these namespaces."""
        return readiness.last_events(self._objects("Event", namespaces))

    def _objects(self, kind: str, namespaces: Sequence[str]) -> list[Any]:
        found = for_all(list(namespaces), lambda name: self._session.list(kind_of(kind), name), CONCURRENCY)
        return [item for items in found for item in items]

    def _list(self, wait: Wait) -> list[dict[str, Any]]:
        kind = self._discovery.find(wait.api_version, wait.kind)
        if kind is None:
            return []
        return self._session.list(kind, wait.namespace if kind.namespaced else "", wait.labels)

    def _tried(self, wait: Wait) -> list[str]:
        """Let the API server judge an object; it asks the webhooks, so this is the proof that they answer."""
        kind = self._discovery.find(wait.api_version, wait.kind)
        if kind is None:
            return [f"the API server does not know {wait.api_version} {wait.kind} yet"]
        path = kind.path(str(wait.body["metadata"].get("namespace") or wait.namespace))
        try:
            self._session.request("POST", path, {"dryRun": "All"}, wait.body, repeatable=False)
        except PlatformError as error:
            if getattr(error, "reason", "") == "AlreadyExists":
                return []
            return [f"{wait.kind} is not taken yet: {error.message}"]
        return []


def _place(wait: Wait) -> tuple[str, str, str, str]:
    return (wait.api_version, wait.kind, wait.namespace, wait.labels)


def wait_for_all(rollout: Rollout, waits: Sequence[Wait], waiting: Waiting, grace: float, subject: str) -> None:
    """Wait until everything holds.

    grace: seconds for which a cause that does not heal by itself must last before it is believed. Raises StuckError then,
    WaitTimeoutError when the time is over; both name what is missing, the causes and the last events.
    """
    if not waits:
        return
    namespaces = sorted({wait.namespace for wait in waits if wait.namespace})
    since: dict[str, float] = {}

    def look() -> tuple[bool, str]:
        try:
            lacks = rollout.lacks(waits)
            found = rollout.causes(namespaces) if lacks else []
        except PlatformError as error:
            if not transient(error):
                raise
            return False, error.message
        now = waiting.clock.now()
        stuck = {cause.text for cause in found if cause.final}
        for text in [text for text in since if text not in stuck]:
            del since[text]
        for text in stuck:
            if now - since.setdefault(text, now) >= grace:
                raise _failure(StuckError, f"{subject} will not get ready by itself", lacks, found, rollout, namespaces)
        return not lacks, "; ".join(lacks)

    try:
        waiting.until(look)
    except WaitTimeoutError as error:
        try:
            lacks, found = rollout.lacks(waits), rollout.causes(namespaces)
        except PlatformError:
            raise WaitTimeoutError(f"{subject}: {error.message}") from error
        text = f"{subject} is not ready after {waiting.timeout:g} s"
        raise _failure(WaitTimeoutError, text, lacks, found, rollout, namespaces) from error


def _failure(
    kind: type[PlatformError],
    text: str,
    lacks: Sequence[str],
    causes: Sequence[Cause],
    rollout: Rollout,
    namespaces: Sequence[str],
) -> PlatformError:
    why = list(dict.fromkeys(cause.text for cause in causes))
    advice = list(dict.fromkeys(cause.advice for cause in causes if cause.advice))
    events = rollout.events(namespaces)
    message = f"{text}: {'; '.join(lacks)}."
    if why:
        message += f" Cause: {'; '.join(why[:5])}."
    if events:
        message += f" Last events: {'; '.join(events)}."
    return kind(message, " ".join(advice[:2]) or "Look at the events in the namespace, then run again.")
