# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Install RKE2 by zypper, from a signed repository that is enabled only while this runs."""

from __future__ import annotations

import os

from ...core.errors import PlatformError, WaitTimeoutError
from ...core.rke2 import release
from ...core.rke2.version import Version
from ..machine import Answer, Machine

REPOSITORY_FILE = "/etc/zypp/repos.d/ai-tenancy-rke2.repo"
#: Exit codes of zypper (zypper(8)): something holds the lock; done, but a reboot is wanted; done, but restart zypper.
_LOCKED, _REBOOT, _RESTART = 7, 102, 103
#: Seconds to wait for somebody else's zypper.
LOCK_TIMEOUT = 120
_INSTALL_TIMEOUT = 1800


def install(machine: Machine, version: Version, node_type: str, base: str, key: str) -> None:
    """Install the packages of a server or an agent in exactly this version. base, key: see L(release.repository)."""
    repositories = release.repositories(base, version, os.uname().machine)
    text = release.repository(base, version, os.uname().machine, key)
    if machine.read(REPOSITORY_FILE) != text:
        machine.write(REPOSITORY_FILE, text)
    machine.must(["rpm", "--import", key], f"Cannot import the key {key}", "Check rke2_rpm_key.")
    os.makedirs(machine.path("/var/lib/rpm-state"), exist_ok=True)  # a scriptlet of the packages writes there
    aliases = [alias for alias, _url in repositories]
    zypper(machine, "Cannot enable the repository", "modifyrepo", "--enable", *aliases)
    try:
        zypper(machine, "Cannot read the repository", "refresh", *aliases)
        names = [f"rke2-{node_type}={version.rpm}", f"rke2-common={version.rpm}"]
        zypper(machine, f"Cannot install {', '.join(names)}", "install", "--no-confirm", "--allow-downgrade", *names)
    finally:
        zypper(machine, "Cannot disable the repository", "modifyrepo", "--disable", *aliases)
    machine.must(["systemctl", "daemon-reload"], "systemd does not take the new units")


def zypper(machine: Machine, what: str, *arguments: str) -> Answer:
    """Run zypper without questions, waiting for its lock."""
    environment = {"ZYPP_LOCK_TIMEOUT": str(LOCK_TIMEOUT)}
    argv = ["zypper", "--non-interactive", "--no-color", *arguments]
    answer = machine.run(argv, environment=environment, timeout=_INSTALL_TIMEOUT)
    if answer.code == _LOCKED:
        raise WaitTimeoutError(f"{what}: another program held the lock of zypper for {LOCK_TIMEOUT} s: {answer.text}")
    if answer.code not in (0, _REBOOT, _RESTART):
        raise PlatformError(f"{what}: {_words(answer)}", "Check rke2_rpm_repository.")
    return answer


def _words(answer: Answer) -> str:
    lines = [line.strip() for line in (answer.err + "\n" + answer.out).splitlines() if line.strip()]
    telling = [line for line in lines if "nothing provides" in line or "not found" in line or "rror" in line]
    return "; ".join((telling or lines)[-4:]) or f"exit code {answer.code}"
