# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure commands: how long each took, and how much processor time it and its children used."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.description import PROJECT


class CommandError(Exception):
    """A measured command failed; a time of it would mean nothing."""


@dataclass(frozen=True)
class Sample:
    """One run. wall, cpu: seconds; cpu is that of the command and its children, not of the servers it talked to."""

    wall: float
    cpu: float


def run(command: Sequence[str], env: Mapping[str, str]) -> tuple[Sample, str]:
    """Run a command from the project's directory; return how long it took and what it wrote.

    Raises CommandError with the end of its output when it fails.
    """
    begin = time.monotonic()
    with subprocess.Popen(
        command, cwd=PROJECT, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode("utf-8", "replace")
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandError(f"{Path(command[0]).name} ended with {process.returncode}:\n{output[-3000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime), output


def call(function: Callable[[], object]) -> Sample:
    """Run a function of this process."""
    begin, used = time.monotonic(), time.process_time()
    function()
    return Sample(time.monotonic() - begin, time.process_time() - used)


def median(samples: Sequence[Sample]) -> Sample:
    """The median of several runs, of wall time and of processor time each by itself."""
    return Sample(statistics.median(s.wall for s in samples), statistics.median(s.cpu for s in samples))
