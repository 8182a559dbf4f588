# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Install RKE2 from its tarball: the steps of RKE2's own installer, so that each can be checked and told apart."""

from __future__ import annotations

import os
import tarfile

from ...core.errors import PlatformError, RefusedError
from ...core.rke2 import places, release
from ..machine import Machine
from .fetching import require_room
from .looking import version_of

_UNITS = "lib/systemd/system"
_NEW = ".ai-tenancy-new"
#: The program that was there before, for a way back by hand.
PREVIOUS = ".ai-tenancy-previous"
_LABELLED = ("/etc/systemd/system/rke2*", "/usr/local/lib/systemd/system/rke2*", "/usr/local/bin/rke2*", "/opt/rke2")


def install(machine: Machine, archive: str, root: str, version: str) -> None:
    """Unpack a verified archive below C(root): everything beside what is there, then one rename per file.

    The program itself comes last, so an interrupted installation never says that it is finished. What runs goes on with
    the old program until its restart. Raises RefusedError when the program in the archive is another version.
    """
    unpacked = _unpack(machine, archive, root)
    program = f"{root}/bin/rke2"
    try:
        found = version_of(machine, machine.path(program) + _NEW)
        if found != version:
            raise RefusedError(f"The archive holds {found or 'no RKE2'}, not {version}. Nothing was touched.")
        if machine.exists(program):
            _keep_previous(machine.path(program))
        for path in sorted(unpacked, key=lambda path: path == program):
            os.replace(machine.path(path) + _NEW, machine.path(path))
    except OSError as error:
        raise PlatformError(f"Cannot install below {root}: {error.strerror or error}.", "Run again.") from error
    finally:
        for path in unpacked:
            if os.path.exists(machine.path(path) + _NEW):
                os.unlink(machine.path(path) + _NEW)
    _relabel(machine)
    machine.must(["systemctl", "daemon-reload"], "systemd does not take the new units")


def _unpack(machine: Machine, archive: str, root: str) -> list[str]:
    """Write every file of the archive beside its place; returns the places."""
    written: list[str] = []
    try:
        os.makedirs(machine.path(root), mode=0o755, exist_ok=True)
        require_room(machine.path(root), 4 * os.path.getsize(archive))
        with tarfile.open(archive) as tar:
            for member in tar:
                name = os.path.normpath(member.name)
                if not member.isfile() or name.split("/")[0] not in ("bin", "lib", "share"):
                    continue
                written.append(_unpack_one(machine, tar, member, _place(name, root), root))
    except (OSError, tarfile.TarError, EOFError) as error:
        for path in written:
            os.unlink(machine.path(path) + _NEW)
        raise PlatformError(f"Cannot unpack {os.path.basename(archive)}: {error}. Nothing was touched.") from error
    return written


def _place(name: str, root: str) -> str:
    """Where a file goes. Beside /usr/local systemd does not look, so units go to /etc then (rancher/rke2, install.sh)."""
    if root != places.TAR_ROOT and name.startswith(f"{_UNITS}/") and name.endswith(".service"):
        return f"/etc/systemd/system/{os.path.basename(name)}"
    return f"{root}/{name}"


def _unpack_one(machine: Machine, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> str:
    target = machine.path(path)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise tarfile.TarError(f"{member.name} cannot be read")
    with open(target + _NEW, "wb") as file:
        if path.endswith((".service", ".sh", ".env")):
            file.write(release.relocated(source.read().decode("utf-8"), root).encode("utf-8"))
        else:
            for block in iter(lambda: source.read(1 << 20), b""):
                file.write(block)
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        file.flush()
        os.fsync(file.fileno())
    return path


def _keep_previous(program: str) -> None:
    if os.path.exists(program + PREVIOUS):
        os.unlink(program + PREVIOUS)
    os.link(program, program + PREVIOUS)


def _relabel(machine: Machine) -> None:
    """Give the files their SELinux types where a policy for them is installed."""
    if machine.has("restorecon") and machine.run(["rpm", "-q", "rke2-selinux"]).ok:
        machine.run(["restorecon", "-R", "-i", *_LABELLED])
