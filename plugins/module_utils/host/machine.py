# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The door to the machine that a module runs on: files, programs, systemd units.

Everything goes through one object, so that tests can put a folder and a list of answers in its place.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..core.errors import PlatformError
from ..core.host import parsing

#: Programs speak English and nothing depends on the caller's language.
_ENVIRONMENT = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
_UNIT_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "MainPID")


@dataclass(frozen=True)
class Answer:
    """What a program said. code: its exit code; 127 when there is no such program."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """True when it ended with 0."""
        return self.code == 0

    @property
    def text(self) -> str:
        """What to show a person: the error output, else the output, without blank ends."""
        return (self.err.strip() or self.out.strip()) or f"exit code {self.code}, without a word"


@dataclass(frozen=True)
class Unit:
    """The state of a systemd unit, in systemd's words. load: C(not-found) when there is none."""

    name: str
    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    enabled: str = ""
    fragment: str = ""
    main_pid: int = 0

    @property
    def exists(self) -> bool:
        """Whether systemd knows the unit; a masked one exists."""
        return self.load != "not-found"

    @property
    def running(self) -> bool:
        """Whether it is active, or on the way to it."""
        return self.active in ("active", "activating", "reloading")

    @property
    def starts_at_boot(self) -> bool:
        """Whether it comes up by itself."""
        return self.enabled in ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated")

    @property
    def masked(self) -> bool:
        """Whether nobody can start it."""
        return self.load == "masked" or self.enabled in ("masked", "masked-runtime")


class Machine:
    """Files below C(root) and programs started by C(run_command) (that of AnsibleModule).

    root: C(/) on a real machine; a folder in tests.
    """

    def __init__(self, run_command: Callable[..., Any], root: str = "/") -> None:
        self._run_command = run_command
        self.root = root

    # --- programs ---

    def run(
        self,
        argv: Sequence[str],
        data: Optional[str] = None,
        environment: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """Start a program, never by a shell, and wait for it. data: its standard input; secrets go in there.

        timeout: seconds; then the program gets SIGTERM from C(timeout) (coreutils) and the code is 124.
        """
        command = [*(["timeout", f"{timeout:g}"] if timeout else []), *argv]
        options: dict[str, Any] = {"environ_update": {**_ENVIRONMENT, **(environment or {})}, "check_rc": False}
        if data is not None:
            options.update(data=data, binary_data=True)
        try:
            code, out, err = self._run_command(command, handle_exceptions=False, **options)
        except OSError as error:
            return Answer(127, "", f"{argv[0]}: {error.strerror}")
        return Answer(int(code), out, err)

    def must(self, argv: Sequence[str], what: str, next_step: str = "", **options: Any) -> Answer:
        """Start a program that has to end well. Raises PlatformError with its own words. what: such as C(Cannot ...)."""
        answer = self.run(argv, **options)
        if not answer.ok:
            raise PlatformError(f"{what}: {answer.text}", next_step)
        return answer

    def has(self, program: str) -> bool:
        """Whether a program is installed, in the places where SLES keeps administrators' programs."""
        folders = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin")
        return any(os.access(self.path(f"{folder}/{program}"), os.X_OK) for folder in folders)

    # --- units ---

    def unit(self, name: str) -> Unit:
        """The state of one unit."""
        return self.units([name])[name]

    def units(self, names: Sequence[str]) -> dict[str, Unit]:
        """The state of units, by one call of systemctl. All are C(not-found) where systemd does not answer."""
        found = {name: Unit(name) for name in names}
        if not names:
            return found
        answer = self.run(["systemctl", "show", "--property", ",".join(("Id", "Names", *_UNIT_PROPERTIES)), *names])
        blocks = [block for block in answer.out.strip().split("\n\n") if block] if answer.ok else []
        for name, block in zip(names, blocks):
            values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            found[name] = Unit(
                name,
                values.get("LoadState", "not-found"),
                values.get("ActiveState", "inactive"),
                values.get("SubState", "dead"),
                values.get("UnitFileState", ""),
                values.get("FragmentPath", ""),
                int(values.get("MainPID") or 0),
            )
        return found

    # --- files ---

    def mounts(self) -> list[dict[str, Any]]:
        """What is mounted, in turn; see L(parsing.mounts). Bind mounts too, which os.path.ismount does not see."""
        return parsing.mounts(self.read("/proc/self/mountinfo") or "")

    def path(self, path: str) -> str:
        """Where an absolute path of the machine lies."""
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def read(self, path: str) -> Optional[str]:
        """The text of a file, or None when it cannot be read (there is none, it is a folder, the kernel says no)."""
        try:
            with open(self.path(path), encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return None

    def value(self, path: str) -> str:
        """The text of a one-line file without its line end; empty when it cannot be read."""
        return (self.read(path) or "").strip()

    def exists(self, path: str) -> bool:
        """Whether something is there; a link counts even when its target does not exist."""
        return os.path.lexists(self.path(path))

    def mode(self, path: str) -> Optional[int]:
        """The permission bits of a file, or None when there is none."""
        try:
            return stat.S_IMODE(os.stat(self.path(path)).st_mode)
        except OSError:
            return None

    def list(self, folder: str) -> list[str]:
        """The names in a folder, sorted; empty when it is not there."""
        try:
            return sorted(os.listdir(self.path(folder)))
        except OSError:
            return []

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in one step, with its mode from the first byte on, missing folders made (0755).

        The rename makes it whole or not at all, also when the machine loses power: the data is on disk before it.
        """
        target = self.path(path)
        folder = os.path.dirname(target)
        temporary = ""
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=".ai-tenancy-")
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)
            raise PlatformError(f"Cannot write {path}: {error.strerror}.") from error

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        try:
            os.unlink(self.path(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise PlatformError(f"Cannot remove {path}: {error.strerror}.") from error
