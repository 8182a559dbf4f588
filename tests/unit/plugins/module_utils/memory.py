# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the rooms share: time that does not pass, and Secrets kept in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConflictError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock


class Time:
    """A clock that jumps instead of waiting. pauses: what was slept, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep, lambda: 0.5)


@dataclass
class MemorySecrets:
    """Secrets with the same promise as C(kube/secrets.py). faults: raised by the next writes, None lets one through.

    interfere: called once before the next write, as another run would come in between.
    """

    secrets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    faults: list[Exception | None] = field(default_factory=list)
    interfere: Callable[[], None] | None = None
    rehearsals: int = 0
    version: int = 0

    def list(self, selector: str) -> list[dict[str, Any]]:
        assert "clearml-purpose" in selector
        return copy.deepcopy(list(self.secrets.values()))

    def get(self, namespace: str, name: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.secrets.get((namespace, name)))

    def rehearse(self, secret: Mapping[str, Any], live: Any, namespace_may_lack: bool) -> None:
        self.rehearsals += 1
        self._check(secret, live)

    def write(self, secret: Mapping[str, Any], live: Any) -> dict[str, Any]:
        interfere, self.interfere = self.interfere, None
        if interfere:
            interfere()
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                raise fault
        self._check(secret, live)
        self.version += 1
        stored = copy.deepcopy(dict(secret))
        stored["metadata"] = {**stored["metadata"], "resourceVersion": str(self.version)}
        self.secrets[stored["metadata"]["namespace"], stored["metadata"]["name"]] = stored
        return copy.deepcopy(stored)

    def delete(self, namespace: str, name: str) -> bool:
        return self.secrets.pop((namespace, name), None) is not None

    def _check(self, secret: Mapping[str, Any], live: Any) -> None:
        metadata = secret["metadata"]
        there = self.secrets.get((metadata["namespace"], metadata["name"]))
        seen = None if live is None else live["metadata"]["resourceVersion"]
        if (there["metadata"]["resourceVersion"] if there else None) != seen:
            raise ConflictError("the Secret was changed")
