# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Start, stop and look at the processes of a laboratory's parts.

Each part has a runner (runner.py) that records its start and its end. Every process of a part, its own children
included, carries the environment variable AI_TENANCY_LAB_PART=<state directory>/<part>; that is how stopping finds
what is left, and never anything else.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .description import PROJECT, Description
from .errors import LabError
from .parts import Part

MARKER = "AI_TENANCY_LAB_PART"

#: Seconds that a part gets to end by itself after SIGTERM. Only the API server takes longer: it waits for its watchers.
GRACE = 3.0

#: Seconds until a process that got SIGKILL, or a runner that was started, must be seen to have done so.
AT_ONCE = 10.0

#: Last log lines shown when a part has crashed, and the longest that one may be, in characters.
LOG_LINES = 5
LOG_WIDTH = 300


@dataclass(frozen=True)
class PartState:
    """What is known of a part's process.

    state: "running", "stopped" (asked for, or never started) or "crashed". pid: of a running part.
    cause: how it ended, for example "signal 9 (SIGKILL)". log_tail: last lines of the log of a crashed part.
    """

    name: str
    state: str
    pid: int | None = None
    since: float | None = None
    cause: str = ""
    log_tail: tuple[str, ...] = ()


def alive(pid: int, ticks: int) -> bool:
    """Tell whether the process C(pid) that started at C(ticks) still runs; a zombie does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in "ZX" and int(fields[19]) == ticks


def read_record(lab: Description, name: str) -> dict[str, Any] | None:
    """Return the record of a part, or None when it was never started."""
    try:
        record: dict[str, Any] = json.loads(lab.record(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return record


def log_tail(path: Path, lines: int = LOG_LINES) -> tuple[str, ...]:
    """Return the last lines of a log, without reading all of it."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 16384))
            found = stream.read().decode("utf-8", "replace").splitlines()[-lines:]
            return tuple(line if len(line) <= LOG_WIDTH else line[:LOG_WIDTH] + "..." for line in found)
    except FileNotFoundError:
        return ()


def end_cause(record: dict[str, Any]) -> str:
    """Describe how a recorded part ended."""
    if "signal" in record:
        return f"signal {record['signal']} ({signal.Signals(record['signal']).name})"
    if "exit_code" in record:
        return f"exit code {record['exit_code']}"
    return "its runner was killed"


def look(lab: Description, name: str) -> PartState:
    """Return the state of a part's process."""
    record = read_record(lab, name)
    if record is None:
        return PartState(name, "stopped")
    if "ended" not in record and alive(record["pid"], record["pid_ticks"]):
        return PartState(name, "running", record["pid"], record["started"])
    record = read_record(lab, name) or record  # the end may have been written between the two looks
    if record.get("asked"):
        return PartState(name, "stopped", since=record.get("ended"), cause=end_cause(record))
    tail = log_tail(lab.log(name))
    return PartState(name, "crashed", since=record.get("ended"), cause=end_cause(record), log_tail=tail)


def start(lab: Description, part: Part) -> None:
    """Start a part in the background and return when its process exists. Raises LabError when it cannot run."""
    for path in (lab.log(part.name), lab.record(part.name)):
        path.parent.mkdir(parents=True, exist_ok=True)
    lab.record(part.name).unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "PYTHONPATH")}
    environment.update({MARKER: f"{lab.state}/{part.name}", "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"})
    job = {
        "argv": list(part.argv),
        "env": environment,
        "cwd": str(PROJECT),
        "log": str(lab.log(part.name)),
        "record": str(lab.record(part.name)),
    }
    job_file = lab.record(part.name).with_suffix(".job")
    job_file.write_text(json.dumps(job), encoding="utf-8")
    job_file.chmod(0o600)
    runner = Path(__file__).with_name("runner.py")
    null = subprocess.DEVNULL
    subprocess.run(
        [sys.executable, "-I", "-S", str(runner), str(job_file)],
        stdin=null, stdout=null, stderr=null, env=environment, check=True,
    )  # fmt: skip
    deadline = time.monotonic() + AT_ONCE
    while not lab.record(part.name).exists():
        if time.monotonic() > deadline:
            raise LabError(f"{part.name}: its runner did not start; see {lab.log(part.name)}")
        time.sleep(0.01)
    job_file.unlink()


def marked(prefix: str, whole: bool) -> Iterator[int]:
    """Yield the ids of living processes whose marker is C(prefix) (whole) or begins with it."""
    wanted = f"{MARKER}={prefix}".encode()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            variables = Path(entry.path, "environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or not ours
            continue
        if any(item == wanted if whole else item.startswith(wanted) for item in variables):
            yield int(entry.name)


def of_part(lab: Description, name: str) -> list[int]:
    """Return the ids of all processes of a part: runner, process, children."""
    return list(marked(f"{lab.state}/{name}", whole=True))


def of_lab(state: Path) -> list[int]:
    """Return the ids of all processes of the laboratory in a state directory."""
    return list(marked(f"{state}/", whole=False))


def send(pids: list[int], number: int) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_ended(lab: Description, name: str, seconds: float) -> bool:
    """Wait until the part's process has ended and its end is recorded; False when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = read_record(lab, name)
        if record is None or "ended" in record or not alive(record["runner"], record["runner_ticks"]):
            return True
        time.sleep(0.02)
    return False


def stop(lab: Description, name: str, grace: float = GRACE) -> None:
    """End a part: SIGTERM, after C(grace) seconds SIGKILL, then whatever it has left behind.

    A part that has crashed counts as stopped afterwards.
    """
    record = read_record(lab, name)
    if record is None:
        return
    if alive(record["runner"], record["runner_ticks"]):
        send([record["runner"]], signal.SIGTERM)
        if not wait_ended(lab, name, grace):
            send([record["pid"]], signal.SIGKILL)
            wait_ended(lab, name, AT_ONCE)
    end_all(lambda: of_part(lab, name))
    record = {"ended": time.time(), **(read_record(lab, name) or record), "asked": True}
    lab.record(name).write_text(json.dumps(record), encoding="utf-8")


def kill(lab: Description, name: str) -> None:
    """Let a part crash: SIGKILL to its process, as a fault for tests. Its children end with it."""
    state = look(lab, name)
    if state.pid is None:
        raise LabError(f"{name} is {state.state}, so it cannot be killed")
    os.kill(state.pid, signal.SIGKILL)
    wait_ended(lab, name, AT_ONCE)
    end_all(lambda: of_part(lab, name))


def end_all(find: Callable[[], list[int]], seconds: float = AT_ONCE) -> None:
    """SIGKILL every process that C(find) returns until it returns none. Raises LabError when some stay."""
    deadline = time.monotonic() + seconds
    while pids := find():
        if time.monotonic() > deadline:
            raise LabError(f"processes {pids} do not end, not even by SIGKILL")
        send(pids, signal.SIGKILL)
        time.sleep(0.02)
