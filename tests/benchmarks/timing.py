# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure commands: how long each took, and how much processor time it and its children used."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.description import PROJECT

#: Records what happens in a run; shared with the tests of the playbooks.
_CALLBACKS = PROJECT / "tests" / "integration" / "playbooks" / "callback"
#: A command gets nothing else of the caller's environment: no KUBECONFIG, no ANSIBLE_*.
_ENVIRONMENT = {
    **{name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ},
    "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / ".collections"),
    "ANSIBLE_NOCOLOR": "1",
}


class CommandError(Exception):
    """A measured command failed; a time of it would mean nothing."""


@dataclass(frozen=True)
class Sample:
    """One run. wall, cpu: seconds; cpu is that of the command and its children, not of the servers it talked to."""

    wall: float
    cpu: float


@dataclass
class Measured:
    """Everything that was measured. samples: (who, situation) -> runs. facts: numbers beside them."""

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, Any] = field(default_factory=dict)

    def median(self, who: str, situation: str) -> Sample | None:
        """The median of the runs; None when there were none."""
        found = self.samples.get((who, situation))
        return median(found) if found else None


def play(playbook: str, *arguments: str, events: Path | None = None) -> tuple[Sample, str]:
    """Run a playbook as L(run) runs a command. events: a file for what happens in it, see L(recorded)."""
    recorder = {
        "ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "tenancy_events",
        "AI_TENANCY_EVENTS": str(events),
    }
    if events:
        events.unlink(missing_ok=True)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments]
    return run(command, recorder if events else {})


def recorded(events: Path) -> list[Mapping[str, Any]]:
    """Return what happened in a run: an object for each launch of a module, each result, and the recap."""
    return [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[Sample, str]:
    """Run a command from the project's directory; return how long it took and what it wrote.

    env: beside what every command gets. Raises CommandError with the end of its output when it fails.
    """
    begin = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**_ENVIRONMENT, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
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
