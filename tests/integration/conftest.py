# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Integration tests share one laboratory, which comes up with the first test that asks for it.

AI_TENANCY_TEST_LAB   its name (default: test)
AI_TENANCY_KEEP_LAB   1: leave it up afterwards, so that the next run starts at once
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.lab.description import state_root
from tests.lab.progress import Progress


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs the laboratory (scripts/lab)")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The laboratory, with every part running. A test that stops or kills a part starts it again."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None  # pytest's own plugin
    name = os.environ.get("AI_TENANCY_TEST_LAB", "test")
    # Test runs at the same time may share the laboratory: the last one takes it down.
    state_root().mkdir(exist_ok=True)
    users = state_root() / f"{name}.users"
    with users.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        with capture.global_and_fixture_disabled():  # the first build takes minutes: show it
            instance = Lab.up(name, progress=Progress())
        yield instance
        if os.environ.get("AI_TENANCY_KEEP_LAB") != "1":
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                instance.down()
