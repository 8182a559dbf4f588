# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Temporary folders of runs: what goes, and what stays (X-5)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.leftovers import (
    LONGEST,
    Folder,
    Owner,
    owner_of,
    to_remove,
)

HERE, THERE = "0123abcd", "ffff0000"
LIVING = {4711: 88}


def name(machine: str, process: int, start: int) -> str:
    return Owner(machine, process, start).prefix + "inside-a_b1c2d3"


def test_a_name_tells_its_run() -> None:
    owner = Owner(HERE, 4711, 88)
    assert owner_of(owner.prefix + "inside-x_1y2z3w") == owner


@pytest.mark.parametrize(
    "other",
    [
        "ai-tenancy-labs",
        "ai-tenancy-benchmark-mcte9y7x",
        "ai-tenancy-run-0123abcd-4711-88-",
        "ai-tenancy-run-0123abcd-4711-inside-x1",
        "ai-tenancy-run-0123abcd-4711-88-inside-../x",
        "x-ai-tenancy-run-0123abcd-4711-88-inside-x1",
    ],
)
def test_what_is_no_runs_folder(other: str) -> None:
    assert owner_of(other) is None
    assert to_remove([Folder(other, True, 2 * LONGEST)], HERE, {}.get) == []


@pytest.mark.parametrize(
    ("machine", "process", "start", "age", "goes"),
    [
        (HERE, 4711, 88, 2 * LONGEST, False),  # it lives, however long
        (HERE, 4712, 88, 1.0, True),  # it has ended, even now
        (HERE, 4711, 87, 1.0, True),  # another process has its number
        (THERE, 4712, 88, LONGEST - 1, False),  # nobody here can say
        (THERE, 4712, 88, LONGEST + 1, True),
    ],
)
def test_folders_go_when_their_run_has_ended(machine: str, process: int, start: int, age: float, goes: bool) -> None:
    found = Folder(name(machine, process, start), True, age)
    assert to_remove([found], HERE, LIVING.get) == ([found.name] if goes else [])
    assert to_remove([Folder(found.name, False, age)], HERE, LIVING.get) == []
