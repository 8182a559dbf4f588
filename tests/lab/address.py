# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Give each laboratory of the machine a loopback address of its own, 127.77.N.1.

With an address of its own, a laboratory can use the components' usual ports, and laboratories of several clones and
users never clash. Who holds which N is kept in one directory of the machine: a file per N with the laboratory's
state directory in it. A file whose laboratory is gone counts for nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .description import PORTS
from .errors import LabError

NUMBERS = range(1, 255)


def claims_dir() -> Path:
    """Return the machine's directory of claims; it is shared by all users, like the loopback device."""
    path = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()) / "ai-tenancy-labs"
    path.mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # another user made it
        path.chmod(0o1777)
    return path


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, so that two laboratories that start at once do not choose the same number."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def holder(claim: Path) -> Path | None:
    """Return the state directory of the laboratory that holds a claim, or None when there is none any more."""
    try:
        state = Path(json.loads(claim.read_text(encoding="utf-8"))["state"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    try:
        return state if state.is_dir() else None
    except PermissionError:  # another user's, in a directory that is closed to us: it may well be there
        return state


def ports_free(number: int) -> bool:
    """Tell whether nobody listens on the laboratory ports of 127.77.<number>.1."""
    for port in PORTS.values():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"127.77.{number}.1", port))
            except OSError:
                return False
    return True


def allocate(state: Path, directory: Path | None = None, free: Callable[[int], bool] = ports_free) -> int:
    """Claim the first free number for the laboratory in the directory C(state), or return the one that it holds.

    state: the laboratory's state directory; it must exist. directory: where the claims are, for tests.
    Raises LabError when all 254 are taken.
    """
    directory = directory or claims_dir()
    state = state.resolve()
    with locked(directory):
        claims = {number: directory / f"{number}.json" for number in NUMBERS}
        holders = {number: holder(path) for number, path in claims.items()}
        for number, owner in holders.items():
            if owner == state:
                return number
        for number, owner in holders.items():
            if owner is None and free(number) and write_claim(claims[number], state):
                return number
    raise LabError(f"all 254 laboratory addresses are taken (see {directory}); stop one: scripts/lab down --all")


def write_claim(claim: Path, state: Path) -> bool:
    """Write a claim; False when an old one of another user is in the way."""
    try:
        claim.unlink(missing_ok=True)
    except PermissionError:
        return False
    with claim.open("x", encoding="utf-8") as stream:
        stream.write(json.dumps({"state": str(state)}) + "\n")
    return True


def release(state: Path, directory: Path | None = None) -> None:
    """Give back the number that the laboratory in the directory C(state) holds, if any."""
    directory = directory or claims_dir()
    with locked(directory):
        for claim in directory.glob("*.json"):
            if holder(claim) == state.resolve():
                claim.unlink()
