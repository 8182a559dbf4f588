# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run one part of a laboratory in the background and record how it ends.

A script of its own, standard library only, so that it starts in a moment and stays small: one runs beside each part.
Usage: runner.py FILE, with FILE a JSON object {argv, env, cwd, log, record}. It detaches from the caller, starts argv
with its output in the log, and keeps the file "record" up to date (see tests/lab/process.py for its content).
SIGTERM to the runner asks the part to end; the record then says that the end was asked for.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1


def write_record(path: str, record: dict[str, Any]) -> None:
    """Write the record whole or not at all: a reader never sees half of it."""
    temporary = f"{path}.{os.getpid()}.new"
    with open(temporary, "w", encoding="utf-8") as stream:
        json.dump(record, stream)
    os.replace(temporary, path)


def start_ticks(pid: int) -> int:
    """Return the start time of a process in clock ticks since boot (proc(5), field 22), which tells pids apart."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
        return int(stream.read().rpartition(")")[2].split()[19])


def execute(job: dict[str, Any], parent: int) -> NoReturn:
    """In the child: become the part. The part dies with its runner, so that none is ever left unwatched."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        os.execvpe(job["argv"][0], job["argv"], job["env"])  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"cannot run {job['argv'][0]}: {error}\n".encode())
        os._exit(127)


def detach(job: dict[str, Any]) -> None:
    """Leave the caller's process, session, directory and standard streams."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir(job["cwd"])
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 256)


def main() -> None:
    """Start the part, wait for it, record its end."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        job = json.load(stream)
    detach(job)
    runner = os.getpid()
    record = {"argv": job["argv"], "runner": runner, "runner_ticks": start_ticks(runner), "started": time.time()}
    asked: list[int] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        execute(job, runner)

    def stop(number: int, frame: Any) -> None:
        asked.append(number)
        os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    record.update(pid=child, pid_ticks=start_ticks(child))
    write_record(job["record"], record)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    record.update(ended=time.time(), asked=bool(asked))
    record.update({"signal": -status} if status < 0 else {"exit_code": status})
    write_record(job["record"], record)


if __name__ == "__main__":
    main()
