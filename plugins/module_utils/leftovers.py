# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Temporary folders with credentials: named after their run, and removed by the next one where that was killed (X-5)."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from typing import Optional

from .core.leftovers import Folder, Owner, owner_of, to_remove


def machine() -> str:
    """Where process numbers count: this host, or this container of it."""
    space = ""
    with contextlib.suppress(OSError):  # not on every system
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{os.uname().nodename} {space}".encode()).hexdigest()[:8]


def start_of(process: int) -> Optional[int]:
    """When a process began, in ticks since the machine did (0 where that is not known); None when there is none."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            # The name of the program, in brackets, may hold anything (proc(5)).
            return int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0


def run() -> Owner:
    """The run that this process belongs to: Ansible's main process, also when asked in one of its workers."""
    parent = multiprocessing.parent_process()
    process = os.getpid() if parent is None or parent.pid is None else parent.pid
    return Owner(machine(), process, start_of(process) or 0)


def sweep(directory: str = "") -> list[str]:
    """Remove the folders of runs that have ended from the temporary directory, and return their paths."""
    directory = directory or tempfile.gettempdir()
    removed = []
    for name in to_remove(list(_folders(directory)), machine(), start_of):
        path = os.path.join(directory, name)
        with contextlib.suppress(OSError):  # another run was faster, or it is not ours to remove
            shutil.rmtree(path)
            removed.append(path)
    return removed


def _folders(directory: str) -> Iterator[Folder]:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if owner_of(entry.name) is None:
                continue
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
                yield Folder(entry.name, private, time.time() - found.st_mtime)
