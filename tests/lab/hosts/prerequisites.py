# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the host laboratory needs from the machine, and getting what a package manager can give."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ..description import PROJECT
from ..errors import LabError
from ..progress import Progress

#: Programs, and the Debian package with each; bindep.txt names the packages (profile hosts).
PROGRAMS = {
    "podman": "podman", "runc": "runc", "conmon": "conmon", "mmdebstrap": "mmdebstrap", "createrepo_c": "createrepo-c",
    "rpmbuild": "rpm", "rpmsign": "rpm", "gpg": "gpg", "gpg-agent": "gpg-agent", "zstd": "zstd", "dnsmasq": "dnsmasq-base",
    "iptables": "iptables", "ip": "iproute2", "losetup": "mount", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
}  # fmt: skip

#: Packages without a program to look for: podman's network needs one, mmdebstrap the keys of Debian's archive.
COMPANIONS = ("netavark", "debian-archive-keyring")


def reason() -> str:
    """Return why hosts cannot run on this machine at all, or "" when they can. Missing packages are no reason."""
    if os.geteuid() != 0:
        return "hosts need root: they are containers that boot systemd"
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    kinds = {row[2] for row in mounts if row[1].startswith("/sys/fs/cgroup")}
    if "cgroup" not in kinds:
        return "hosts were only ever run on control groups version 1 (hybrid); this machine has version 2 alone"
    absent = missing()
    if absent and not shutil.which("apt-get"):
        return f"hosts need {', '.join(sorted(set(absent.values())))}, and there is no apt-get to install them"
    return ""


def missing() -> dict[str, str]:
    """Return the programs that are not there, with the Debian package that has them."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return {name: package for name, package in PROGRAMS.items() if not shutil.which(name, path=path)}


def ensure(progress: Progress) -> None:
    """Install what is missing. Raises LabError when the machine cannot run hosts, or apt-get fails."""
    why = reason()
    if why:
        raise LabError(why)
    absent = missing()
    if absent:
        packages = sorted({*absent.values(), *COMPANIONS})
        with progress.step(f"install {', '.join(packages)} (once)"):
            apt("update", "--quiet")
            apt("install", "--yes", "--quiet", "--no-install-recommends", *packages)


def apt(*arguments: str) -> None:
    """Run apt-get without questions. Raises LabError with its last lines when it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    result = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, check=False, env=environment,
                            stdin=subprocess.DEVNULL, cwd=PROJECT)  # fmt: skip
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-8:])
        raise LabError(f"apt-get {' '.join(arguments)} failed (exit code {result.returncode}):\n{last}")
