# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The few facts of a host by which the roles decide what to do."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..core.errors import RefusedError
from ..core.host import packages, parsing
from ..core.support import find_operating_system, operating_systems_text
from .machine import Machine
from .preflight.system import read_packages, read_security

ZRAM_FILES = ("/etc/systemd/zram-generator.conf", "/usr/lib/systemd/zram-generator.conf")
#: libzypp writes it when a package that needs a reboot was installed (C(zypper needs-rebooting)); /run is empty after.
REBOOT_FILE = "/run/reboot-needed"


def must_be_supported(machine: Machine, allow_unsupported: bool) -> None:
    """Raise RefusedError on a system that this collection does not prepare, before anything is changed."""
    if _read_only_root(machine):
        raise RefusedError(
            "The root file system is read-only: a transactional system (SL Micro, or SLES in immutable mode).",
            "Such systems take packages by transactional-update and a reboot, which is not supported yet. "
            "Install SLES in standard mode. Nothing was changed.",
        )
    os_release = _os_release(machine)
    known = find_operating_system(os_release.get("ID", ""), os_release.get("VERSION_ID", ""))
    if not allow_unsupported and (known is None or platform.machine() not in known.architectures):
        name = os_release.get("PRETTY_NAME") or "This system"
        raise RefusedError(
            f"{name} on {platform.machine()} is not supported; supported: {operating_systems_text()}.",
            "Nothing was changed. To go on at your own risk set sles_prepare_allow_unsupported.",
        )


def summary(machine: Machine, choices: Optional[Mapping[str, Any]] = None) -> dict[str, Any]:
    """Read system, security, whether a reboot is due, whether RKE2 runs, the GPU driver, and what is to be installed.

    choices: option C(packages) of the module sles_settings.
    """
    os_release = _os_release(machine)
    version = os_release.get("VERSION_ID", "")
    major = int(version.split(".")[0]) if version.split(".")[0].isdigit() else 0
    security = read_security(machine)
    units = machine.units(["rke2-server.service", "rke2-agent.service"])
    found: dict[str, Any] = {
        "os": {"id": os_release.get("ID", ""), "version": version, "major": major},
        "security": security,
        "reboot_needed": machine.exists(REBOOT_FILE),
        "rke2_running": any(unit.running for unit in units.values()),
        "driver_mismatch": "",
    }
    if choices is not None:
        wanted = packages.packages(major, security, choices, choices["extra"])
        found["packages"], found["packages_missing"] = wanted, missing_packages(machine, wanted)
        driver = packages.nvidia_packages(choices["nvidia_generation"], "")
        mismatch = packages.driver_mismatch(read_packages(machine, driver), choices["nvidia_generation"])
        found["driver_mismatch"] = mismatch or ""
    return found


def missing_packages(machine: Machine, wanted: Sequence[str]) -> list[str]:
    """Return those packages that are not installed. C(name=version) asks for that version, with any release."""
    names = [name.split("=")[0] for name in wanted]
    installed = read_packages(machine, names)
    found = []
    for want, name in zip(wanted, names):
        version = want.partition("=")[2]
        have = installed.get(name, "")
        fits = have and (not version or have == version or have.startswith(f"{version}-"))
        if not fits and (have or version or not _provided(machine, name)):
            found.append(want)
    return found


def _provided(machine: Machine, name: str) -> bool:
    """Whether another package stands for this name, as after a renaming."""
    return machine.run(["rpm", "-q", "--whatprovides", name]).ok


def _os_release(machine: Machine) -> dict[str, str]:
    return parsing.key_values(machine.read("/etc/os-release") or "")


def _read_only_root(machine: Machine) -> bool:
    return bool(parsing.mount_of("/", machine.mounts()).get("read_only"))
