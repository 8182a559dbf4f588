# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Secrets that hold what a server shows only once.

They are written with a precondition: created only when absent, replaced only when nobody else changed them meanwhile.
So of two runs at once exactly one wins, and the other learns it. (Server-side apply has no such condition for a
creation, and two runs have the same field manager.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..core.errors import ConflictError, NotFoundError, PlatformError, RemoteError, UnreachableError
from .kinds import kind_of
from .session import Session

_SECRET = kind_of("Secret")
#: How often a write is tried whose outcome was unclear.
_TRIES = 3


class Secrets:
    """The Secrets of one cluster."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, selector: str) -> list[dict[str, Any]]:
        """All Secrets that match a label selector, in all namespaces, with one LIST."""
        return self._session.list(_SECRET, labels=selector)

    def get(self, namespace: str, name: str) -> Optional[dict[str, Any]]:
        """One Secret, or None."""
        return self._session.get(_SECRET, name, namespace)

    def rehearse(self, secret: Mapping[str, Any], live: Optional[Mapping[str, Any]], namespace_may_lack: bool) -> None:
        """Let the API server judge a write without doing it: rights, namespace, quota, admission.

        live: the Secret as read, None when there is none. namespace_may_lack: accept that the namespace does not exist
        (check mode, where an earlier task would have made it). Raises what the write would raise.
        """
        try:
            if live is None:
                self._session.create(_SECRET, secret, dry_run=True)
            else:
                self._session.replace(_SECRET, _merged(secret, live), dry_run=True)
        except NotFoundError:
            if not namespace_may_lack:
                raise
        except RemoteError as error:
            if error.reason == "AlreadyExists":
                raise _taken(secret) from error
            raise

    def write(self, secret: Mapping[str, Any], live: Optional[Mapping[str, Any]]) -> dict[str, Any]:
        """Create (C(live) is None) or replace the Secret. Foreign labels, annotations and keys of C(live) stay.

        Raises ConflictError when another writer was faster. After an unclear answer the Secret is read back.
        """
        wanted = secret if live is None else _merged(secret, live)
        for attempt in range(_TRIES):
            try:
                if live is None:
                    return self._session.create(_SECRET, wanted)
                return self._session.replace(_SECRET, wanted)
            except PlatformError as error:
                done = self._read_back(wanted, error)
                if done is not None:
                    return done
                if isinstance(error, RemoteError) and error.reason == "AlreadyExists":
                    raise _taken(secret) from error
                if not _worth_another_try(error) or attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def delete(self, namespace: str, name: str) -> bool:
        """Delete one Secret; False when it was not there."""
        return self._session.delete(_SECRET, name, namespace)

    def _read_back(self, wanted: Mapping[str, Any], error: PlatformError) -> Optional[dict[str, Any]]:
        """The Secret when it holds what we wanted to write although an error came back, else None."""
        if isinstance(error, NotFoundError):
            return None
        try:
            found = self.get(wanted["metadata"]["namespace"], wanted["metadata"]["name"])
        except PlatformError:
            return None
        return found if found is not None and found.get("data") == wanted["data"] else None


def _worth_another_try(error: PlatformError) -> bool:
    return isinstance(error, UnreachableError) or (isinstance(error, RemoteError) and error.transient)


def _taken(secret: Mapping[str, Any]) -> ConflictError:
    metadata = secret["metadata"]
    return ConflictError(f"The Secret {metadata['namespace']}/{metadata['name']} exists already.")


def _merged(secret: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The live Secret with our part put in. Annotations with our prefix that are no longer wanted go."""
    ours, theirs = secret["metadata"], live["metadata"]
    prefix = "ai-tenancy.platform/"
    notes = {name: value for name, value in (theirs.get("annotations") or {}).items() if not name.startswith(prefix)}
    metadata = {
        "name": theirs["name"],
        "namespace": theirs["namespace"],
        "resourceVersion": theirs["resourceVersion"],
        "labels": {**(theirs.get("labels") or {}), **ours["labels"]},
        "annotations": {**notes, **ours["annotations"]},
    }
    if theirs.get("finalizers"):
        metadata["finalizers"] = theirs["finalizers"]
    if theirs.get("ownerReferences"):
        metadata["ownerReferences"] = theirs["ownerReferences"]
    return {
        **secret,
        "type": live.get("type", secret["type"]),
        "metadata": metadata,
        "data": {**(live.get("data") or {}), **secret["data"]},
    }
