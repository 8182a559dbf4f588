# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Laboratories for tests: brought up for the first test that asks, taken down with the last.

AI_TENANCY_TEST_LAB   the name, or its beginning (default: test)
AI_TENANCY_KEEP_LAB   1: leave them up afterwards, so that the next run starts at once
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab import Lab
from tests.lab.description import state_root
from tests.lab.progress import Progress


@contextmanager
def laboratory(config: pytest.Config, suffix: str = "", **options: Any) -> Iterator[Lab]:
    """A laboratory with every part running. A test that stops or kills a part starts it again.

    suffix: end of its name, for one beside the shared one. options: fields of tests.lab.description.Options.
    """
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None  # pytest's own plugin
    name = os.environ.get("AI_TENANCY_TEST_LAB", "test") + suffix
    # Test runs at the same time may share the laboratory: the last one takes it down.
    state_root().mkdir(exist_ok=True)
    users = state_root() / f"{name}.users"
    with users.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        with capture.global_and_fixture_disabled():  # the first build takes minutes: show it
            instance = Lab.up(name, progress=Progress(), **options)
        yield instance
        if os.environ.get("AI_TENANCY_KEEP_LAB") != "1":
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                instance.down()
