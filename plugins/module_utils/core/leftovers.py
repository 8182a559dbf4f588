# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Temporary folders of a run, by whose names a later run knows whether that run still lives (X-5).

A run removes its folder at its end. One that is killed cannot, and what is in the folder are credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

#: Seconds after which a folder goes whose run is not seen from here. No run needs its files that long.
LONGEST = 24 * 3600.0
_NAME = re.compile(r"ai-tenancy-run-([0-9a-f]{8})-(\d+)-(\d+)-\w+-\w+")


@dataclass(frozen=True)
class Owner:
    """A process. machine: where its number counts (a host, a container). start: tells it from another of that number."""

    machine: str
    process: int
    start: int

    @property
    def prefix(self) -> str:
        """How the names of its folders begin."""
        return f"ai-tenancy-run-{self.machine}-{self.process}-{self.start}-"


@dataclass(frozen=True)
class Folder:
    """What was found. private: a folder, no link, of our user, that nobody else may look into. age: seconds."""

    name: str
    private: bool
    age: float


def owner_of(name: str) -> Optional[Owner]:
    """Whose folder this is; None when it is no run's."""
    match = _NAME.fullmatch(name)
    return Owner(match[1], int(match[2]), int(match[3])) if match else None


def to_remove(found: Sequence[Folder], machine: str, start_of: Callable[[int], Optional[int]]) -> list[str]:
    """The names of folders whose run has ended. start_of: when a process of this machine began; None when there is none."""
    names = []
    for folder in found:
        owner = owner_of(folder.name)
        if owner is None or not folder.private:
            continue
        ended = folder.age > LONGEST if owner.machine != machine else start_of(owner.process) != owner.start
        if ended:
            names.append(folder.name)
    return names
