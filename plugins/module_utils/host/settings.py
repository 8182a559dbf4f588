# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read what a L(Wish) is about, and carry out the steps that L(compare) made of it.

Before a file is written, what must follow it (such as the restart of a service) is noted in a file below DUE, and the
note is removed when it was done. So a run that is killed in between does not leave a service with its old settings.
"""

from __future__ import annotations

import glob
import os
import pwd
from collections.abc import Callable, Sequence
from typing import Optional

from ..core.errors import PlatformError, RefusedError, WaitTimeoutError
from ..core.host import baseline, parsing
from ..core.host.settings import (
    ACTION,
    FILE,
    HOSTNAME,
    MODULE,
    SWAP,
    SYSCTL,
    UNIT,
    File,
    Found,
    UnitState,
    UnitWish,
    Wish,
)
from ..core.plan import Step
from .machine import Machine

#: One empty file for each action that is still to be done.
DUE = "/var/lib/ai-tenancy/due"
#: Modules that may be built into the kernel without a folder in /sys/module, with what shows that they are there.
_EFFECTS = {"br_netfilter": "/proc/sys/net/bridge", "nf_conntrack": "/proc/sys/net/netfilter"}


class Settings:
    """The settings of the host that the module runs on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.warnings: list[str] = []

    # --- reading ---

    def find(self, wish: Wish) -> Found:
        """Read everything that the wish is about."""
        machine = self.machine
        units = machine.units([unit.name for unit in wish.units])
        present = {name: self._sysctl(name) for name in wish.sysctls}
        return Found(
            texts={file.path: machine.read(file.path) for file in wish.files},
            modes={file.path: machine.mode(file.path) for file in wish.files},
            modules={name: self._is_loaded(name) for name in wish.modules},
            sysctls={name: value for name, value in present.items() if value},
            units={
                name: UnitState(unit.exists, unit.running, unit.starts_at_boot, unit.masked)
                for name, unit in units.items()
            },
            hostname=machine.value("/proc/sys/kernel/hostname"),
            swaps=tuple(parsing.swaps(machine.read("/proc/swaps") or "")),
            due=tuple(machine.list(DUE)),
        )

    def _is_loaded(self, name: str) -> bool:
        """A built-in module may have no folder; for it the question to modprobe is answered without doing anything."""
        folder = f"/sys/module/{name.replace('-', '_')}"
        if self.machine.exists(folder) or self.machine.exists(_EFFECTS.get(name, folder)):
            return True
        answer = self.machine.run(["modprobe", "--dry-run", "--verbose", name])
        return answer.ok and not answer.out.strip()

    def _sysctl(self, name: str) -> str:
        return self.machine.value("/proc/sys/" + name.replace(".", "/"))

    # --- changing ---

    def apply(self, steps: Sequence[Step]) -> None:
        """Carry out the steps in their order. Raises PlatformError at the first that cannot be done."""
        for step in steps:
            if step.kind == FILE and step.body.action:
                self.machine.write(f"{DUE}/{step.body.action}", "", 0o600)
        ways: dict[str, Callable[[Step], None]] = {
            FILE: self._file,
            ACTION: self._action,
            MODULE: self._module,
            SYSCTL: self._set_sysctl,
            SWAP: self._swap,
            HOSTNAME: self._hostname,
            UNIT: self._unit,
        }
        for step in steps:
            ways[step.kind](step)

    def _file(self, step: Step) -> None:
        file: File = step.body
        if file.text is None:
            self.machine.remove(file.path)
        elif file.path == baseline.SSHD_FILE:
            self._sshd_file(file)
        else:
            self.machine.write(file.path, file.text, file.mode)

    def _sshd_file(self, file: File) -> None:
        """Write, let sshd check the whole of its configuration, and take back what it does not like."""
        old, mode = self.machine.read(file.path), self.machine.mode(file.path)
        self.machine.write(file.path, file.text or "", file.mode)
        answer = self.machine.run(["sshd", "-t"])
        effective = sshd_settings(self.machine) if answer.ok else {}
        if answer.ok and effective.get("passwordauthentication") == "no":
            return
        if old is None:
            self.machine.remove(file.path)
        else:
            self.machine.write(file.path, old, mode or file.mode)
        self.machine.remove(f"{DUE}/{file.action}")
        if answer.ok:
            raise PlatformError(
                f"{file.path} has no effect: sshd -T still says PasswordAuthentication "
                f"{effective.get('passwordauthentication')}. It was taken back.",
                "An earlier file in /etc/ssh/sshd_config.d says otherwise, or sshd_config does not include that folder.",
            )
        raise PlatformError(f"sshd does not accept {file.path}; it was taken back: {answer.text}", "Mend sshd's files.")

    def _action(self, step: Step) -> None:
        commands = {
            "certificates": ["update-ca-certificates"],
            "daemon-reload": ["systemctl", "daemon-reload"],
            "sshd": ["systemctl", "reload", "sshd.service"],
            "networkmanager": ["systemctl", "reload", "NetworkManager.service"],
            "multipathd": ["systemctl", "reload", "multipathd.service"],
            "iscsid": ["systemctl", "restart", "iscsid.service"],
            "chronyd": ["systemctl", "restart", "chronyd.service"],
        }
        command = commands.get(step.body, [])
        of_unit = len(command) == 3
        if command and not (of_unit and not self.machine.unit(command[2]).running):
            self.machine.must(command, f"Cannot run {' '.join(command)}", "Look at journalctl -e.")
        self.machine.remove(f"{DUE}/{step.body}")

    def _module(self, step: Step) -> None:
        next_step = "It is not in this kernel. kernel-default-base lacks some: install kernel-default and reboot."
        self.machine.must(["modprobe", step.body], f"Cannot load the kernel module {step.body}", next_step)

    def _set_sysctl(self, step: Step) -> None:
        path = "/proc/sys/" + step.name.replace(".", "/")
        try:
            with open(self.machine.path(path), "w", encoding="ascii") as file:
                file.write(f"{step.body}\n")
        except OSError as error:
            self.warnings.append(
                f"The kernel does not take {step.name} = {step.body} now ({error.strerror}); it is in "
                f"{baseline.SYSCTL_FILE} for the next boot."
            )

    def _swap(self, step: Step) -> None:
        self.machine.must(["swapoff", "-a"], "Cannot switch swap off", "Free memory, then run again.")

    def _hostname(self, step: Step) -> None:
        answer = self.machine.run(["hostnamectl", "set-hostname", step.body])
        if not answer.ok:
            self.machine.must(["hostname", step.body], "Cannot set the hostname")

    def _unit(self, step: Step) -> None:
        wish: UnitWish = step.body
        if wish.needed and not self.machine.unit(wish.name).exists:
            raise PlatformError(f"There is no unit {wish.name}.", "Its package is missing: see sles_prepare_packages.")
        after = step.after
        if after.get("masked") is False:
            self._systemctl("unmask", wish.name)
        if "running" in after:
            self._systemctl("start" if after["running"] else "stop", wish.name)
        if "boot" in after:
            self._systemctl("enable" if after["boot"] else "disable", wish.name)
        if after.get("masked"):
            self._systemctl("mask", wish.name)

    def _systemctl(self, verb: str, name: str) -> None:
        self.machine.must(["systemctl", verb, name], f"Cannot {verb} {name}", f"Look at journalctl -u {name}.")

    def wait_for_time(self, seconds: int) -> Optional[WaitTimeoutError]:
        """Wait until chronyd is synchronised. Return what is to be told when it is not: its sources, in its words."""
        # tries, largest correction (0: any), largest skew (0: any), seconds between tries (chronyc manual)
        answer = self.machine.run(["chronyc", "waitsync", str(seconds), "0", "0", "1"], timeout=seconds + 30)
        if answer.ok:
            return None
        sources = self.machine.run(["chronyc", "-n", "sources"]).text
        return WaitTimeoutError(
            f"chronyd is not synchronised after {seconds} s:\n{sources}\n",
            "Check sles_prepare_ntp_servers and port 123/udp; then run again.",
        )


