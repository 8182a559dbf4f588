# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Find the paths of kinds that charts bring: only the API server knows them, and only once the chart is there."""

from __future__ import annotations

from typing import Optional

from ..core.errors import NotFoundError
from ..core.plan import Step
from .kinds import Kind
from .session import Session


class Discovery:
    """Asks once for each API version; what is not there yet is asked for again, for a chart may bring it meanwhile."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, str], Kind] = {}

    def find(self, api_version: str, kind: str) -> Optional[Kind]:
        """The kind, or None when the API server does not know it (yet)."""
        if (api_version, kind) not in self._known:
            self._read(api_version)
        return self._known.get((api_version, kind))

    def of_step(self, step: Step) -> Kind:
        """The kind of a step whose body is the whole object. Raises NotFoundError."""
        api_version = str(step.body["apiVersion"])
        found = self.find(api_version, step.kind)
        if found is None:
            raise NotFoundError(f"{step.title}: the API server does not know {api_version} {step.kind}.")
        return found

    def _read(self, api_version: str) -> None:
        root = "/api" if "/" not in api_version else "/apis"
        try:
            answer = self._session.request("GET", f"{root}/{api_version}")
        except NotFoundError:
            return
        for resource in answer.get("resources") or []:
            if "/" not in resource["name"]:  # not scale, status, ...
                kind = Kind(resource["kind"], api_version, resource["name"], bool(resource["namespaced"]))
                self._known[api_version, kind.name] = kind
