# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Look at a disk, make its file system when it is empty, and mount it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from ..core.errors import NotFoundError, PlatformError
from ..core.host.disk import Disk
from ..core.host.parsing import key_values
from .machine import Machine

#: Read at the beginning and at the end of a device, in bytes; partition tables, LVM, RAID and file systems are in there.
_LOOK_AT = 4 * 1024 * 1024


def look(machine: Machine, device: str) -> Disk:
    """Read what is on a disk. Raises NotFoundError when there is no such block device."""
    path = os.path.realpath(device)
    try:
        if not stat.S_ISBLK(os.stat(path).st_mode):
            raise NotFoundError(f"{device} is no block device.", "See lsblk -o NAME,SIZE,TYPE,SERIAL.")
    except OSError as error:
        raise NotFoundError(f"{device}: {error.strerror}.", "See lsblk -o NAME,SIZE,TYPE,SERIAL.") from error
    name = os.path.basename(path)
    probe = machine.run(["blkid", "--probe", "--output", "export", path])
    if probe.code not in (0, 2):  # 2: nothing was recognised; 8: more than one thing was
        raise PlatformError(f"Cannot tell what is on {device}: {probe.text}", "Look with wipefs --no-act.")
    found = key_values(probe.out)
    usage, kind = found.get("USAGE", ""), found.get("TYPE", "")
    signatures = [f"{key} {found[key]}" for key in ("PTTYPE",) if found.get(key)]
    if kind and usage != "filesystem":
        signatures.append(f"{kind} ({usage or 'unknown use'})")
    base = f"/sys/class/block/{name}"
    partitions = [one for one in machine.list(base) if machine.exists(f"{base}/{one}/partition")]
    mounts = machine.mounts()
    number = machine.value(f"{base}/dev")
    size, blank = _look_at_bytes(path)
    return Disk(
        device,
        size,
        kind if usage == "filesystem" else "",
        found.get("LABEL", ""),
        found.get("UUID", ""),
        tuple(signatures),
        tuple(partitions),
        tuple(machine.list(f"{base}/holders")),
        tuple(dict.fromkeys(str(one["path"]) for one in mounts if one["device"] == number or one["source"] == path)),
        blank,
    )


def _look_at_bytes(path: str) -> tuple[int, bool]:
    with open(path, "rb") as device:
        size = device.seek(0, os.SEEK_END)
        blank = True
        for begin in (0, max(0, size - _LOOK_AT)):
            device.seek(begin)
            data = device.read(_LOOK_AT)
            blank = blank and not data.strip(b"\0")
    return size, blank


def make(machine: Machine, device: str, kind: str, label: str) -> None:
    """Make the file system. mkfs looks once more itself, and is not forced."""
    machine.must([f"mkfs.{kind}", "-L", label, device], f"Cannot make {kind} on {device}", "Nothing was overwritten.")
    machine.run(["udevadm", "settle", "--timeout=30"])


def mount(machine: Machine, device: str, path: str, kind: str, options: Sequence[str]) -> None:
    """Mount it, as the line in fstab says."""
    try:
        os.makedirs(machine.path(path), mode=0o755, exist_ok=True)
    except OSError as error:
        raise PlatformError(f"Cannot make {path}: {error.strerror}.") from error
    machine.run(["systemctl", "daemon-reload"])
    command = ["mount", "-t", kind, "-o", ",".join(options), device, path]
    machine.must(command, f"Cannot mount {device} on {path}", "See dmesg.")