def sshd_settings(machine: Machine) -> dict[str, str]:
    """What sshd would do with its files as they are now: C(sshd -T), by lower-case keyword."""
    answer = machine.run(["sshd", "-T"])
    rows = (line.split(" ", 1) for line in answer.out.splitlines())
    return {row[0].lower(): row[1] for row in rows if len(row) == 2}


def guard_login(machine: Machine, options: dict[str, object]) -> None:
    """Raise RefusedError when logins by key only would lock out the user that Ansible logs in as.

    That is who called sudo, else who this process belongs to.
    """
    user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    effective = sshd_settings(machine)
    reason = baseline.lockout(options, user, effective, _has_keys(machine, user, effective))
    if reason:
        raise RefusedError(
            f"Logins by key only would lock Ansible out: {reason}.",
            "Give the user a key (sles_prepare_users) or set sles_prepare_ssh_by_key to false. Nothing was changed.",
        )


def _has_keys(machine: Machine, user: str, effective: dict[str, str]) -> bool:
    try:
        home = pwd.getpwnam(user).pw_dir
    except KeyError:
        return False
    for pattern in effective.get("authorizedkeysfile", ".ssh/authorized_keys").split():
        place = pattern.replace("%h", home).replace("%u", user).replace("%%", "%")
        place = place if place.startswith("/") else os.path.join(home, place)
        for path in glob.glob(glob.escape(place)):
            lines = (machine.read(path) or "").splitlines()
            if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
                return True
    return False
