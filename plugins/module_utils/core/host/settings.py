# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The wanted state of a host as data, compared with what was found on it.

A L(Wish) says what must be: files with their whole text, kernel modules, kernel settings, systemd units, programs that
must run after a file has changed. L(compare) turns a wish and what was found into ordered steps. Nothing here looks at a
machine; C(host/settings.py) does, and carries the steps out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from ..plan import CHANGE, CREATE, REMOVE, Step

#: First line of every file that is ours as a whole.
HEADER = "# Written by Ansible (ai_tenancy.platform); changes made here are lost with the next run.\n"
#: Shown instead of the text of a secret file.
HIDDEN = "(not shown)\n"


@dataclass(frozen=True)
class File:
    """A file that is wanted. text: the whole of it; None when it must not exist.

    action: what must be done once after it has changed, one of ACTIONS. secret: its text is never shown.
    """

    path: str
    text: Optional[str]
    mode: int = 0o644
    action: str = ""
    secret: bool = False


@dataclass(frozen=True)
class UnitWish:
    """How a systemd unit must be; None where it does not matter.

    needed: the host cannot do without it, so that its absence is a mistake; otherwise an absent unit is as wanted.
    """

    name: str
    running: Optional[bool] = None
    boot: Optional[bool] = None
    masked: Optional[bool] = None
    needed: bool = False


#: What follows the change of a file, in the order in which it is done.
ACTIONS = (
    "certificates",
    "hostname",
    "daemon-reload",
    "sshd",
    "networkmanager",
    "multipathd",
    "iscsid",
    "chronyd",
)


@dataclass(frozen=True)
class Wish:
    """Everything that is wanted of a host. sysctls: by name, values as text."""

    files: tuple[File, ...] = ()
    modules: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    units: tuple[UnitWish, ...] = ()
    hostname: str = ""
    swap_off: bool = False

    def __add__(self, other: Wish) -> Wish:
        return Wish(
            self.files + other.files,
            self.modules + other.modules,
            {**self.sysctls, **other.sysctls},
            self.units + other.units,
            other.hostname or self.hostname,
            self.swap_off or other.swap_off,
        )


@dataclass(frozen=True)
class UnitState:
    """How a unit was found; see C(host/machine.py)."""

    exists: bool
    running: bool
    boot: bool
    masked: bool


@dataclass(frozen=True)
class Found:
    """What was found on the host. texts, modes: of the wished files, None when absent. due: actions that an earlier
    run could not finish.
    """

    texts: Mapping[str, Optional[str]] = field(default_factory=dict)
    modes: Mapping[str, Optional[int]] = field(default_factory=dict)
    modules: Mapping[str, bool] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, UnitState] = field(default_factory=dict)
    hostname: str = ""
    swaps: tuple[str, ...] = ()
    due: tuple[str, ...] = ()


# Kinds of steps; host/settings.py has one way to carry out each.
FILE, ACTION, MODULE, SYSCTL, SWAP, HOSTNAME, UNIT = "file", "action", "module", "sysctl", "swap", "hostname", "unit"


def compare(wish: Wish, found: Found) -> list[Step]:
    """Return what is to be done, in the order in which it must be done."""
    steps = _files(wish.files, found)
    steps += _hostname(wish, found)
    steps += [
        Step(CHANGE, MODULE, name, before="not loaded", after="loaded", body=name)
        for name in wish.modules
        if not found.modules.get(name)
    ]
    loading = any(step.kind == MODULE for step in steps)
    steps += _sysctls(wish.sysctls, found.sysctls, loading)
    if wish.swap_off and found.swaps:
        steps.append(
            Step(REMOVE, SWAP, ", ".join(found.swaps), before=list(found.swaps), after=[], reason="Kubernetes")
        )
    steps += _actions(steps, found.due)
    for unit in wish.units:
        steps += _unit(unit, found.units.get(unit.name, UnitState(False, False, False, False)))
    return steps


def _files(files: Sequence[File], found: Found) -> list[Step]:
    steps = []
    for file in files:
        old, mode = found.texts.get(file.path), found.modes.get(file.path)
        if file.text is None:
            if old is not None:
                shown = HIDDEN if file.secret else old
                steps.append(Step(REMOVE, FILE, file.path, before=shown, after="", reason="not wanted", body=file))
        elif old != file.text or mode != file.mode:
            before, after = (HIDDEN, HIDDEN) if file.secret else (old or "", file.text)
            if old == file.text and mode is not None:
                before, after = f"mode {mode:04o}\n", f"mode {file.mode:04o}\n"
            steps.append(
                Step(CREATE if old is None else CHANGE, FILE, file.path, before=before, after=after, body=file)
            )
    return steps


def _hostname(wish: Wish, found: Found) -> list[Step]:
    if not wish.hostname or wish.hostname == found.hostname:
        return []
    return [Step(CHANGE, HOSTNAME, wish.hostname, before=found.hostname, after=wish.hostname, body=wish.hostname)]


def _sysctls(wanted: Mapping[str, str], found: Mapping[str, str], loading: bool) -> list[Step]:
    """Settings that differ. One that is not there may come with a module that is being loaded, else it is left out."""
    steps = []
    for name, value in wanted.items():
        old = found.get(name, "absent" if loading else value)
        if old.split() != value.split():
            steps.append(Step(CHANGE, SYSCTL, name, before=old, after=value, body=value))
    return steps


def _actions(steps: Sequence[Step], due: Sequence[str]) -> list[Step]:
    """Each action once: those of the changed files, and those that a killed run left undone."""
    wanted = {step.body.action for step in steps if step.kind == FILE and step.body.action} | set(due)
    return [Step(CHANGE, ACTION, name, before="", after="", body=name) for name in ACTIONS if name in wanted]


def _unit(wish: UnitWish, state: UnitState) -> list[Step]:
    if not state.exists and not wish.needed and not wish.masked:
        return []
    before, after = {}, {}
    wanted = (
        ("masked", wish.masked, state.masked),
        ("boot", wish.boot, state.boot),
        ("running", wish.running, state.running),
    )
    for name, want, have in wanted:
        if want is not None and want != have:
            before[name], after[name] = have, want
    if not after:
        return []
    return [Step(CHANGE, UNIT, wish.name, before=before, after=after, body=wish)]
